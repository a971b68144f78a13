import { execFile, spawnSync } from "node:child_process";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAMS = fileURLToPath(new URL("programs/", import.meta.url));
const GENERATORS = ["openapi-generator", "openapi-generator-cli"] as const;

type Command = readonly [program: string, ...args: string[]];

/** How OpenAPI Generator's client for a language is written, compiled and used. */
interface Language {
  /** What of its tools is not at hand, and how to have it. */
  readonly missing: (generator: string) => string | undefined;
  readonly options: readonly string[];
  readonly program: string;
  /** In the folder that has the client and the program; the last command is the program. */
  readonly commands: (generator: string, folder: string) => Promise<Command[]>;
}

export const LANGUAGES = {
  Python: {
    missing: () =>
      runs("python3", "-c", "import certifi, dateutil, six, urllib3")
        ? undefined
        : "python3 with certifi, python-dateutil, six and urllib3. Debian: apt install python3-certifi python3-dateutil python3-six python3-urllib3.",
    options: [
      "--generator-name=python",
      "--additional-properties=packageName=sigil_client,generateSourceCodeOnly=true",
    ],
    program: "story.py",
    commands: () =>
      Promise.resolve([
        // It writes tests, too, some of which do not compile.
        ["python3", "-m", "compileall", "-q", "-x", "/test/", "."],
        ["python3", "story.py"],
      ]),
  },
  Java: {
    missing: (generator) => {
      if (!runs("javac", "--version"))
        return "javac, of Java 11 or later. Debian: apt install default-jdk-headless.";
      // Its client needs Jackson, which a jar of the generator has in it: no Maven repository has to be reached.
      return isJar(generator)
        ? undefined
        : "a jar of OpenAPI Generator, with whose libraries the client is compiled. Name one by SIGIL_OPENAPI_GENERATOR.";
    },
    options: [
      "--generator-name=java",
      "--library=native",
      // It writes no class for a choice between a word and an object, and uses it.
      "--type-mappings=OneOfstringobject=Object",
      "--import-mappings=OneOfstringobject=java.lang.Object",
      "--additional-properties=dateLibrary=java8,openApiNullable=false",
    ],
    program: "Story.java",
    commands: async (jar, folder) => {
      const files = await readdir(path.join(folder, "src/main"), {
        recursive: true,
      });
      const sources = files
        .filter((file) => file.endsWith(".java"))
        .map((file) => path.join("src/main", file));
      const classPath = ["compiled", jar].join(path.delimiter);
      return [
        ["javac", "-nowarn", "-cp", jar, "-d", "compiled", "Story.java", ...sources],
        ["java", "-cp", classPath, "Story"],
      ];
    },
  },
} satisfies Record<string, Language>;

export type LanguageName = keyof typeof LANGUAGES;

/** What SIGIL_OPENAPI_GENERATOR names, a jar or a program, or the program on PATH; undefined where there is none. */
export function findGenerator(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const named = environment["SIGIL_OPENAPI_GENERATOR"];
  if (named !== undefined) return path.resolve(named); // Even where it is missing: what is asked for must not be skipped.
  return GENERATORS.find((name) => runs(name, "version"));
}

/**
 * Has `generator` write a client of the document that the service at `origin` answers into a folder of its own, compiles
 * it, runs its program with `environment`, and resolves with what that wrote. Rejects where one of them fails.
 */
export async function runClientIn(
  name: LanguageName,
  generator: string,
  origin: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const language: Language = LANGUAGES[name];
  const folder = await mkdtemp(path.join(tmpdir(), `sigil-client-${name}-`));
  const run = async ([program, ...args]: Command): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, args, {
      cwd: folder,
      env: { ...process.env, ...environment },
      maxBuffer: Infinity,
    });
    return stdout;
  };
  try {
    const program: Command = isJar(generator) ? ["java", "-jar", generator] : [generator];
    await run([
      ...program,
      "generate",
      `--input-spec=${origin}/api/openapi.json`,
      "--output=.",
      ...language.options,
    ]);
    await cp(path.join(PROGRAMS, language.program), path.join(folder, language.program));
    let output = "";
    for (const command of await language.commands(generator, folder)) output = await run(command);
    return output;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function isJar(generator: string): boolean {
  return generator.endsWith(".jar");
}

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}
