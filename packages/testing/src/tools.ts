import { accessSync, constants } from "node:fs";
import path from "node:path";

declare module "vitest" {
  interface TaskMeta {
    /** The tool that a skipped test lacks on this machine. */
    lacks?: string;
  }
}

/** Optional tools of the tests, and where to get them. */
const TOOLS = {
  az: "apt-get install azure-cli",
  bicep: ".ci/bicep, or the compiler that SIGIL_BICEP names",
  chromium: "apt-get install chromium, or the browser that SIGIL_CHROMIUM names",
  dotnet: "the .NET SDK, 8 or later",
  fish: "apt-get install fish",
  pwsh: ".ci/powershell, and ~/.dotnet/tools on PATH",
  script: "util-linux",
  zsh: "apt-get install zsh",
} as const;

/** Options of a test, or of a group of them. */
interface Needs {
  readonly skip?: true;
  readonly meta?: { readonly lacks: string };
}

/** Skips where a tool is not found. A run's end tells which were; in CI no test is skipped for another reason. */
export function needs(tool: keyof typeof TOOLS, found: unknown = onPath(tool)): Needs {
  return lacking(found ? undefined : `${tool} (${TOOLS[tool]})`);
}

/** The same, for what has been looked for already: skips where something is missing. */
export function lacking(what: string | undefined): Needs {
  return what === undefined ? {} : { skip: true, meta: { lacks: what } };
}

function onPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
