import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { BoundedMap } from "../../src/bounded-map.js";
import { PRODUCT_FILES } from "../support/product-files.js";

test("keeps no more than it may, and what was set last", () => {
  const map = new BoundedMap<number, string>(3);
  for (let i = 0; i < 10_000; i += 1) map.set(i, `${i}`);
  expect(map.size).toBe(3);
  expect([9_996, 9_997, 9_998, 9_999].map((key) => map.get(key))).toEqual([
    undefined,
    "9997",
    "9998",
    "9999",
  ]);
});

test("what is set again goes last; what is read does not", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.get("b");
  map.set("c", 4);
  expect(map.get("a")).toBe(3);
  expect(map.get("b")).toBeUndefined();
});

test("a key may be undefined, and is forgotten in its turn", () => {
  const map = new BoundedMap<undefined | string, number>(1);
  map.set(undefined, 1);
  map.set("a", 2);
  expect(map.size).toBe(1);
  expect(map.get(undefined)).toBeUndefined();
});

test("forgets what is over, and stops at the first that is not", () => {
  const map = new BoundedMap<string, number>(10);
  for (const [key, value] of Object.entries({ a: 1, b: 2, c: 9, d: 1 })) map.set(key, value);
  map.deleteWhile((value) => value < 5);
  expect(["a", "b", "c", "d"].map((key) => map.get(key))).toEqual([undefined, undefined, 9, 1]);
  map.delete("c");
  expect(map.size).toBe(1);
});

/**
 * Each file of the product that fills a plain Map or Set, with what bounds it. One that lives as long as the process and
 * grows with what callers send is a BoundedMap instead.
 */
const PLAIN: Readonly<Record<string, string>> = {
  "src/batch/plan-items.ts": "lives for one step",
  "src/batch/take-batch-step.ts": "lives for one step",
  "src/http/batch-handlers.ts": "lives for one call",
  "src/bounded-map.ts": "the bound is its own",
  "src/operation/ageing.ts": "lives for one page",
  "src/key-guardian/inventory.ts": "lives for one run",
  "src/keys/look.ts": "lives for one run",
  "src/keys/version-keys.ts": "lives for one call",
  "src/image-version/preflight/gather-keys.ts": "lives for one call",
  "src/image-version/rules/key-problems.ts": "lives for one call",
  "src/retention/decide.ts": "lives for one call",
  "src/revocation/bans.ts": "lives for one call",
  "src/retention/retained-versions.ts": "lives for one call",
  "src/image-version/rules/place/read-permission.ts": "lives for one call",
  "src/image-version/latest/latest-after.ts": "lives for one call",
  "src/image-version/queries/attention-rows.ts": "lives for one call",
  "src/image-version/queries/attention.ts": "lives for one call",
  "src/image-version/queries/find.ts": "lives for one call",
  "src/image-version/queries/get.ts": "lives for one call",
  "src/image-version/queries/query-versions.ts": "lives for one call",
  "src/image-version/queries/summaries.ts":
    "lives for one call, or is in a BoundedMap and holds what the listing names",
  "src/image-version/rules/source.ts": "lives for one call",
  "src/image-version/commands/encryption-rule.ts": "lives for one call",
  "src/machine-test/take-test-step.ts": "lives for one call",
  "src/machine-test/plan-machines.ts": "lives for one call",
  "src/image-version/queries/summary-of.ts": "lives for one call",
  "src/image-version/queries/summary-records.ts": "lives for one call",
  "src/image-version/queries/survey.ts": "lives for one call",
  "src/image-version/queries/waits.ts": "stays empty",
  "src/machine-command/machine.ts": "stays empty",
  "src/json/json-syntax.ts": "lives for one call",
  "src/image-version/preflight/gather.ts": "lives for one call",
  "src/image-version/preflight/parents.ts": "lives for one call",
  "src/leftovers/sweep.ts": "lives for one run",
  "src/lineage/ancestors.ts": "lives for one call",
  "src/lineage/descendants.ts": "lives for one call",
  "src/http/contract/openapi-document.ts": "operations of the document",
  "src/http/contract/validation.ts": "schemas of the document",
  "src/azure/arm/pacer.ts": "limits that Azure Resource Manager names",
  "src/azure/arm/shared-facts.ts": "lives for one turn of the event loop",
  "src/azure/service-bus/messenger.ts": "a fixed list of entities",
  "src/azure/service-bus/dead-letters.ts": "lives for one call",
  "src/azure/tables/runs.ts": "what is under way",
  "src/azure/tables/version-numbers.ts": "lives for one call",
};

test("no map of the product grows with what callers send", async () => {
  const filling: string[] = [];
  for (const file of PRODUCT_FILES)
    if (/new (?:Map|Set)(?:<[^()]*>)?\(\)/u.test(await readFile(file, "utf8"))) filling.push(file);
  expect(filling.sort()).toEqual(Object.keys(PLAIN).sort());
});
