import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const read = (file: string): string => readFileSync(file, "utf8");
interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly description: string;
  readonly private: boolean;
  readonly engines: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
}
const { version, workspaces } = JSON.parse(read("package.json")) as {
  readonly version: string;
  readonly workspaces: readonly string[];
};

it("every folder of packages/ is a workspace, but the one that brings Node.js", () => {
  const folders = readdirSync("packages", { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node")
    .map(({ name }) => `packages/${name}`);
  expect(workspaces.filter((folder) => folder.startsWith("packages/")).sort()).toEqual(
    folders.sort(),
  );
});

it.each(workspaces)("%s has the version of the product", (folder) => {
  expect(JSON.parse(read(`${folder}/package.json`))).toMatchObject({ version });
});

it.each(["openapi", "asyncapi"])("so has %s.yaml", (name) => {
  expect(read(`openapi/${name}.yaml`)).toMatch(
    new RegExp(`^  version: ${version.replaceAll(".", String.raw`\.`)}$`, "mu"),
  );
});

it("CHANGELOG.md begins with it, in 80 lines at the most", () => {
  const [, newest = ""] = read("CHANGELOG.md").split(/^## /mu);
  expect(newest.split(/\s/u, 1)[0]).toBe(version);
  expect(newest.trimEnd().split("\n").length).toBeLessThanOrEqual(80);
});

describe.each(workspaces)("%s", (folder) => {
  const manifest = JSON.parse(read(`${folder}/package.json`)) as Manifest;

  it("says what it is, for which Node.js, and is never published by mistake", () => {
    expect(manifest).toMatchObject({ private: true, license: "MIT" });
    expect(manifest.description).toMatch(/^[A-Z].{20,}[^.]$/u);
    expect(manifest.engines).toHaveProperty("node");
  });

  it("has a README that one reads in two minutes, and tells its changes", () => {
    const readme = read(`${folder}/README.md`);
    expect(readme.split("\n").length).toBeLessThan(100);
    expect(readme).toMatch(/^```js$/mu);
    expect(read(`${folder}/CHANGELOG.md`)).toContain(`\n## ${manifest.version}\n`);
  });

  it("carries the repository's licence", () => {
    expect(read(`${folder}/LICENSE`)).toBe(read("LICENSE"));
  });

  it("runs each of its programs with Node.js, and packs it", () => {
    for (const program of Object.values(manifest.bin ?? {})) {
      const source = program.replace("/dist/", "/src/").replace(/c?js$/u, "ts");
      expect(read(`${folder}/${source}`)).toMatch(/^#!\/usr\/bin\/env node\n/u);
      expect(manifest.files?.some((file) => program.startsWith(`./${file}`))).toBe(true);
    }
  });
});
