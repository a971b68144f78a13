import { afterAll, beforeAll, expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createResourceManager } from "../../../../src/azure/arm/resource-manager.js";
import { createResourceReader } from "../../../../src/azure/arm/resource-reader.js";
import { createSubscriptions } from "../../../../src/azure/arm/subscriptions.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { idOf } from "../../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../../support/requests.js";
import { startWireServer, type WireServer } from "./wire-server.js";

let wire: WireServer;
beforeAll(async () => {
  wire = await startWireServer();
});
afterAll(() => wire.close());

function subscription(n: number): string {
  return `00000000-0000-0000-0000-${String(n).padStart(12, "0")}`;
}

test("however many subscriptions are named, one pipeline and one token serve them all", async () => {
  let tokens = 0;
  const options = wire.options();
  const arm = createArmClient({
    ...options,
    credential: {
      getToken: (...asked) => {
        tokens += 1;
        return options.credential.getToken(...asked);
      },
    },
  });
  const resources = createResourceReader(arm);
  const subscriptions = createSubscriptions(arm);
  const resourceManager = createResourceManager(arm);
  wire.received = [];
  wire.reply = { status: 404 };
  for (let n = 0; n < 200; n += 1) {
    const scope = `/subscriptions/${subscription(n)}`;
    await resources.getDiskEncryptionSet(
      `${scope}/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/s`,
    );
    await subscriptions.listRegions(subscription(n));
    await resourceManager.getImageVersion({
      ...idOf(seedVersionId("1.0.0")),
      subscriptionId: subscription(n),
    });
  }
  // Each is asked of the subscription that it is in.
  expect(wire.received.map(({ url }) => url.split("/")[2]).filter((_, i) => i % 3)).toEqual(
    Array.from({ length: 200 }, (_, n) => [subscription(n), subscription(n)]).flat(),
  );
  expect(tokens).toBe(1);
});

test("the preview of a PUT is of the version's own subscription, needs no token and sends nothing", async () => {
  let tokens = 0;
  const arm = createArmClient({
    ...wire.options(),
    credential: {
      getToken: () => {
        tokens += 1;
        return Promise.resolve(null);
      },
    },
  });
  wire.received = [];
  const preview = await createResourceManager(arm).previewPut(
    { ...idOf(seedVersionId("1.0.0")), subscriptionId: subscription(7) },
    canonicalForm(managedImageRequest()),
  );
  expect(preview.url).toContain(`/subscriptions/${subscription(7)}/`);
  expect(preview.method).toBe("PUT");
  expect(tokens).toBe(0);
  expect(wire.received).toEqual([]);
});
