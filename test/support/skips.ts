import type { Reporter, TestModule } from "vitest/node";

/**
 * Tells at the end of a run which tests were skipped, and for want of which tool. In CI one that names no tool which the
 * machine lacks fails the run: it would be skipped for ever, and nobody would know.
 */
export class Skips implements Reporter {
  readonly #inCi: boolean;
  readonly #write: (line: string) => void;

  constructor(inCi = Boolean(process.env["CI"]), write: (line: string) => void = console.error) {
    this.#inCi = inCi;
    this.#write = write;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    const unexplained: string[] = [];
    for (const { children, relativeModuleId } of modules)
      for (const test of children.allTests("skipped")) {
        const { lacks } = test.meta();
        if (lacks === undefined) unexplained.push(`${relativeModuleId}: ${test.fullName}`);
        else counts.set(lacks, (counts.get(lacks) ?? 0) + 1);
      }
    for (const [lacks, count] of counts)
      this.#write(`*** SKIPPED, ${count} for want of ${lacks} ***`);
    if (!this.#inCi || unexplained.length === 0) return;
    process.exitCode = 1;
    this.#write(
      `These were skipped, and not for want of a tool. Run them, or say what they need by needs() of @sigil-local/testing/tools:\n${unexplained.join("\n")}`,
    );
  }
}
