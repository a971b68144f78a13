import { describe, expect, it } from "vitest";
import { parseOptions, type Option, type Values } from "../../../src/cli/src/options.js";
import { naming } from "../../support/naming.js";

const OPTIONS: readonly Option[] = [
  { names: ["--resource-group", "-g"], help: "" },
  { names: ["--regions"], kind: "list", help: "" },
  { names: ["--zones"], kind: "values", help: "" },
  { names: ["--count"], kind: "number", help: "" },
  { names: ["--no-wait"], kind: "flag", help: "" },
  { names: ["--latest"], kind: "boolean", help: "" },
  { names: ["--mode"], choices: ["Full", "Shallow"], help: "" },
];
const parse = (...args: readonly string[]): Values =>
  parseOptions(args, OPTIONS, { name: "ID", help: "", many: true });

describe("options as az reads them", () => {
  it.each([[["-g", "G"]], [["-gG"]], [["-g=G"]], [["--resource-group=G"]], [["--resource", "G"]]])(
    "%j names the group",
    (args) => {
      expect(parse(...args).text("--resource-group")).toBe("G");
    },
  );

  it("takes values up to the next option", () => {
    const values = parse("--regions", "a=1", "b", "--no-wait", "--zones");
    expect(values.list("--regions")).toEqual(["a=1", "b"]);
    expect(values.list("--zones")).toEqual([]);
    expect(values.boolean("--no-wait")).toBe(true);
  });

  it("takes the last of an option that is repeated, and remembers each", () => {
    const values = parse("--regions", "a", "--regions", "b", "c");
    expect(values.list("--regions")).toEqual(["b", "c"]);
    expect(values.occurrences.map(({ values }) => values)).toEqual([["a"], ["b", "c"]]);
  });

  it("reads a switch with a value, and without", () => {
    expect(parse("--latest").boolean("--latest")).toBe(true);
    expect(parse("--latest", "No").boolean("--latest")).toBe(false);
    expect(parse("--mode", "SHALLOW").text("--mode")).toBe("Shallow");
  });

  it("takes a negative number, a lone dash and an empty text as values", () => {
    expect(parse("-g", "-1").text("--resource-group")).toBe("-1");
    expect(parse("-g", "-").text("--resource-group")).toBe("-");
    expect(parse("--resource-group=").text("--resource-group")).toBe("");
  });

  it.each([
    [["--resorce-group", "G"], "Did you mean --resource-group?"],
    [["-g"], "--resource-group needs a value."],
    [["-g", "--no-wait"], "--resource-group needs a value."],
    [
      ["--count", "x"],
      ["--count", "x"],
    ],
    [["--mode", "Fulll"], 'is one of Full, Shallow, not "Fulll". Did you mean Full?'],
    [["--no-wait=1"], "--no-wait takes no value."],
    [
      ["--latest", "maybe"],
      ["--latest", "maybe"],
    ],
  ])("%j is refused", (args, message) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ message: naming(message) }));
  });
});
