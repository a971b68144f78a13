import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** `npm test` and `npm run test:slow` write it anew: what each file cost, the most expensive first. */
const FILE = "node_modules/.cache/sigil/test-costs.txt";

/** Which tier a test belongs to is decided by its price; this writes it. */
export class CostReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules
      .map((module) => ({
        file: module.relativeModuleId,
        project: module.project.name,
        tests: [...module.children.allTests()].length,
        ...(module.meta().cost ?? { cpuMs: 0, wallMs: 0 }),
      }))
      .sort((one, other) => other.cpuMs - one.cpuMs);
    const cpuMs = rows.reduce((sum, row) => sum + row.cpuMs, 0);
    mkdirSync(path.dirname(FILE), { recursive: true });
    writeFileSync(
      FILE,
      [
        `${seconds(cpuMs)} CPU-seconds in ${rows.length} files`,
        "  CPU s  wall s  tests",
        ...rows.map(
          (row) =>
            `${seconds(row.cpuMs)} ${seconds(row.wallMs)} ${String(row.tests).padStart(6)}  ${row.project} ${row.file}`,
        ),
        "",
      ].join("\n"),
    );
  }
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2).padStart(7);
}
