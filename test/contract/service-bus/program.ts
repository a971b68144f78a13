import { spawn, type ChildProcessByStdio } from "node:child_process";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import ts from "typescript";
import { onTestFinished } from "vitest";

/** A directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "service-bus-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The emulator as a program of plain JavaScript, in a directory, so that a process of its own can run and be killed. */
export async function compileEmulator(directory: string): Promise<string> {
  const source = path.resolve("src/local");
  const root = path.join(directory, "program");
  const found = await readdir(path.join(source, "service-bus"), {
    recursive: true,
  });
  const files = found
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join("service-bus", file));
  for (const file of [...files, "clock.ts"]) {
    const text = await readFile(path.join(source, file), "utf8");
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        verbatimModuleSyntax: true,
      },
    });
    const output = path.join(root, file.replace(/\.ts$/u, ".js"));
    await mkdir(path.dirname(output), { recursive: true });
    await writeFile(output, outputText);
  }
  await writeFile(path.join(root, "package.json"), '{"type":"module"}');
  await symlink(path.resolve("node_modules"), path.join(root, "node_modules"));
  return path.join(root, "service-bus", "main.js");
}

/** Runs a program, which is killed when the test ends if it still runs. */
export function run(
  program: string,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}
