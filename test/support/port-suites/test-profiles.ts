import { beforeEach, expect, test } from "vitest";
import type { TestProfiles } from "../../../src/machine-test/profile-ports.js";
import type { TestProfile } from "../../../src/machine-test/profile.js";
import { seedResource } from "../requests.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");
const NETWORK =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/ImageTests/providers/Microsoft.Network/virtualNetworks/tests-westus";

export function testProfileOf(
  imageId: string,
  more: Partial<TestProfile> = {},
): TestProfile {
  return {
    imageId,
    machineSize: "Standard_D2s_v5",
    resourceGroupName: "ImageTests",
    regions: [
      {
        name: "westus",
        subnetId: `${NETWORK}/subnets/machines`,
      },
    ],
    proof: { kind: "agentReady" },
    startMinutes: 20,
    proofMinutes: 10,
    concurrency: 4,
    keepFailedMinutes: 0,
    setBy: { appId: "admin" },
    setTime: "2026-01-01T00:00:00.000Z",
    ...more,
  };
}

const conflict = { code: "StateConflict", retryable: true };

/** What TestProfiles do. */
export function testProfilesSuite(createProfiles: () => TestProfiles): void {
  let profiles: TestProfiles;
  beforeEach(async () => {
    profiles = createProfiles();
    await profiles.remove(IMAGE);
  });

  test("a profile is read as it was put, by the id of its image definition in any case", async () => {
    expect(await profiles.read(IMAGE)).toBeUndefined();
    const profile = testProfileOf(IMAGE, {
      proof: { kind: "runCommand", script: "true\n".repeat(2_000) },
    });
    await profiles.put(profile, undefined);
    const stored = await profiles.read(IMAGE.toUpperCase());
    expect(stored?.profile).toEqual(profile);
  });

  test("of two who put at once, the second is told", async () => {
    await profiles.put(testProfileOf(IMAGE), undefined);
    await expect(
      profiles.put(testProfileOf(IMAGE), undefined),
    ).rejects.toMatchObject(conflict);
    const first = await profiles.read(IMAGE);
    await profiles.put(testProfileOf(IMAGE, { concurrency: 1 }), first?.etag);
    await expect(
      profiles.put(testProfileOf(IMAGE), first?.etag),
    ).rejects.toMatchObject(conflict);
    expect((await profiles.read(IMAGE))?.profile.concurrency).toBe(1);
    await profiles.remove(IMAGE);
    await profiles.remove(IMAGE);
    expect(await profiles.read(IMAGE)).toBeUndefined();
  });
}
