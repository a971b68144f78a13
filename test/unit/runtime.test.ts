import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string =>
  readFileSync(path.join(root, file), "utf8");

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}
interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const manifest = JSON.parse(read("package.json")) as {
  readonly engines: { readonly node: string };
  readonly devDependencies: Readonly<Record<string, string>>;
};
const { optionalDependencies: binaries } = JSON.parse(
  read("src/local/node/package.json"),
) as { readonly optionalDependencies: Readonly<Record<string, string>> };
const lock = JSON.parse(read("package-lock.json")) as Lock;

const [, offered = "", deployed = ""] =
  /^param nodeVersion \((.+)\) = '(\d+)'$/mu.exec(read("infra/main.bicep")) ??
  [];
const majorOf = (version: string | undefined): string =>
  version?.split(".")[0] ?? "";

describe("Node.js", () => {
  it("is the same for all who develop as for the function app", () => {
    expect(deployed).toMatch(/^\d+$/u);
    expect(read(".nvmrc").trim()).toBe(deployed);
    expect(majorOf(manifest.devDependencies["@types/node"])).toBe(deployed);
    const versions = [...new Set(Object.values(binaries))];
    expect(versions).toHaveLength(1);
    expect(majorOf(versions[0])).toBe(deployed);
  });

  it("may be any that the function app may be set to, and this one is", () => {
    const engines = manifest.engines.node.split(" || ");
    expect(engines.map((major) => `'${major}'`).join(" | ")).toBe(offered);
    expect(engines).toContain(majorOf(process.versions.node));
  });

  const linked = path.join(root, "node_modules/.bin/node");
  it.skipIf(!existsSync(linked))(
    "that npm scripts find first is the one that npm has installed",
    () => {
      expect(
        execFileSync(linked, ["--version"], { encoding: "utf8" }).trim(),
      ).toBe(`v${Object.values(binaries)[0]}`);
    },
  );

  it("comes from npm for each platform, as something that a machine may lack", () => {
    for (const [name, version] of Object.entries(binaries))
      expect(lock.packages[`node_modules/${name}`], name).toMatchObject({
        version,
        dev: true,
        optional: true,
      });
  });

  it("is in no deployment", () => {
    const installed = JSON.parse(
      read("node_modules/.package-lock.json"),
    ) as Lock;
    const withNode = Object.entries(installed.packages)
      .filter(([, { bin }]) => bin !== undefined && "node" in bin)
      .map(([place]) => place.replace(/^.*node_modules\//u, ""));
    // What the README's way to deploy takes away.
    const removed = execFileSync(
      "npm",
      ["prune", "--omit=dev", "--dry-run", "--offline"],
      { cwd: root, encoding: "utf8", shell: process.platform === "win32" },
    );
    for (const name of ["sigil-node", "typescript", ...withNode])
      expect(removed).toMatch(new RegExp(`^remove ${name} `, "mu"));
    expect(removed).not.toMatch(/^remove @azure\/functions /mu);
  });
});

describe("package-lock.json", () => {
  it("names no registry", () => {
    for (const [place, { resolved }] of Object.entries(lock.packages))
      expect(resolved ?? "", place).not.toMatch(/^\w+:/u);
  });
});
