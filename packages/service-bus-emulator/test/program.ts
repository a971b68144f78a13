import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";

/** A directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "service-bus-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The compiled program; `npm run build` must have been run. */
const PROGRAM = path.join(import.meta.dirname, "../dist/main.js");

/** Runs the emulator in a process of its own, which is killed when the test ends if it still runs. */
export function runEmulator(
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}
