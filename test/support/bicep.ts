import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const INFRA = fileURLToPath(new URL("../../infra/", import.meta.url));
const run = promisify(execFile);

/** Bicep's compiler: what SIGIL_BICEP names, or what .ci/bicep has brought into NuGet's cache. */
export const BICEP = findBicep();

/** A resource that a deployment would make. What Azure alone can say stands as an expression in brackets. */
export interface PredictedResource {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly location?: string;
  readonly kind?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly sku?: { readonly name: string };
  readonly properties: Readonly<Record<string, unknown>>;
}

export const SUBSCRIPTION = "11111111-1111-1111-1111-111111111111";
export const TENANT = "22222222-2222-2222-2222-222222222222";

/** What the linter and the compiler say of a file in infra/, a line each; nothing where all is well. */
export async function lint(file: string): Promise<string[]> {
  const { stdout, stderr } = await run(compiler(), ["lint", path.join(INFRA, file)], {
    // What main.bicepparam reads.
    env: {
      ...process.env,
      SIGIL_TOKEN_AUDIENCE: "sigil",
      AZURE_SUBSCRIPTION_ID: SUBSCRIPTION,
    },
  });
  return `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
}

/** What a text in Bicep's words is as a template; rejects where it is none. */
export async function compile(
  text: string,
): Promise<{ readonly resources: readonly PredictedResource[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), "sigil-bicep-"));
  try {
    const file = path.join(folder, "text.bicep");
    await writeFile(file, text);
    const { stdout } = await run(compiler(), ["build", file, "--stdout"]);
    return JSON.parse(stdout) as Awaited<ReturnType<typeof compile>>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All that a deployment with these parameters, in Bicep's own words, would make. */
export async function predict(parameters: string): Promise<readonly PredictedResource[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "sigil-bicep-"));
  try {
    const template = path.relative(folder, path.join(INFRA, "main.bicep"));
    const file = path.join(folder, "main.bicepparam");
    await writeFile(file, `using '${template}'\n${parameters}\n`);
    await run(compiler(), [
      "snapshot",
      file,
      "--mode=overwrite",
      `--tenant-id=${TENANT}`,
      `--subscription-id=${SUBSCRIPTION}`,
      "--resource-group=sigil",
      "--location=westeurope",
    ]);
    const snapshot = JSON.parse(
      await readFile(path.join(folder, "main.snapshot.json"), "utf8"),
    ) as { readonly predictedResources: readonly PredictedResource[] };
    return snapshot.predictedResources;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compiler(): string {
  if (BICEP === undefined) throw new TypeError("there is no Bicep compiler");
  return BICEP;
}

function findBicep(): string | undefined {
  const project = readFileSync(new URL("../../.ci/bicep.csproj", import.meta.url), "utf8");
  const [, name = "", version = ""] =
    /Include="([^"]+)" Version="\[([^\]]+)\]"/u.exec(project) ?? [];
  const cached = path.join(
    process.env["NUGET_PACKAGES"] ?? path.join(homedir(), ".nuget/packages"),
    name.toLowerCase(),
    version,
    "tools/bicep",
  );
  const file = process.env["SIGIL_BICEP"] ?? cached;
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    return undefined;
  }
}
