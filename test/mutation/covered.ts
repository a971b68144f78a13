import { appendFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect } from "vitest";

// What a test file reaches of the planted faults, and what it costs, a line of JSON each.
const covered = process.env["SIGIL_COVERED"];
const stryker = ((globalThis as { __stryker__?: Record<string, unknown> })["__stryker__"] ??= {});

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
};

if (covered) {
  let startSeconds = 0;
  const coverage = (stryker["mutantCoverage"] ??= {
    static: {},
    perTest: {},
  }) as { static: object; perTest: Record<string, object> };
  beforeAll(() => {
    startSeconds = cpuSeconds();
    stryker["currentTestId"] = "file";
  });
  afterAll(() => {
    stryker["currentTestId"] = undefined;
    const line = {
      file: path.relative(process.cwd(), expect.getState().testPath ?? ""),
      seconds: cpuSeconds() - startSeconds,
      reached: Object.keys(coverage.perTest["file"] ?? {}),
      loaded: Object.keys(coverage.static),
    };
    appendFileSync(covered, `${JSON.stringify(line)}\n`);
    coverage.perTest = {};
  });
}
