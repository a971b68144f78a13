import { expect, it } from "vitest";
import {
  dropDraft,
  dropDrafts,
  keepDraft,
  keepDraftsOf,
  readDraft,
} from "../../../../src/page/src/create/model/drafts.js";
import { keptIn, type Kept } from "../../../../src/page/src/kept.js";
import { EMPTY_FORM } from "../../../../src/page/src/create/model/form.js";
import { nextNumber } from "../../../../src/page/src/create/model/numbers.js";

const IMAGE = {
  subscriptionId: "S",
  resourceGroupName: "g",
  galleryName: "g",
  imageName: "i",
};
const DRAFT = { form: EMPTY_FORM, savedTime: "2026-01-01T00:00:00Z" };

/** What a browser has. */
function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
}
function newTab(): Kept {
  const kept = storage();
  return keptIn(() => kept);
}

it("a draft is of one image definition, or of one version of it", () => {
  const tab = newTab();
  keepDraft(tab, IMAGE, undefined, DRAFT);
  expect(readDraft(tab, { ...IMAGE, subscriptionId: "s" }, undefined)).toMatchObject(DRAFT);
  expect(readDraft(tab, IMAGE, "1.0.0")).toBeUndefined();
  dropDraft(tab, IMAGE, undefined);
  expect(readDraft(tab, IMAGE, undefined)).toBeUndefined();
});

it("drafts are of one person: those of anybody else go, and a reload keeps them", () => {
  const tab = newTab();
  keepDraftsOf(tab, "writer");
  keepDraft(tab, IMAGE, undefined, DRAFT);
  keepDraftsOf(tab, "writer");
  expect(readDraft(tab, IMAGE, undefined)).toMatchObject(DRAFT);
  keepDraftsOf(tab, "admin");
  expect(readDraft(tab, IMAGE, undefined)).toBeUndefined();
  keepDraft(tab, IMAGE, undefined, DRAFT);
  keepDraftsOf(tab, "admin");
  expect(readDraft(tab, IMAGE, undefined)).toMatchObject(DRAFT);
  dropDrafts(tab);
  expect(tab.keys()).toEqual([]);
});

it.each(["", "{", "null", '{"shape":1}', '{"shape":1,"form":{"version":""}}'])(
  "what is no draft is none: %s",
  (text) => {
    const tab = newTab();
    keepDraft(tab, IMAGE, undefined, DRAFT);
    for (const key of tab.keys()) tab.set(key, text);
    expect(readDraft(tab, IMAGE, undefined)).toBeUndefined();
  },
);

it("a tab that is full keeps none, nor an older one, and one that keeps nothing has none", () => {
  let full = false;
  const kept = storage();
  const tab = keptIn(() => ({
    ...kept,
    setItem(key: string, value: string) {
      if (full) throw new DOMException("", "QuotaExceededError");
      kept.setItem(key, value);
    },
  }));
  keepDraft(tab, IMAGE, undefined, DRAFT);
  expect(readDraft(tab, IMAGE, undefined)).toMatchObject(DRAFT);
  full = true;
  keepDraft(tab, IMAGE, undefined, DRAFT);
  expect(readDraft(tab, IMAGE, undefined)).toBeUndefined();

  const forbidden = keptIn(() => {
    throw new DOMException("", "SecurityError");
  });
  keepDraft(forbidden, IMAGE, undefined, DRAFT);
  expect(readDraft(forbidden, IMAGE, undefined)).toBeUndefined();
  dropDrafts(forbidden);
});

it("who signs out leaves no draft", () => {
  const tab = newTab();
  tab.set("other", "stays");
  keepDraft(tab, IMAGE, undefined, DRAFT);
  keepDraft(tab, IMAGE, "1.0.0", DRAFT);
  dropDrafts(tab);
  expect(tab.keys()).toEqual(["other"]);
});

it.each([
  [[], "patch", "1.0.0"],
  [["1.0.9", "1.0.10", "odd"], "patch", "1.0.11"],
  [["1.0.9", "0.9.0"], "minor", "1.1.0"],
  [["1.2.3"], "major", "2.0.0"],
] as const)("after %j by %s comes %s", (names, increment, next) => {
  expect(nextNumber(names, increment)).toBe(next);
});
