import { expect, test } from "vitest";
import { createReplicating } from "../../../../src/image-version/queries/replicating.js";
import { idOf } from "../../../support/dependencies.js";

const of = (subscription: string, name: string) =>
  idOf(
    `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/i/versions/${name}`,
  );
const ONE = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const TWO = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";

test("versions that steps saw replicate are counted by subscription, for ten minutes", () => {
  let nowMs = 0;
  const { noteReplicating, replicatingIn } = createReplicating(() => new Date(nowMs));
  expect(replicatingIn(ONE)).toBe(0);
  noteReplicating(of(ONE, "1.0.0"), true);
  noteReplicating(of(ONE, "1.0.1"), true);
  noteReplicating(of(TWO, "1.0.0"), true);
  noteReplicating(of(ONE.toUpperCase(), "1.0.0"), true);
  expect([replicatingIn(ONE), replicatingIn(TWO.toUpperCase())]).toEqual([2, 1]);
  noteReplicating(of(TWO, "1.0.0"), false);
  noteReplicating(of(TWO, "9.9.9"), false);
  expect(replicatingIn(TWO)).toBe(0);
  nowMs = 300_000;
  noteReplicating(of(ONE, "1.0.0"), true);
  nowMs = 599_999;
  expect(replicatingIn(ONE)).toBe(2);
  nowMs = 600_000;
  expect(replicatingIn(ONE)).toBe(1);
  nowMs = 900_000;
  expect(replicatingIn(ONE)).toBe(0);
});

test("a thousand of a subscription are remembered", () => {
  const { noteReplicating, replicatingIn } = createReplicating(() => new Date(0));
  for (let i = 0; i < 1_001; i += 1) noteReplicating(of(ONE, `1.0.${i}`), true);
  expect(replicatingIn(ONE)).toBe(1_000);
});
