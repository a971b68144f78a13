/** What the page keeps in a browser, which may forbid it. */
import { ProblemError } from "@sigil/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { allowNoLatest, isNoLatest } from "../../../src/page/src/dialogs/action.js";
import { inBrowser } from "../../../src/page/src/kept.js";
import { recentImages, rememberImage } from "../../../src/page/src/recent.js";

const KEY = "sigil.images";
const image = (imageName: string) => ({
  subscriptionId: "s",
  resourceGroupName: "g",
  galleryName: "r",
  imageName,
});
const names = () => recentImages().map(({ imageName }) => imageName);

let held: Map<string, string>;
beforeEach(() => {
  held = new Map();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => held.set(key, value),
    removeItem: (key: string) => held.delete(key),
    key: (index: number) => [...held.keys()][index] ?? null,
    get length() {
      return held.size;
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

test("the twenty images opened last, each once, the latest first", () => {
  for (let i = 1; i <= 21; i += 1) rememberImage(image(`i${i}`));
  rememberImage(image("I20"));
  expect(names()).toEqual(["I20", "i21", ...Array.from({ length: 18 }, (_, i) => `i${19 - i}`)]);
  expect(inBrowser.keys()).toEqual([KEY]);
});

test.each([
  ["{", []],
  ['{"length":1}', []],
  [JSON.stringify([null, "x", 1, { ...image("i"), galleryName: 1 }, image("good")]), ["good"]],
])("of what somebody wrote by hand, %s, only images are left", (text, left) => {
  inBrowser.set(KEY, text);
  expect(names()).toEqual(left);
});

test("a browser that forbids it keeps nothing, and says so", () => {
  expect([inBrowser.set("a", "b"), inBrowser.get("a")]).toEqual([true, "b"]);
  inBrowser.remove("a");
  expect(inBrowser.get("a")).toBeUndefined();
  vi.stubGlobal("localStorage", undefined);
  expect([inBrowser.set("a", "b"), inBrowser.get("a"), inBrowser.keys()]).toEqual([
    false,
    undefined,
    [],
  ]);
  inBrowser.remove("a");
  rememberImage(image("i"));
  expect(names()).toEqual([]);
});

test("only a region without latest is asked about again, and only who allows it says so", () => {
  const problem = (code: string) => new ProblemError(409, { code });
  expect(isNoLatest(problem("RegionWouldLoseLatest"))).toBe(true);
  for (const other of [problem("ImageVersionConflict"), new Error("x"), undefined])
    expect(isNoLatest(other)).toBe(false);
  expect([allowNoLatest(true), allowNoLatest(false)]).toEqual([{ allowNoLatest: true }, {}]);
});
