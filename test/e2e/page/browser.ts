import { accessSync, constants } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"] as const;

/** Where a Chromium is: what SIGIL_CHROMIUM names, or the first of the usual names on PATH; undefined where there is none. */
export function findChromium(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const named = environment["SIGIL_CHROMIUM"];
  if (named !== undefined) return named; // Even where it is missing: what is asked for must not be skipped.
  return (environment["PATH"] ?? "")
    .split(path.delimiter)
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name)))
    .find(isExecutable);
}

/** Starts it without a window. It can resolve no name: an address outside this machine is an error, never an answer. */
export async function startChromium(executablePath: string): Promise<Browser> {
  const { chromium } = await import("playwright-core"); // A second of work that a machine without a browser is spared.
  return chromium.launch({
    executablePath,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
