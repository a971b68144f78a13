import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { bundledFolders, locked } from "../support/deployment.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string =>
  readFileSync(path.join(root, file), "utf8");

const manifest = JSON.parse(read("package.json")) as {
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const { optionalDependencies: binaries } = JSON.parse(
  read("packages/node/package.json"),
) as { readonly optionalDependencies: Readonly<Record<string, string>> };

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
  it(
    "that npm scripts find first is the one that npm has installed",
    needs("node", existsSync(linked)),
    () => {
      expect(
        execFileSync(linked, ["--version"], { encoding: "utf8" }).trim(),
      ).toBe(`v${Object.values(binaries)[0]}`);
    },
  );

  it("comes from npm for each platform, as something that a machine may lack", () => {
    for (const [name, version] of Object.entries(binaries))
      expect(locked[`node_modules/${name}`], name).toMatchObject({
        version,
        dev: true,
        optional: true,
      });
  });

  it("is in no deployment", () => {
    const installed = JSON.parse(read("node_modules/.package-lock.json")) as {
      readonly packages: Readonly<Record<string, { readonly bin?: object }>>;
    };
    const withNode = Object.entries(installed.packages)
      .filter(([, { bin }]) => bin !== undefined && "node" in bin)
      .map(([folder]) => folder);
    const deployed = bundledFolders();
    for (const folder of ["node_modules/sigil-node", ...withNode])
      expect(deployed).not.toContain(folder);
  });
});

describe("package-lock.json", () => {
  it("names no registry", () => {
    for (const [place, { resolved }] of Object.entries(locked))
      expect(resolved ?? "", place).not.toMatch(/^\w+:/u);
  });
});
