import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differences, rebased } from "../../../../src/page/src/create/model/changes.js";
import type { Json } from "../../../../src/page/src/create/model/json.js";

const region = (name: string, count: number): Json => ({
  name,
  regionalReplicaCount: count,
});

describe("what is different", () => {
  it("is told by names, not by places", () => {
    expect(
      differences(
        { tags: { a: "1" }, regions: [region("West US", 2), region("b", 1)] },
        { tags: { b: "2" }, regions: [region("b", 3), region("westus", 2)] },
      ),
    ).toEqual([
      { pointer: "/tags/a", before: "1", after: undefined },
      { pointer: "/tags/b", before: undefined, after: "2" },
      { pointer: "/regions/westus/name", before: "West US", after: "westus" },
      { pointer: "/regions/b/regionalReplicaCount", before: 1, after: 3 },
    ]);
  });

  it("of a list without names is the list", () => {
    expect(differences({ a: [1] }, { a: [2] })).toEqual([
      { pointer: "/a", before: [1], after: [2] },
    ]);
    expect(differences({ a: 1 }, { a: 1 })).toEqual([]);
  });
});

describe("one's own changes on top of others'", () => {
  it("keeps both, where they are of different things", () => {
    const base = {
      tags: { a: "1" },
      regions: [region("a", 1), region("b", 1)],
    };
    expect(
      rebased(
        base,
        {
          tags: { a: "1", mine: "x" },
          regions: [region("a", 5), region("b", 1)],
        },
        { tags: {}, regions: [region("b", 2), region("a", 1), region("c", 1)] },
      ),
    ).toEqual({
      tags: { mine: "x" },
      regions: [region("b", 2), region("a", 5), region("c", 1)],
    });
  });

  it("asks for one's own where both changed the same", () => {
    expect(rebased({ a: 1 }, { a: 2 }, { a: 3 })).toEqual({ a: 2 });
    expect(rebased({ a: 1 }, {}, { a: 3 })).toEqual({});
  });

  it("is theirs where one changed nothing, and one's own where they did", () => {
    const any = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<{
      readonly [name: string]: Json;
    }>;
    fc.assert(
      fc.property(any, any, (base, other) => {
        expect(rebased(base, base, other)).toEqual(other);
        expect(rebased(base, other, base)).toEqual(other);
      }),
    );
  });
});
