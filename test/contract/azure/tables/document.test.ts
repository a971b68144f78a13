import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { fromProperties, toProperties } from "../../../../src/azure/tables/document.js";

const KIB = 1024;

test("a small document is text that people can read", () => {
  const document = { name: "å", list: [1, null, true] };
  const properties = toProperties(document);
  expect(properties).toEqual({ document: JSON.stringify(document) });
  expect(fromProperties(properties)).toEqual(document);
});

test("a document of 32,000 characters is text, one of more is compressed", () => {
  const largest = "å".repeat(32_000 - 2); // and its quotation marks
  expect(toProperties(largest)).toHaveProperty("document");
  const properties = toProperties(`${largest}å`);
  expect(Object.keys(properties)).toEqual(["document0"]);
  expect(fromProperties(properties)).toBe(`${largest}å`);
});

test("a document of more than 64 KiB compressed is in parts of 64 KiB at most", () => {
  const document = { noise: randomBytes(150 * KIB).toString("base64") };
  const properties = toProperties(document);
  expect(Object.keys(properties)).toEqual(["document0", "document1", "document2"]);
  expect(Object.values(properties).map(({ length }) => length)).toEqual([
    64 * KIB,
    64 * KIB,
    expect.toSatisfy((length: number) => length > 0 && length <= 64 * KIB),
  ]);
  expect(fromProperties(properties)).toEqual(document);
});
