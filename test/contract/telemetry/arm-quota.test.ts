import { startInMemoryTelemetry } from "../../support/telemetry.js";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createArmClient } from "../../../src/azure/arm/client.js";
import { createResourceManager } from "../../../src/azure/arm/resource-manager.js";
import type { ArmQuota } from "../../../src/telemetry/metrics.js";
import { idOf } from "../../support/dependencies.js";
import { seedVersionId } from "../../support/requests.js";
import { startWireServer, type WireServer } from "../azure/arm/wire-server.js";

const id = idOf(seedVersionId("1.0.0"));
const { subscriptionId } = id;

let wire: WireServer;
const told: ArmQuota[] = [];
beforeAll(async () => {
  wire = await startWireServer();
});
afterEach(() => told.splice(0));
afterAll(() => wire.close());

async function read(headers: Record<string, string>, status = 200) {
  wire.reply = { status, headers, body: { properties: {} } };
  await createResourceManager(
    createArmClient({
      ...wire.options(),
      onQuota: (quota) => told.push(quota),
    }),
  )
    .getImageVersion(id)
    .catch(() => undefined);
  return told;
}

test("ARM's own limits and Compute's are told by their names", async () => {
  expect(
    await read({
      "x-ms-ratelimit-remaining-subscription-reads": "249",
      "x-ms-ratelimit-remaining-resource":
        "Microsoft.Compute/GetGalleryImageVersion3Min;599, Microsoft.Compute/GetGalleryImageVersion30Min;2999",
    }),
  ).toEqual([
    { limit: "subscription-reads", remaining: 249, subscriptionId },
    {
      limit: "Microsoft.Compute/GetGalleryImageVersion3Min",
      remaining: 599,
      subscriptionId,
    },
    {
      limit: "Microsoft.Compute/GetGalleryImageVersion30Min",
      remaining: 2_999,
      subscriptionId,
    },
  ]);
});

test("a header that is no number tells nothing, nor does an answer without any", async () => {
  expect(
    await read({
      "x-ms-ratelimit-remaining-subscription-reads": "many",
      "x-ms-ratelimit-remaining-resource": "Microsoft.Compute/X",
    }),
  ).toEqual([]);
  expect(await read({})).toEqual([]);
});

test("a throttled call tells that nothing is left", async () => {
  expect(await read({ "x-ms-ratelimit-remaining-subscription-reads": "0" }, 429)).toMatchObject([
    { limit: "subscription-reads", remaining: 0 },
  ]);
});

test("a refusal tells nothing: whoever names a subscription at random shall make no metric of it", async () => {
  expect(await read({ "x-ms-ratelimit-remaining-subscription-reads": "1" }, 403)).toEqual([]);
});

test("ten thousand subscriptions are not ten thousand series: the SDK keeps 2,000 and counts the others as one", async () => {
  const telemetry = startInMemoryTelemetry();
  for (let i = 0; i < 10_000; i += 1)
    telemetry.metrics.armQuota({
      limit: "subscription-reads",
      subscriptionId: String(i),
      remaining: i,
    });
  const measured = await telemetry.measured("sigil.arm.quota.remaining");
  await telemetry.stop();
  expect(measured?.points).toHaveLength(2_000);
});
