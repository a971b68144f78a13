import { describe, expect, test } from "vitest";
import { mergePatch } from "../../../../src/image-version/properties/merge-patch.js";

describe("RFC 7396, appendix A", () => {
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j and %j make %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toStrictEqual(result);
  });
});

test("neither the target nor the patch is changed", () => {
  const target = { a: { b: 1 } };
  const patch = { a: { b: null, c: 2 } };
  mergePatch(target, patch);
  expect([target, patch]).toEqual([{ a: { b: 1 } }, { a: { b: null, c: 2 } }]);
});

test("members that every object inherits are members as any other", () => {
  const patch = JSON.parse('{"tags":{"__proto__":"1","constructor":{"x":"2"}}}') as unknown;
  const merged = mergePatch({ tags: {} }, patch);
  expect(JSON.stringify(merged)).toBe(JSON.stringify(patch));
  expect(JSON.stringify(mergePatch(merged, { a: 1 }))).toBe(
    '{"tags":{"__proto__":"1","constructor":{"x":"2"}},"a":1}',
  );
  // What was merged can be merged and removed again.
  expect(JSON.stringify(mergePatch(merged, { tags: { constructor: null } }))).toBe(
    '{"tags":{"__proto__":"1"}}',
  );
});

test("what was merged may be changed further", () => {
  const merged = mergePatch({}, { a: 1, b: 2 }) as Record<string, unknown>;
  merged["a"] = 3;
  delete merged["b"];
  expect(merged).toStrictEqual({ a: 3 });
});
