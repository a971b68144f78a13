import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOCUMENT = path.join(ROOT, "openapi/openapi.yaml");
const NO_OUTSIDE = pathToFileURL(
  path.join(ROOT, "test/clients/no-outside.mjs"),
);

/** A generator of clients: its program and arguments, which write to `generated` in the folder that it runs in. */
interface Generator {
  readonly script: string;
  readonly arguments: readonly string[];
  /** A file that it needs beside it, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export const GENERATORS = {
  "openapi-fetch": () => ({
    script: "openapi-typescript/bin/cli.js",
    arguments: [DOCUMENT, "--output", "generated/schema.ts"],
  }),
  "hey-api": () => ({
    script: "@hey-api/openapi-ts/bin/run.js",
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
    script: "orval/dist/bin/orval.js",
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

/**
 * Generates a client of the API at `origin` into a folder of its own, compiles it with its program in strict mode, runs
 * that with `environment`, and resolves with what it wrote. Rejects with all that was written where one of them fails.
 */
export async function runGeneratedClient(
  name: GeneratorName,
  origin: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), `sigil-client-${name}-`));
  try {
    const programs = path.join(ROOT, "test/clients/programs");
    for (const file of ["story.ts", `${name}.ts`])
      await cp(path.join(programs, file), path.join(folder, file));
    await symlink(
      path.join(ROOT, "node_modules"),
      path.join(folder, "node_modules"),
    );
    const generator: Generator = GENERATORS[name](`${origin}/api`);
    const files = {
      ...generator.files,
      "package.json": JSON.stringify({ type: "module", private: true }),
      "tsconfig.json": JSON.stringify({
        compilerOptions: COMPILER_OPTIONS,
        include: ["*.ts", "generated"],
      }),
    };
    for (const [file, text] of Object.entries(files))
      await writeFile(path.join(folder, file), text);
    const module = (script: string): string =>
      path.join(ROOT, "node_modules", script);
    await run(folder, [
      `--import=${NO_OUTSIDE.href}`,
      module(generator.script),
      ...generator.arguments,
    ]);
    await run(folder, [module("typescript/bin/tsc"), "--project", "."]);
    return await run(folder, [`compiled/${name}.js`], environment);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
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
  if (code === 0) return output.join("");
  throw new Error(
    `node ${args.join(" ")} ended with ${code}:\n${output.join("")}${mistakes.join("")}`,
  );
}
