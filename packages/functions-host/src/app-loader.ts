import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type ProgrammingModel, Registry, loadInto } from "./core-module.js";
import { findEntryPoints } from "./entry-points.js";
import type { Logger } from "./logging.js";
import { StartupError, describeError } from "./startup-error.js";

const FUNCTION_NAME = /^[a-z][\w-]{0,127}$/iu;
const require = createRequire(import.meta.url);

/** How often each entry point has been evaluated in this process. */
const evaluations = new Map<string, number>();

export interface LoadedApp {
  readonly registry: Registry;
  readonly model: ProgrammingModel;
}

interface PackageJson {
  readonly main?: unknown;
  readonly type?: unknown;
}

function readPackage(scriptRoot: string): PackageJson {
  const path = join(scriptRoot, "package.json");
  if (!existsSync(path)) throw new StartupError(`there is no package.json in ${scriptRoot}`);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PackageJson;
  } catch (error) {
    throw new StartupError(`cannot read ${path}: ${describeError(error)}`);
  }
}

/**
 * Evaluates one entry point. Node keeps a module once evaluated, so a second host in the same process gives it another
 * URL to make it register again; whatever it imports stays shared.
 */
async function evaluate(path: string, isModule: boolean): Promise<void> {
  const times = evaluations.get(path) ?? 0;
  evaluations.set(path, times + 1);
  if (isModule) {
    const url = pathToFileURL(path);
    if (times > 0) url.searchParams.set("evaluation", String(times));
    await import(/* @vite-ignore */ url.href);
  } else {
    Reflect.deleteProperty(require.cache, path);
    require(path);
  }
}

/**
 * Loads the app of `scriptRoot` as the worker does: the files of package.json `main`, one after another. The official
 * host carries on with no functions where a file throws or the pattern matches none; here each is a StartupError.
 */
export async function loadApp(scriptRoot: string, logger: Logger): Promise<LoadedApp> {
  const { main, type } = readPackage(scriptRoot);
  if (typeof main !== "string" || main === "")
    throw new StartupError(
      `${join(scriptRoot, "package.json")} has no "main", so there are no functions to load`,
    );
  const files = findMain(scriptRoot, main);
  const registry = new Registry((level, message) => logger.log(level, "Worker", message));
  const model = await loadInto(registry, async () => {
    for (const file of files) {
      const path = join(scriptRoot, file);
      const isModule = file.endsWith(".mjs") || (type === "module" && !file.endsWith(".cjs"));
      try {
        await evaluate(path, isModule);
      } catch (error) {
        if (error instanceof StartupError) throw error;
        if (error instanceof Error) logger.log("debug", "Worker", error.stack ?? error.message);
        throw new StartupError(`cannot load the entry point ${file}: ${describeError(error)}`, {
          cause: error,
        });
      }
    }
  });
  if (model === undefined || registry.functions.size === 0)
    throw new StartupError(`no function was registered by ${files.join(", ")}`);
  for (const name of registry.functions.keys())
    if (!FUNCTION_NAME.test(name))
      throw new StartupError(
        `"${name}" is not a valid function name (letters, digits, - and _, a letter first)`,
      );
  return { registry, model };
}

function findMain(scriptRoot: string, main: string): string[] {
  let files: string[] = [];
  try {
    files = findEntryPoints(scriptRoot, main);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  if (files.length === 0)
    throw new StartupError(
      `no file matches "${main}" (package.json main) in ${scriptRoot}; has the app been built?`,
    );
  return files;
}
