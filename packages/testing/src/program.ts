import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A compiled program of this repository in a process of its own. */
export interface Program {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with a line of stdout that matches; rejects when the program ends without one. */
  readonly waitForLine: (pattern: RegExp) => Promise<string>;
  /** The exit code, once everything it printed was read. */
  readonly exited: Promise<number | null>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Runs `packages/${file}`, such as `local-stack/dist/demo/main.js`; `npm run build` must have been run. */
export function runProgram(
  file: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Program {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const exited = once(child, "close").then(([code]) => code as number | null);
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    kill: (signal) => void child.kill(signal),
    waitForLine: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          // The last line may still be incomplete.
          const line = stdout
            .split("\n")
            .slice(0, -1)
            .find((each) => pattern.test(each));
          if (line === undefined) return;
          child.stdout.off("data", look);
          resolve(line);
        };
        child.stdout.on("data", look);
        look();
        void exited.then((code) =>
          reject(new Error(`ended (${code}) without ${pattern}:\n${stdout}${stderr}`)),
        );
      }),
  };
}

/** The processes that a process has started and that still run. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)("pgrep", ["-P", String(pid)]);
  return stdout.trim().split("\n").map(Number);
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
