import { expect, test } from "vitest";
import { Heap } from "../src/broker/heap.js";

/** The numbers below 5,000 in an order that is the same every time and in nobody's favour. */
const SHUFFLED = Array.from({ length: 5_000 }, (_, i) => (i * 2_137) % 5_000);

test("entries come out in the order of their ranks", () => {
  const heap = new Heap<number>(
    (entry) => entry,
    () => true,
  );
  for (const entry of SHUFFLED) heap.push(entry);
  const popped = SHUFFLED.map(() => heap.pop());
  expect(popped).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
  expect(heap.pop()).toBeUndefined();
});

test("the dead are passed over, before and after a sweep", () => {
  const dead = new Set<number>();
  const heap = new Heap<number>(
    (entry) => entry,
    (entry) => !dead.has(entry),
  );
  for (const entry of SHUFFLED) {
    heap.push(entry);
    if (entry % 3 !== 0) dead.add(entry);
  }
  const popped: number[] = [];
  for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) popped.push(entry);
  expect(popped).toEqual(Array.from({ length: 5_000 }, (_, i) => i).filter((i) => i % 3 === 0));
});
