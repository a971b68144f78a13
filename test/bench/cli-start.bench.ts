import { execFileSync } from "node:child_process";
import { bench, describe } from "vitest";

/** `--help` is to take four times as long as Node.js alone at the most. */
describe("the command line starts", () => {
  const node = (...args: readonly string[]) =>
    void execFileSync(process.execPath, args, { stdio: "ignore" });
  bench("node -e 0", () => node("-e", "0"));
  bench("sigil --help", () => node("src/cli/dist/sigil.cjs", "--help"));
});
