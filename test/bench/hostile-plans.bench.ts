/**
 * What the memory of a process does over 10,000 plans that each name subscriptions that nobody has named before:
 * `npx vitest bench --run test/bench/hostile-plans.bench.ts`. It prints the resident set after each thousand; the tests
 * assert on counts (test/contract/azure/arm-client.test.ts, test/unit/bounded-map.test.ts).
 */
import { afterAll, bench } from "vitest";
import { createArmClient } from "../../src/azure/arm/client.js";
import { createResourceManager } from "../../src/azure/arm/resource-manager.js";
import { createResourceReader } from "../../src/azure/arm/resource-reader.js";
import { createSubscriptions } from "../../src/azure/arm/subscriptions.js";
import { planImageVersion } from "../../src/image-version/commands/plan.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { startWireServer } from "../contract/azure/arm/wire-server.js";
import { idOf } from "../support/dependencies.js";
import { seedVersionId } from "../support/requests.js";
import { createWorld } from "../support/world.js";

const PLANS = 10_000;
const SOURCES = 5;
const SETS = 20;

const wire = await startWireServer();
// Whatever is asked for is not there, but that its subscription is registered.
wire.reply = ({ url }) =>
  /\/providers\/Microsoft\.Compute\?/u.test(url)
    ? { status: 200, body: { registrationState: "Registered" } }
    : { status: 404 };
const arm = createArmClient(wire.options());
const deps = {
  ...createWorld().deps.imageVersions,
  resourceManager: createResourceManager(arm),
  resources: createResourceReader(arm),
  subscriptions: createSubscriptions(arm),
};

let named = 0;
function newSubscription(): string {
  named += 1;
  return `00000000-0000-0000-0000-${named.toString(16).padStart(12, "0")}`;
}

function resource(type: string): string {
  return `/subscriptions/${newSubscription()}/resourceGroups/g/providers/Microsoft.Compute/${type}/x`;
}

function hostile(): ImageVersionRequest {
  return {
    location: "westus",
    tags: { [`tag${named}`]: "x" },
    properties: {
      publishingProfile: {
        targetRegions: Array.from({ length: SETS }, () => ({
          name: `region${named}`,
          encryption: {
            osDiskImage: {
              diskEncryptionSetId: resource("diskEncryptionSets"),
            },
          },
        })),
      },
      storageProfile: {
        osDiskImage: { source: { id: resource("snapshots") } },
        dataDiskImages: Array.from({ length: SOURCES - 1 }, (_, lun) => ({
          lun,
          source: { id: resource("snapshots") },
        })),
      },
    },
  };
}

let plans = 0;
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);

afterAll(() => wire.close());

bench(
  "a plan that names 26 new subscriptions",
  async () => {
    await planImageVersion(deps, {
      id: {
        ...idOf(seedVersionId("1.0.0")),
        subscriptionId: newSubscription(),
      },
      body: hostile(),
    });
    wire.received = [];
    plans += 1;
    if (plans % 1_000 === 0) {
      const { rss, heapUsed } = process.memoryUsage();
      console.log(
        `${plans} plans, ${named} subscriptions: RSS ${mebibytes(rss)} MiB, heap ${mebibytes(heapUsed)} MiB`,
      );
    }
  },
  { iterations: PLANS, time: 0, warmupIterations: 0, warmupTime: 0 },
);
