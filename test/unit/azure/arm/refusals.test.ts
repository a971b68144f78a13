import { format } from "prettier";
import { describe, expect, test } from "vitest";
import { knownRefusal, REFUSALS, type Refusal } from "../../../../src/azure/arm/refusals.js";
import { PAGES } from "../../../../src/image-version/rules/basis.js";
import { ALL_RULES } from "../../../../src/image-version/rules/rules.js";
import { patternOf } from "../../../support/azure-words.js";

/** What the check against the OpenAPI document finds. */
const BY_DOCUMENT = ["NotInRange", "InvalidFormat"];

function foreseenBy({ code }: Refusal): string | undefined {
  const rule = ALL_RULES.find((one) => one.code === code);
  if (rule !== undefined) return `rule ${rule.name}`;
  return BY_DOCUMENT.includes(code) ? "the OpenAPI document" : undefined;
}

describe("a refusal that is known", () => {
  test.each(REFUSALS)("$code is foreseen, or says why it cannot be", (row) => {
    if (row.unforeseen === undefined) expect(foreseenBy(row)).toBeDefined();
    else expect(row.unforeseen).toMatch(/^\w.{20,}[^.]$/u);
    expect(row.remediation).toMatch(/^[A-Z].{10,}\.$/u);
  });

  const words = REFUSALS.flatMap((row) => (row.words ?? []).map(([text]) => ({ row, text })));
  test.each(words)("is known by its words: $text", ({ row, text }) => {
    const message = text.replaceAll("<>", "7");
    expect(message).toMatch(patternOf(text));
    for (const code of row.arm)
      expect(knownRefusal({ code, message })).toEqual({
        code: row.code,
        remediation: row.remediation,
      });
  });

  test("an error rule that Azure documents is met in the words of its page, or Azure's are not written down", () => {
    const unwritten = ALL_RULES.filter(
      ({ severity, basis, code }) =>
        severity === "error" &&
        "documented" in basis &&
        basis.documented === "troubleshooting" &&
        !REFUSALS.some((row) => row.code === code && row.words?.some(([, page]) => page in PAGES)),
    );
    expect(unwritten.map(({ name }) => name)).toEqual([
      // One message for none and several, which is known as the former.
      "one-source",
      "region-removal",
      // Azure names the nearest parent alone, the image definition.
      "gallery-exists",
      // Azure says of these what it says of a source that is not there.
      "source-disks-exist",
      "source-region",
    ]);
  });

  // `vitest -u`, which `npm run readme` is, writes the file where it differs.
  test("is in the reference", async () => {
    await expect(await format(document(), { parser: "markdown" })).toMatchFileSnapshot(
      "../../../../docs/reference/refusals.md",
    );
  });
});

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<>", "…").replaceAll("[", "\\[");
}

function document(): string {
  const link = (page: keyof typeof PAGES) => `[${PAGES[page].title}](${PAGES[page].url})`;
  const rows = REFUSALS.flatMap((row) => {
    const known = row.unforeseen ?? foreseenBy(row) ?? "";
    const told = row.unforeseen === undefined ? known : `cannot be known: ${known}`;
    const codes = row.arm.map((code) => `\`${code}\``).join(", ");
    return (row.words ?? [["", undefined] as const]).map(
      ([text, page]) =>
        `| ${text === "" ? codes : cell(text)} | ${page === undefined ? "" : link(page)} | \`${row.code}\` | ${told} |`,
    );
  });
  const rules = ALL_RULES.map(({ name, severity, basis }) => {
    const why =
      "documented" in basis
        ? `Azure refuses it: ${link(basis.documented)}`
        : "own" in basis
          ? `Sigil's own: ${basis.own}`
          : `a guess: ${basis.guess}`;
    return `| ${name} | ${severity} | ${cell(why).replaceAll("\\[", "[")} |`;
  });
  return [
    "# What Azure refuses",
    "",
    "`npm run readme` writes this page from `src/azure/arm/refusals.ts` and from the rules.",
    "",
    "Each error of Azure's that a request, or what surrounds it, can cause, with the code under which Sigil reports it: by a plan and",
    "before creation if a rule foresees it, from Azure's answer otherwise. Where Azure's words are not written down anywhere, its",
    "codes stand for them; … stands for what varies.",
    "",
    "| Azure's answer | written in | Sigil's code | foreseen by |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    "## What each rule rests on",
    "",
    "A guess stops nothing: it is a warning.",
    "",
    "| rule | severity | why |",
    "| --- | --- | --- |",
    ...rules,
  ].join("\n");
}
