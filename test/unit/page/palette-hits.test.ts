import { expect, it } from "vitest";
import { bestFirst, type Hit } from "../../../src/page/src/palette-hits.js";

const TO = { view: "operations" } as unknown as Hit["to"];
const version = (name: string): readonly Hit[] => [
  { tile: "ready", text: `BigImage ${name}`, version: name, hint: "prod", to: TO },
  { tile: "ready", text: `BigImage ${name} in westus`, hint: "Ready", to: TO },
];
const HITS: readonly Hit[] = [
  { tile: "absent", text: "Win2.1", hint: "Image definition in prod", to: TO },
  ...["12.1.0", "2.10.0", "2.1.1", "2.1"].flatMap(version),
];
const found = (text: string): readonly string[] => bestFirst(HITS, text).map((hit) => hit.text);

it("a number finds the versions that begin so before all else, the exact one first", () => {
  expect(found("2.1").slice(0, 4)).toEqual([
    "BigImage 2.1",
    "BigImage 2.1.1",
    "BigImage 2.10.0",
    "Win2.1",
  ]);
  expect(found("big 2.1.")[0]).toBe("BigImage 2.1.1");
  expect(found("2.1").at(-1)).toBe("BigImage 2.1 in westus");
});

it("every word must be there, and no word finds nothing", () => {
  expect(found("2.1.1 westus")).toEqual(["BigImage 2.1.1 in westus"]);
  expect(found("win2 prod")).toEqual(["Win2.1"]);
  expect(found("  ")).toEqual([]);
});
