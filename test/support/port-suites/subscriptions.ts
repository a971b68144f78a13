import { afterEach, beforeEach, expect, test } from "vitest";
import { parseResourceId } from "../../../src/resource-id.js";
import type { Subscriptions } from "../../../src/subscription/ports.js";
import { SOURCE } from "./requests.js";
import { THROTTLED, type AzureUnderTest } from "./azure.js";

const SUBSCRIPTION_ID = parseResourceId(SOURCE)?.subscriptionId ?? "";
const NO_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000";
const COMPUTE = { namespace: "Microsoft.Compute" };
const FEATURE = { ...COMPUTE, feature: "SIGEncryption" };

/** What every Subscriptions does. */
export function subscriptionsSuite(start: () => Promise<AzureUnderTest>): void {
  let azure: AzureUnderTest;
  let subscriptions: Subscriptions;
  beforeEach(async () => {
    azure = await start();
    subscriptions = azure.subscriptions;
  });
  afterEach(() => azure.close());

  test("regions have their canonical names, and availability zones or none", async () => {
    const regions = await subscriptions.listRegions(SUBSCRIPTION_ID);
    expect(regions).toEqual(
      expect.arrayContaining([
        { name: "westus", zones: false },
        { name: "eastus2", zones: true },
      ]),
    );
    expect(regions?.every(({ name }) => /^[a-z0-9]+$/u.test(name))).toBe(true);
  });

  test.each([
    ["provider", SUBSCRIPTION_ID, { namespace: "Microsoft.Nothing" }],
    ["feature", SUBSCRIPTION_ID, { ...COMPUTE, feature: "Nothing" }],
    ["subscription", NO_SUBSCRIPTION, COMPUTE],
  ])("no such %s is undefined", async (_, id, what) => {
    expect(await subscriptions.getRegistration(id, what)).toBeUndefined();
    expect(await subscriptions.register(id, what)).toBeUndefined();
  });

  test("no such subscription has no regions", async () => {
    expect(await subscriptions.listRegions(NO_SUBSCRIPTION)).toBeUndefined();
  });

  test.each([
    ["provider", COMPUTE],
    ["feature", FEATURE],
  ])("the registration of a %s goes on by itself, and is not begun anew", async (_, what) => {
    const state = () => subscriptions.getRegistration(SUBSCRIPTION_ID, what);
    const register = () => subscriptions.register(SUBSCRIPTION_ID, what);
    await azure.unregister(SUBSCRIPTION_ID, what);
    expect(await state()).toBe("NotRegistered");
    expect(await register()).toBe("Registering");
    azure.clock.advance(20 * 60_000);
    expect(await register()).toBe("Registering");
    // Half an hour after the first call it is done.
    azure.clock.advance(11 * 60_000);
    expect(await state()).toBe("Registered");
    expect(await register()).toBe("Registered");
  });

  test.each<[string, (port: Subscriptions) => Promise<unknown>]>([
    ["list of regions", (port) => port.listRegions(SUBSCRIPTION_ID)],
    ["read of a state", (port) => port.getRegistration(SUBSCRIPTION_ID, COMPUTE)],
    ["registration", (port) => port.register(SUBSCRIPTION_ID, FEATURE)],
  ])("a %s that is throttled is one call, to be made again", async (_, call) => {
    azure.throttleNext();
    await expect(call(subscriptions)).rejects.toMatchObject(THROTTLED);
    expect(await call(subscriptions)).toBeDefined();
  });
}
