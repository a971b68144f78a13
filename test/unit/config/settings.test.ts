import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HOST_SETTINGS, SETTINGS, type Setting } from "../../../src/config/settings.js";
import { PRODUCT_FILES } from "../../support/product-files.js";

const read = (file: string): string => readFileSync(file, "utf8");
const captures = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, captured]) => captured ?? "");
const INFRASTRUCTURE = readdirSync("infra", {
  recursive: true,
  encoding: "utf8",
})
  .filter((file) => /\.bicep(?:param)?$/u.test(file))
  .map((file) => `infra/${file.replaceAll("\\", "/")}`);

const rows = Object.values(SETTINGS).flatMap((group) => Object.values<Setting>(group));
const names = [...rows, ...HOST_SETTINGS].map(({ name }) => name);

test("each setting has one row", () => {
  expect(names).toEqual([...new Set(names)]);
});

test("the environment is read in one place, which gives it to the table", () => {
  const readers = PRODUCT_FILES.filter((file) => /process\.env/u.test(read(file)));
  expect(readers).toEqual(["src/main.ts"]);
  expect(captures(read("src/main.ts"), /(.{11})process\.env/gu)).toEqual(["readConfig("]);
});

test("every setting that the code or the infrastructure names has a row", () => {
  const texts = [...PRODUCT_FILES, ...INFRASTRUCTURE].map(read);
  const named = texts.flatMap((text) => captures(text, /\b((?:SIGIL|OTEL)_[A-Z_]+)/gu));
  expect(named).toContain("SIGIL_MAX_READS");
  expect(named.filter((name) => !names.includes(name))).toEqual([]);
});

test.each(rows)("$name says in a sentence what it is for", ({ meaning }) => {
  expect(meaning).toMatch(/^[A-Z`].*\.$/u);
});
