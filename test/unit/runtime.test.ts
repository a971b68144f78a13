import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { locked } from "../support/deployment.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

const manifest = JSON.parse(read("package.json")) as {
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const { optionalDependencies: binaries } = JSON.parse(read("packages/node/package.json")) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

const [, offered = "", deployed = ""] =
  /^param nodeVersion \((.+)\) = '(\d+)'$/mu.exec(read("infra/main.bicep")) ?? [];
const majorOf = (version: string | undefined): string => version?.split(".")[0] ?? "";

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

  it("is on PATH the same for what tests start by its name", () => {
    const version = execFileSync("node", ["--version"], { encoding: "utf8" });
    expect(version.trim()).toBe(process.version);
  });

  it("comes from npm for each platform, where a machine has another", () => {
    const { packages } = JSON.parse(read("packages/node/package-lock.json")) as {
      readonly packages: Readonly<Record<string, unknown>>;
    };
    for (const [name, version] of Object.entries(binaries))
      expect(packages[`node_modules/${name}`], name).toMatchObject({
        version,
        optional: true,
      });
  });
});

describe("package-lock.json", () => {
  it("names no registry", () => {
    for (const [place, { resolved }] of Object.entries(locked))
      expect(resolved ?? "", place).not.toMatch(/^\w+:/u);
  });
});
