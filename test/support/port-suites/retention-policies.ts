import { beforeEach, expect, test } from "vitest";
import type {
  RetentionPolicies,
  RetentionPolicy,
} from "../../../src/retention/ports.js";
import { seedResource } from "../requests.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");
function policyOf(
  imageId: string,
  more: Partial<RetentionPolicy> = {},
): RetentionPolicy {
  return {
    imageId,
    rules: { keepNewestPromoted: 5 },
    mode: "dryRun",
    setBy: { appId: "admin" },
    setTime: "2026-01-01T00:00:00.000Z",
    ...more,
  };
}

const conflict = { code: "StateConflict", retryable: true };

/** What RetentionPolicies do. */
export function retentionPoliciesSuite(
  createPolicies: () => RetentionPolicies,
): void {
  let policies: RetentionPolicies;
  beforeEach(async () => {
    policies = createPolicies();
    for (const { policy } of await policies.list())
      await policies.remove(policy.imageId);
  });

  test("a policy is read as it was put, by the id of its image definition in any case", async () => {
    expect(await policies.read(IMAGE)).toBeUndefined();
    expect(await policies.list()).toEqual([]);
    await policies.put(policyOf(IMAGE), undefined);
    const stored = await policies.read(IMAGE.toUpperCase());
    expect(stored?.policy).toEqual(policyOf(IMAGE));
    await policies.put(policyOf(`${IMAGE}2`), undefined);
    const listed = await policies.list();
    expect(listed).toHaveLength(2);
    expect(listed).toContainEqual(stored);
  });

  test("of two who put at once, the second is told", async () => {
    await policies.put(policyOf(IMAGE), undefined);
    await expect(
      policies.put(policyOf(IMAGE), undefined),
    ).rejects.toMatchObject(conflict);
    const first = await policies.read(IMAGE);
    await policies.put(policyOf(IMAGE, { mode: "delete" }), first?.etag);
    await expect(
      policies.put(policyOf(IMAGE), first?.etag),
    ).rejects.toMatchObject(conflict);
    expect((await policies.read(IMAGE))?.policy.mode).toBe("delete");
    await policies.remove(IMAGE);
    await policies.remove(IMAGE);
    await expect(
      policies.put(policyOf(IMAGE), first?.etag),
    ).rejects.toMatchObject(conflict);
    expect(await policies.read(IMAGE)).toBeUndefined();
  });
}
