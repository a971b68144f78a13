import { describe, expect, test } from "vitest";
import type { RegistrationState } from "../src/state.js";
import { seedWorld } from "../src/world.js";
import { put, region, startForEach, SUBSCRIPTION, versionId, type Harness } from "./harness.js";

const REGISTRATION_MS = 10 * 60_000;
const SCOPE = `/subscriptions/${SUBSCRIPTION}`;
const PROVIDER = `${SCOPE}/providers/Microsoft.Compute`;
const FEATURE = `${SCOPE}/providers/Microsoft.Features/providers/Microsoft.Compute/features/SIGEncryption`;

let h: Harness;
startForEach((started) => (h = started), {
  world: seedWorld(SUBSCRIPTION, {
    registrationMs: REGISTRATION_MS,
    sigEncryption: "NotRegistered",
    requiredFeatures: ["Microsoft.Compute/SIGEncryption"],
    approvalRequired: ["microsoft.compute/sigencryption"],
  }),
});

const set = (state: RegistrationState, feature?: string) =>
  h.simulator.control.setRegistrationState({
    subscriptionId: SUBSCRIPTION,
    namespace: "Microsoft.Compute",
    state,
    ...(feature === undefined ? {} : { feature }),
  });
const provider = async (method = "GET", action = ""): Promise<unknown> =>
  (await h.call(method, `${PROVIDER}${action}`)).body["registrationState"];
const feature = async (method = "GET", action = ""): Promise<unknown> =>
  (await h.call(method, `${FEATURE}${action}`)).body["properties"];

describe("a provider", () => {
  test.each<RegistrationState>(["NotRegistered", "Unregistering", "Unregistered"])(
    "that is %s refuses writes, and registers when asked",
    async (state) => {
      await set(state);
      expect(await provider()).toBe(state);
      expect(await put(h, versionId("1.0.0"), {})).toMatchObject({
        status: 409,
        body: { error: { code: "MissingSubscriptionRegistration" } },
      });
      expect(await provider("POST", "/register")).toBe("Registering");
      h.clock.advance(REGISTRATION_MS);
      expect(await provider()).toBe("Registered");
    },
  );

  test("that is Unregistering is Unregistered in time", async () => {
    await set("Unregistering");
    h.clock.advance(REGISTRATION_MS - 1);
    expect(await provider()).toBe("Unregistering");
    h.clock.advance(1);
    expect(await provider()).toBe("Unregistered");
  });

  test("that is Registered answers a second registration at once", async () => {
    expect(await provider("POST", "/register")).toBe("Registered");
  });
});

describe("a feature that needs approval", () => {
  test("stays Pending, however often it is asked for, until it is set", async () => {
    expect(await feature()).toEqual({ state: "NotRegistered" });
    expect(await feature("POST", "/register")).toEqual({ state: "Pending" });
    h.clock.advance(100 * REGISTRATION_MS);
    expect(await feature("POST", "/register")).toEqual({ state: "Pending" });
    const own = { targetRegions: [region("westus", "WestUS")] };
    expect(await put(h, versionId("1.0.0"), own)).toMatchObject({
      status: 400,
      body: { error: { code: "SubscriptionNotRegisteredForFeature" } },
    });
    await set("Registered", "SIGEncryption");
    expect(await feature()).toEqual({ state: "Registered" });
    expect(await put(h, versionId("1.0.0"), own)).toMatchObject({
      status: 201,
    });
  });

  test.each<RegistrationState>(["Unregistering", "Unregistered"])(
    "can be asked for again when it is %s",
    async (state) => {
      await set(state, "SIGEncryption");
      expect(await feature()).toEqual({ state });
      expect(await feature("POST", "/register")).toEqual({ state: "Pending" });
    },
  );
});

test("a feature that is set to Pending stays so, though another registration of it would need no approval", async () => {
  const plain = await h.start({ world: seedWorld(SUBSCRIPTION) });
  await plain.control.setRegistrationState({
    subscriptionId: SUBSCRIPTION,
    namespace: "Microsoft.Compute",
    feature: "SIGEncryption",
    state: "Pending",
  });
  const url = `${plain.endpoint}${FEATURE}/register?api-version=2021-07-01`;
  expect((await h.call("POST", url)).body).toMatchObject({
    properties: { state: "Pending" },
  });
});

test.each([
  [PROVIDER.replace("Compute", "Nothing"), "InvalidResourceNamespace"],
  [FEATURE.replace("SIGEncryption", "Nothing"), "FeatureNotFound"],
])("%s cannot be read or registered", async (path, code) => {
  for (const answer of [await h.call("GET", path), await h.call("POST", `${path}/register`)])
    expect(answer).toMatchObject({ status: 404, body: { error: { code } } });
});
