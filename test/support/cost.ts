import { readFileSync } from "node:fs";
import { afterAll } from "vitest";

/*
 * Before each test file: measures what its imports, hooks and tests cost, for cost-reporter.ts. Vitest runs hooks of this kind
 * in reverse, so that this one is the last.
 */

declare module "vitest" {
  interface TaskMeta {
    cost?: { readonly cpuMs: number; readonly wallMs: number };
  }
}

const TICK_MS = 10;

const cpuMs = spentCpuMs();
const wallMs = performance.now();

afterAll(({}, { meta }) => {
  meta.cost = {
    cpuMs: spentCpuMs() - cpuMs,
    wallMs: performance.now() - wallMs,
  };
});

/** Of this process and, where Linux tells, of those that it started and that have ended. */
function spentCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000 + endedChildrenCpuMs();
}

/** Members 16 and 17 of proc_pid_stat(5), `cutime` and `cstime`; what is before them may contain spaces, in parentheses. */
function endedChildrenCpuMs(): number {
  if (process.platform !== "linux") return 0;
  const members = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ");
  return (Number(members?.[13]) + Number(members?.[14])) * TICK_MS;
}
