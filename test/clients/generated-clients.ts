import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOCUMENT = path.join(ROOT, "openapi/openapi.yaml");
const NO_OUTSIDE = pathToFileURL(path.join(ROOT, "test/clients/no-outside.mjs"));

/** A generator of clients: its program, from the root, and arguments, which write to `generated` in the folder that it runs in. */
interface Generator {
  readonly script: string;
  readonly arguments: readonly string[];
  /** A file that it needs beside it, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export const GENERATORS = {
  "openapi-fetch": () => ({
    script: "node_modules/openapi-typescript/bin/cli.js",
    arguments: [DOCUMENT, "--output", "generated/schema.ts"],
  }),
  "hey-api": () => ({
    script: "test/clients/node_modules/@hey-api/openapi-ts/bin/run.js",
    arguments: [
      "--input",
      DOCUMENT,
      "--output",
      "generated",
      "--client",
      "@hey-api/client-fetch",
      "--no-log-file",
    ],
  }),
  orval: (baseUrl) => ({
    script: "test/clients/node_modules/orval/dist/bin/orval.js",
    arguments: ["--config", "orval.config.cjs"],
    files: {
      "orval.config.cjs": `module.exports = ${JSON.stringify({
        sigil: {
          input: { target: DOCUMENT },
          output: { target: "generated/client.ts", client: "fetch", baseUrl },
        },
      })};`,
    },
  }),
} satisfies Record<string, (baseUrl: string) => Generator>;

export type GeneratorName = keyof typeof GENERATORS;

/** What a client of a strict project is compiled with. */
const COMPILER_OPTIONS = {
  target: "ES2022",
  lib: ["ES2023", "DOM", "DOM.Iterable"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  skipLibCheck: true,
  outDir: "compiled",
};

/** A client of each generator and its program, compiled. */
export interface GeneratedClients {
  /** What the compiler says, by generator and file; empty where all is well. */
  readonly mistakes: string;
  /** Runs a client's program, and resolves with what it wrote; rejects with that where it fails. */
  run(name: GeneratorName, environment: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

/**
 * Generates the clients of the API at `origin`, each into a folder of its own, and compiles them with their programs in
 * strict mode, all at once. Rejects with all that was written where a generator fails.
 */
export async function generateClients(origin: string): Promise<GeneratedClients> {
  const root = await mkdtemp(path.join(tmpdir(), "sigil-clients-"));
  const close = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    await symlink(path.join(ROOT, "test/clients/node_modules"), path.join(root, "node_modules"));
    await writeFiles(root, {
      "package.json": JSON.stringify({ type: "module", private: true }),
      "tsconfig.json": JSON.stringify({
        compilerOptions: COMPILER_OPTIONS,
        include: Object.keys(GENERATORS),
      }),
    });
    for (const [name, generatorOf] of Object.entries(GENERATORS))
      await generate(path.join(root, name), name, generatorOf(`${origin}/api`));
    const { code, output } = await execute(root, [
      path.join(ROOT, "node_modules/typescript/bin/tsc"),
      "--project",
      ".",
    ]);
    return {
      mistakes: code === 0 ? "" : output,
      run: (name, environment) => run(root, [`compiled/${name}/${name}.js`], environment),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function generate(folder: string, name: string, generator: Generator): Promise<void> {
  await mkdir(folder);
  for (const file of ["story.ts", `${name}.ts`])
    await cp(path.join(ROOT, "test/clients/programs", file), path.join(folder, file));
  await writeFiles(folder, generator.files ?? {});
  await run(folder, [
    `--import=${NO_OUTSIDE.href}`,
    path.join(ROOT, generator.script),
    ...generator.arguments,
  ]);
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text);
}

async function run(
  folder: string,
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<string> {
  const { code, output } = await execute(folder, args, environment);
  if (code === 0) return output;
  throw new Error(`node ${args.join(" ")} ended with ${code}:\n${output}`);
}

/** Runs Node.js to its end; `output` is what it writes, and, where it fails, its mistakes too. */
async function execute(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, DO_NOT_TRACK: "1", NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  const mistakes: string[] = [];
  child.stdout.on("data", (data) => output.push(String(data)));
  child.stderr.on("data", (data) => mistakes.push(String(data)));
  const [code] = (await once(child, "close")) as [number | null];
  return {
    code,
    output: [...output, ...(code === 0 ? [] : mistakes)].join(""),
  };
}
