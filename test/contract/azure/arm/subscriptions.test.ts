import { describe, expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createSubscriptions } from "../../../../src/azure/arm/subscriptions.js";
import type { Registrable } from "../../../../src/subscription/ports.js";
import { refusal } from "../../../support/refusal.js";
import { onWire, refused, type WireServer } from "./wire-server.js";

const COMPUTE: Registrable = { namespace: "Microsoft.Compute" };
const SIG_ENCRYPTION: Registrable = { ...COMPUTE, feature: "SIGEncryption" };

describe("over the wire", () => {
  let wire: WireServer;
  onWire((given) => {
    wire = given;
  });
  const create = () => createSubscriptions(createArmClient(wire.options()));

  test("each question goes to its endpoint, with its api-version and our token", async () => {
    wire.reply = {
      status: 200,
      body: {
        registrationState: "Registered",
        properties: { state: "Pending" },
      },
    };
    const subscriptions = create();
    await subscriptions.listRegions("s");
    await subscriptions.getRegistration("s", COMPUTE);
    await subscriptions.register("s", COMPUTE);
    await subscriptions.getRegistration("s", SIG_ENCRYPTION);
    await subscriptions.register("s", SIG_ENCRYPTION);
    const feature =
      "/subscriptions/s/providers/Microsoft.Features/providers/Microsoft.Compute/features/SIGEncryption";
    expect(wire.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /subscriptions/s/locations?api-version=2022-12-01",
      "GET /subscriptions/s/providers/Microsoft.Compute?api-version=2021-04-01",
      "POST /subscriptions/s/providers/Microsoft.Compute/register?api-version=2021-04-01",
      `GET ${feature}?api-version=2021-07-01`,
      `POST ${feature}/register?api-version=2021-07-01`,
    ]);
    expect(
      wire.received.every(({ authorization }) => authorization?.startsWith("Bearer token-for-")),
    ).toBe(true);
  });

  test("a feature that awaits approval is Pending", async () => {
    wire.reply = { status: 200, body: { properties: { state: "Pending" } } };
    expect(await create().getRegistration("s", SIG_ENCRYPTION)).toBe("Pending");
  });

  test("regions are read over all pages, from our address alone, without geographies and edge zones", async () => {
    wire.reply = ({ url }) => ({
      status: 200,
      body: url.includes("page=2")
        ? { value: [{ name: "eastus2", metadata: { regionType: "Physical" } }] }
        : {
            value: [
              { name: "West US", type: "Region" },
              { name: "europe", metadata: { regionType: "Logical" } },
              { name: "losangeles", type: "EdgeZone" },
            ],
            nextLink: "https://elsewhere.example/locations?api-version=2022-12-01&page=2",
          },
    });
    expect(await create().listRegions("s")).toEqual([{ name: "westus" }, { name: "eastus2" }]);
    expect(wire.received.map(({ url }) => url)).toEqual([
      "/subscriptions/s/locations?api-version=2022-12-01",
      "/subscriptions/s/locations?api-version=2022-12-01&page=2",
    ]);
  });

  type Subscriptions = ReturnType<typeof createSubscriptions>;
  test.each<[string, string, string, (subscriptions: Subscriptions) => Promise<unknown>]>([
    [
      "regions",
      "Microsoft.Resources/subscriptions/locations/read",
      "Reader",
      (subscriptions) => subscriptions.listRegions("s"),
    ],
    [
      "a provider",
      "Microsoft.Resources/subscriptions/providers/read",
      "Reader",
      (subscriptions) => subscriptions.getRegistration("s", COMPUTE),
    ],
    [
      "a feature",
      "Microsoft.Features/providers/features/read",
      "Reader",
      (subscriptions) => subscriptions.getRegistration("s", SIG_ENCRYPTION),
    ],
    [
      "the registration of a provider",
      "Microsoft.Compute/register/action",
      "Contributor",
      (subscriptions) => subscriptions.register("s", COMPUTE),
    ],
    [
      "the registration of a feature",
      "Microsoft.Features/providers/features/register/action",
      "Contributor",
      (subscriptions) => subscriptions.register("s", SIG_ENCRYPTION),
    ],
  ])("403 to %s names %s and the role %s; 429 comes through", async (_, action, role, ask) => {
    wire.reply = { status: 403, body: refused("AuthorizationFailed") };
    const error = await refusal(ask(create()));
    expect(error).toMatchObject({
      code: "ResourceManagerForbidden",
      fields: { action, scope: "/subscriptions/s" },
    });
    expect(error.message).toContain(`Give it the role ${role} there.`);

    wire.received = [];
    wire.reply = { status: 429, headers: { "Retry-After": "77" } };
    expect(await refusal(ask(create()))).toMatchObject({
      code: "ResourceManagerThrottled",
      retryAfterMs: 77_000,
    });
    expect(wire.received).toHaveLength(1);
  });
});
