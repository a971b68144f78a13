import { describe, expect, test } from "vitest";
import {
  DURATION_MS,
  encryptedVersion,
  get,
  region,
  replication,
  startForEach,
  submit,
  versionId,
  type Harness,
} from "./harness.js";

const V = versionId("1.0.0");

let h: Harness;
startForEach((started) => (h = started));

const state = async () => (await get(h.client, "1.0.0")).provisioningState;

describe('setFailureMode "firstRegion"', () => {
  const failEast = () =>
    h.control("failRegion", { versionId: V, region: "eastus2", atProgress: 5 });

  test("the operation fails with its first region; the others go on, and complete", async () => {
    await h.control("setFailureMode", { when: "firstRegion" });
    await failEast();
    const { poller } = await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS * 0.3);
    await expect(poller.pollUntilDone()).rejects.toThrow(
      "Replication job not completed at region: eastus2",
    );
    expect(await state()).toBe("Failed");
    const early = await replication(h.client, "1.0.0");
    expect(early["East US 2"]).toEqual({ state: "Failed", progress: 5 });
    expect(early["West US"]?.state).toBe("Replicating");
    h.clock.advance(DURATION_MS * 0.1);
    const later = await replication(h.client, "1.0.0");
    expect(later["West US"]?.progress).toBeGreaterThan(early["West US"]?.progress ?? 100);
    h.clock.advance(DURATION_MS);
    expect(await replication(h.client, "1.0.0")).toEqual({
      "West US": { state: "Completed", progress: 100 },
      "East US 2": { state: "Failed", progress: 5 },
    });
    expect(await state()).toBe("Failed");
  });

  test("names the region that failed first, and ends then, however late one looks", async () => {
    await h.control("setFailureMode", { when: "firstRegion" });
    await failEast();
    await h.control("failRegion", {
      versionId: V,
      region: "westus",
      atProgress: 95,
    });
    const answer = await h.call("PUT", V, {
      body: {
        location: "westus",
        properties: {
          storageProfile: encryptedVersion().storageProfile,
          publishingProfile: encryptedVersion().publishingProfile,
        },
      },
    });
    h.clock.advance(DURATION_MS * 3);
    const operation = answer.headers.get("azure-asyncoperation") ?? "";
    const { body } = await h.call("GET", operation);
    expect(body).toMatchObject({
      status: "Failed",
      error: {
        code: "CrpPirReplicationJobsNotCompleted",
        message: "Replication job not completed at region: eastus2",
      },
    });
    expect(Date.parse(body["endTime"] as string)).toBeLessThan(
      Date.parse(body["startTime"] as string) + DURATION_MS / 2,
    );
  });

  test("an update may come while the others replicate, and leaves them alone", async () => {
    await h.control("setFailureMode", { when: "firstRegion" });
    await failEast();
    const safetyProfile = { allowDeletionOfReplicatedLocations: true };
    await submit(h.client, "1.0.0", encryptedVersion({ safetyProfile }));
    h.clock.advance(DURATION_MS * 0.3);
    expect(await state()).toBe("Failed");
    const before = (await replication(h.client, "1.0.0"))["West US"];
    await submit(
      h.client,
      "1.0.0",
      encryptedVersion({
        safetyProfile,
        publishingProfile: { targetRegions: [region("westus", "WestUS")] },
      }),
    );
    expect(await replication(h.client, "1.0.0")).toEqual({ "West US": before });
    h.clock.advance(DURATION_MS);
    expect(await state()).toBe("Succeeded");
  });

  test('is not the default: "allSettled" waits for every region', async () => {
    await failEast();
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS * 0.3);
    expect(await state()).toBe("Creating");
    await h.control("setFailureMode", { when: "firstRegion" });
    expect(await state()).toBe("Failed");
  });

  test("has no other modes", async () => {
    expect(await h.control("setFailureMode", { when: "never" })).toMatchObject({
      status: 400,
      body: {
        error: {
          message: '\'when\' of setFailureMode must be one of "firstRegion", "allSettled".',
        },
      },
    });
  });
});
