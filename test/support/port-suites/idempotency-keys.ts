import { expect, test } from "vitest";
import type { IdempotencyKeys } from "../../../src/operation/ports.js";
import { newKey, TIME } from "./records.js";

/** What IdempotencyKeys do, all at TIME. */
export function idempotencyKeysSuite(createKeys: () => IdempotencyKeys): void {
  const claimOf = (fingerprint: string) => ({
    resourceKey: "r",
    fingerprint,
  });

  test("a claim is bound to the operation that it has led to", async () => {
    const key = newKey();
    const keys = createKeys();
    await keys.claim(key, claimOf("1"));
    await keys.bind(key, "operation");
    await expect(keys.claim(key, claimOf("1"))).resolves.toEqual({
      ...claimOf("1"),
      operationId: "operation",
      claimedTime: TIME,
    });
  });

  test("a claim that has ended is bound to nothing", async () => {
    const key = newKey();
    const keys = createKeys();
    await keys.bind(key, "operation");
    await expect(keys.claim(key, claimOf("1"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
      isNew: true,
    });
  });

  test("the first claim is kept and answered ever after", async () => {
    const key = newKey();
    const first = createKeys();
    await expect(first.claim(key, claimOf("1"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
      isNew: true,
    });
    await expect(first.claim(key, claimOf("2"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
    });
    const afterRestart = createKeys();
    await expect(afterRestart.claim(key, claimOf("3"))).resolves.toEqual({
      ...claimOf("1"),
      claimedTime: TIME,
    });
  });

  test("of many claims at once all are answered the same", async () => {
    const keys = createKeys();
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => keys.claim(key, claimOf(String(i)))),
    );
    expect(new Set(answers.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  test("keys do not meet", async () => {
    const keys = createKeys();
    await keys.claim(newKey(), claimOf("1"));
    await expect(keys.claim(newKey(), claimOf("2"))).resolves.toMatchObject(claimOf("2"));
  });

  test("the first operation that a claim is bound to stays", async () => {
    const keys = createKeys();
    const key = newKey();
    await keys.claim(key, claimOf("1"));
    await keys.bind(key, "first");
    await keys.bind(key, "second");
    expect((await keys.claim(key, claimOf("1"))).operationId).toBe("first");
  });
}
