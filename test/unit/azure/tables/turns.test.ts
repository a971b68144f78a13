import { expect, test } from "vitest";
import { Turns } from "../../../../src/azure/tables/turns.js";

test("one key's runs go one after the other, whatever became of the one before", async () => {
  const turns = new Turns();
  const order: string[] = [];
  let release: (() => void) | undefined;
  const first = turns.run("a", async () => {
    await new Promise<void>((resolve) => (release = resolve));
    order.push("first");
    throw new Error("no");
  });
  const second = turns.run("a", () => {
    order.push("second");
    return Promise.resolve(2);
  });
  await turns.run("b", () => Promise.resolve(order.push("other")));
  release?.();
  await expect(first).rejects.toThrow("no");
  expect(await second).toBe(2);
  expect(order).toEqual(["other", "first", "second"]);
});

test("nothing is kept of what has ended, however many keys there were", async () => {
  const turns = new Turns();
  await Promise.allSettled(
    Array.from({ length: 10_000 }, (_, i) =>
      turns.run(`key ${i % 7_000}`, () =>
        i % 2 === 0 ? Promise.resolve() : Promise.reject(new Error("no")),
      ),
    ),
  );
  expect(turns.size).toBe(0);
});
