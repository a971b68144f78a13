import { expect, test } from "vitest";
import { Runs } from "../../../../src/azure/tables/runs.js";

test("what is asked meanwhile is done together, so many at once, and in order", async () => {
  const done: string[] = [];
  const runs = new Runs<number, number>(3, (key, requests) => {
    done.push(`${key}: ${requests.join(" ")}`);
    return Promise.resolve(requests.map((request) => request * 10));
  });
  const asked = [1, 2, 3, 4, 5].map((one) => runs.ask("a", one));
  const other = runs.ask("b", 6);
  expect(await Promise.all([...asked, other])).toEqual([10, 20, 30, 40, 50, 60]);
  expect(done.filter((run) => run.startsWith("a"))).toEqual(["a: 1", "a: 2 3 4", "a: 5"]);
});

test("all of a run are told why it failed, and the next is done all the same", async () => {
  let runsBegun = 0;
  const runs = new Runs<number, number>(9, (_, requests) => {
    runsBegun += 1;
    return runsBegun === 2 ? Promise.reject(new Error("down")) : Promise.resolve(requests);
  });
  const first = Promise.allSettled([1, 2, 3].map((one) => runs.ask("a", one)));
  expect(await first).toMatchObject([
    { value: 1 },
    { reason: { message: "down" } },
    { reason: { message: "down" } },
  ]);
  expect(await runs.ask("a", 4)).toBe(4);
});

test("nothing is kept of what has ended, however many keys there were", async () => {
  const runs = new Runs<boolean, boolean>(9, (_, [isDone = false]) =>
    isDone ? Promise.resolve([true]) : Promise.reject(new Error("no")),
  );
  await Promise.allSettled(
    Array.from({ length: 10_000 }, (_, i) => runs.ask(`key ${i % 7_000}`, i % 2 === 0)),
  );
  expect(runs.size).toBe(0);
});
