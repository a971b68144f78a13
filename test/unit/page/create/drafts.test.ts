import { expect, it } from "vitest";
import {
  dropDraft,
  keepDraft,
  readDraft,
  type DraftStorage,
} from "../../../../src/page/src/create/model/drafts.js";
import { EMPTY_FORM } from "../../../../src/page/src/create/model/form.js";
import { nextNumber } from "../../../../src/page/src/create/model/numbers.js";

const IMAGE = {
  subscriptionId: "S",
  resourceGroupName: "g",
  galleryName: "g",
  imageName: "i",
};
const DRAFT = { form: EMPTY_FORM, savedTime: "2026-01-01T00:00:00Z" };

function storage(): DraftStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

it("a draft is of one image definition, or of one version of it", () => {
  const tab = storage();
  keepDraft(tab, IMAGE, undefined, DRAFT);
  expect(
    readDraft(tab, { ...IMAGE, subscriptionId: "s" }, undefined),
  ).toMatchObject(DRAFT);
  expect(readDraft(tab, IMAGE, "1.0.0")).toBeUndefined();
  dropDraft(tab, IMAGE, undefined);
  expect(readDraft(tab, IMAGE, undefined)).toBeUndefined();
});

it.each(["", "{", "null", '{"shape":1}', '{"shape":1,"form":{"version":""}}'])(
  "what is no draft is none: %s",
  (text) => {
    const tab = storage();
    keepDraft(tab, IMAGE, undefined, DRAFT);
    for (const key of tab.kept.keys()) tab.kept.set(key, text);
    expect(readDraft(tab, IMAGE, undefined)).toBeUndefined();
  },
);

it("a storage that is full keeps none, and does not fail", () => {
  const full = {
    ...storage(),
    setItem: () => {
      throw new Error("QuotaExceededError");
    },
  };
  keepDraft(full, IMAGE, undefined, DRAFT);
  expect(readDraft(full, IMAGE, undefined)).toBeUndefined();
});

it.each([
  [[], "patch", "1.0.0"],
  [["1.0.9", "1.0.10", "odd"], "patch", "1.0.11"],
  [["1.0.9", "0.9.0"], "minor", "1.1.0"],
  [["1.2.3"], "major", "2.0.0"],
] as const)("after %j by %s comes %s", (names, increment, next) => {
  expect(nextNumber(names, increment)).toBe(next);
});
