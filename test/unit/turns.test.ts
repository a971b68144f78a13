import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTurns } from "../../src/turns.js";

test("so many run at a time, who came first is next, and one that fails gives its turn on", async () => {
  const inTurn = createTurns(2);
  const begun: number[] = [];
  const ends: ((fails: boolean) => void)[] = [];
  const all = [0, 1, 2, 3, 4].map((i) =>
    inTurn(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(i);
          ends[i] = (fails) => (fails ? reject(new Error("no")) : resolve(i));
        }),
    ),
  );
  const settled = Promise.allSettled(all);
  const end = async (i: number, fails = false): Promise<readonly number[]> => {
    ends[i]?.(fails);
    await setImmediate();
    return [...begun];
  };
  await setImmediate();
  expect(begun).toEqual([0, 1]);
  expect(await end(1, true)).toEqual([0, 1, 2]);
  expect(await end(0)).toEqual([0, 1, 2, 3]);
  expect(await end(2)).toEqual([0, 1, 2, 3, 4]);
  await end(3);
  await end(4);
  expect((await settled).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  const last = inTurn(() => Promise.resolve("free again"));
  expect(await last).toBe("free again");
});
