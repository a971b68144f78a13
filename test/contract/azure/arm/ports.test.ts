/** The ports of Azure by their adapters: the real SDK, against the simulator. */
import { describe } from "vitest";
import { AZURE } from "../../../support/port-suites/requests.js";
import { startOverHttps } from "../../../support/over-https.js";
import type { AzureUnderTest } from "../../../support/port-suites/azure.js";
import { resourceManagerSuite } from "../../../support/port-suites/resource-manager.js";
import { resourceReaderSuite } from "../../../support/port-suites/resource-reader.js";
import { subscriptionsSuite } from "../../../support/port-suites/subscriptions.js";

async function start(): Promise<AzureUnderTest> {
  const world = await startOverHttps({ world: AZURE });
  const { deps } = world;
  const { control } = world.simulator;
  return {
    clock: world.clock,
    resourceManager: deps.resourceManager,
    resources: deps.resources,
    subscriptions: deps.subscriptions,
    failRegion: (region) => control.failRegion({ region }),
    unregister: (subscriptionId, what) =>
      control.setRegistrationState({
        subscriptionId,
        ...what,
        state: "NotRegistered",
      }),
    throttleNext: () => void control.addFault({ status: 429, headers: { "Retry-After": "20" } }),
    close: () => world.close(),
  };
}

describe("image versions", () => resourceManagerSuite(start));
describe("resources", () => resourceReaderSuite(start));
describe("subscriptions", () => subscriptionsSuite(start));
