import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

/** Runs the built file in a process of its own; gives what it prints and which of Node.js's own modules it has loaded. */
function start(...args: readonly string[]): {
  readonly printed: string;
  readonly modules: readonly string[];
} {
  const script = `
    process.argv = ["node", "sigil", ...${JSON.stringify(args)}];
    process.on("exit", () => console.log("---\\n" + JSON.stringify(process.moduleLoadList)));
    require("./src/cli/dist/sigil.cjs");`;
  const printed = execFileSync(process.execPath, ["--eval", script], {
    encoding: "utf8",
  });
  const [text = "", list = "[]"] = printed.split("---\n");
  return { printed: text, modules: JSON.parse(list) as readonly string[] };
}

// What signs in begins with HTTPS and child processes, and everything that sends with undici.
it("--help loads nothing that signs in or sends", () => {
  const { printed, modules } = start("image-version", "create", "--help");
  expect(printed).toContain("--target-region-encryption");
  expect(
    modules.filter((each) => /\b(?:https?|child_process|undici\/undici)$/u.test(each)),
  ).toEqual([]);
});

it("the file says which version it is", () => {
  expect(start("--version").printed).toMatch(/^\d+\.\d+\.\d+\n$/u);
});
