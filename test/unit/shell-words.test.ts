import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { bicepString, powerShellWord, shellWord } from "../../src/shell-words.js";

const HOSTILE = [
  "",
  "plain",
  "a b",
  "$(id)",
  "`id`",
  "it's",
  "'\"\\'",
  "a\nb",
  "!1",
  "-x=~/*?[a]{b,c}",
  "ü\u2019",
  "#no",
];

test.each(HOSTILE)("a shell reads %j as one word, and as it is", (text) => {
  const printed = execFileSync("bash", ["-c", `printf '%s\\0' ${shellWord(text)} end`], {
    encoding: "utf8",
  });
  expect(printed).toBe(`${text}\0end\0`);
});

test("PowerShell's quotes are doubled, all of them", () => {
  expect(powerShellWord("a'b\u2018\u2019\u201A\u201Bc $(x)")).toBe(
    "'a''b\u2018\u2018\u2019\u2019\u201A\u201A\u201B\u201Bc $(x)'",
  );
});

test("a string of Bicep interpolates nothing", () => {
  expect(bicepString("a'b\\c${d}\n")).toBe("'a\\'b\\\\c\\${d}\\n'");
});
