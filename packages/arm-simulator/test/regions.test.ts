import { expect, test } from "vitest";
import { seedWorld } from "../src/world.js";
import { put, startForEach, SUBSCRIPTION, versionId, type Harness } from "./harness.js";

const SCOPE = `/subscriptions/${SUBSCRIPTION}`;

let h: Harness;
startForEach((started) => (h = started), {
  world: seedWorld(SUBSCRIPTION, { unavailableRegions: ["East US 2"] }),
});

async function locations(): Promise<unknown[]> {
  const { body } = await h.call("GET", `${SCOPE}/locations`);
  return (body["value"] as { name: string }[]).map(({ name }) => name);
}

test("a region that is withheld from the subscription is not among its locations", async () => {
  expect(await locations()).not.toContain("eastus2");
  expect(await locations()).toContain("eastus");
  const { body } = await h.call("GET", `${SCOPE}/providers/Microsoft.Compute`);
  const types = body["resourceTypes"] as {
    resourceType: string;
    locations: string[];
  }[];
  const versions = types.find(({ resourceType }) => resourceType === "galleries/images/versions");
  expect(versions?.locations).toContain("East US");
  expect(versions?.locations).not.toContain("East US 2");
});

test("a version cannot be replicated to it until it is offered", async () => {
  const targetRegions = [{ name: "westus" }, { name: "East US 2" }];
  expect(await put(h, versionId("1.0.0"), { targetRegions })).toMatchObject({
    status: 400,
    body: {
      error: {
        code: "InvalidParameter",
        message: expect.stringContaining("'East US 2'") as string,
        target: "galleryImageVersion.properties.publishingProfile.targetRegions[1].name",
      },
    },
  });
  await h.simulator.control.setUnavailableRegions({
    subscriptionId: SUBSCRIPTION,
    regions: [],
  });
  expect(await locations()).toContain("eastus2");
  expect(await put(h, versionId("1.0.0"), { targetRegions })).toMatchObject({
    status: 201,
  });
});

test("a version cannot have its location there, and is told where it can", async () => {
  await h.simulator.control.setUnavailableRegions({
    subscriptionId: SUBSCRIPTION,
    regions: ["West US"],
  });
  const { status, body } = await put(h, versionId("1.0.0"), {});
  expect(status).toBe(400);
  const { code, message } = body["error"] as { code: string; message: string };
  expect(code).toBe("LocationNotAvailableForResourceType");
  expect(message).toContain("'westus' is not available");
  expect(message).toMatch(/List of available regions .*'eastus,eastus2,/u);
});

test("a name that is no region cannot be withheld", async () => {
  await expect(
    h.simulator.control.setUnavailableRegions({
      subscriptionId: SUBSCRIPTION,
      regions: ["atlantis"],
    }),
  ).rejects.toThrow("'atlantis' is no region");
});
