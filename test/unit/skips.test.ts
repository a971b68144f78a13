import { lacking, needs } from "@sigil-local/testing/tools";
import { afterEach, describe, expect, it } from "vitest";
import type { TestModule } from "vitest/node";
import { Skips } from "../support/skips.js";

/** What a run of one file would end with. */
function ended(tests: readonly { name: string; lacks?: string }[]): TestModule {
  return {
    relativeModuleId: "a.test.ts",
    children: {
      allTests: () =>
        tests.map(({ name: fullName, lacks }) => ({
          fullName,
          meta: () => ({ ...(lacks !== undefined && { lacks }) }),
        })),
    },
  } as unknown as TestModule;
}

describe("skipped tests", () => {
  const before = process.exitCode;
  afterEach(() => {
    process.exitCode = before;
  });
  const report = (
    inCi: boolean,
    tests: Parameters<typeof ended>[0],
  ): { lines: string[]; failed: boolean } => {
    const lines: string[] = [];
    process.exitCode = undefined;
    new Skips(inCi, (line) => lines.push(line)).onTestRunEnd([ended(tests)]);
    return { lines, failed: process.exitCode === 1 };
  };

  it("are told by the tool that the machine lacks, and fail nothing", () => {
    const tests = ["one", "two"].map((name) => ({ name, lacks: "az (apt)" }));
    expect(report(true, tests)).toEqual({
      lines: ["*** SKIPPED, 2 for want of az (apt) ***"],
      failed: false,
    });
  });

  it("fail a run of CI where they name no tool", () => {
    const { lines, failed } = report(true, [{ name: "group > one" }]);
    expect(failed).toBe(true);
    expect(lines.join()).toContain("a.test.ts: group > one");
    expect(report(false, [{ name: "group > one" }]).failed).toBe(false);
  });
});

describe("a test that needs a tool", () => {
  it("runs where it is found, and else names it and where it comes from", () => {
    expect(needs("bicep", "/usr/bin/bicep")).toEqual({});
    expect(needs("zsh", false)).toEqual({
      skip: true,
      meta: { lacks: "zsh (apt-get install zsh)" },
    });
    expect(lacking(undefined)).toEqual({});
  });
});
