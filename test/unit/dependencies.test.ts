import { readFileSync } from "node:fs";
import { format } from "prettier";
import { describe, expect, it } from "vitest";
import { bundledFolders, locked, neededBy } from "../support/deployment.js";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
const manifestIn = (folder: string): unknown =>
  JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));

const product = manifestIn(".") as Manifest & {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly reasons: Readonly<Record<string, string>>;
  readonly workspaces: readonly string[];
};
const { dependencies, reasons } = product;
const workspaces = product.workspaces.map((folder) => manifestIn(folder) as Manifest);

/** What has packages of its own, which `npm ci` at the root leaves out (test/install.mjs). */
const APART = ["packages/node", "test/azurite", "test/clients", "test/e2e/page", "test/mutation"];

const bundled = bundledFolders();

function table(): string {
  const rows = Object.keys(dependencies).map((name) => {
    const { version, license } = locked[`node_modules/${name}`] ?? {};
    return `| \`${name}\` | ${version} | ${license} | ${reasons[name]} |`;
  });
  const counts = new Map<string, number>();
  for (const folder of bundled) {
    const license = locked[folder]?.license ?? "none";
    counts.set(license, (counts.get(license) ?? 0) + 1);
  }
  const licences = [...counts]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([licence, count]) => `${licence} (${count})`);
  return [
    "# Dependencies",
    "",
    "What Sigil is made of, and why. `npm run readme` writes this page from `reasons` in package.json and from package-lock.json.",
    "",
    "| package | version | licence | why |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    `With what these need, there is something of ${bundled.length} packages in a deployment. Their licences: ${licences.join(", ")}. \`npm run sbom\` names each, and THIRD-PARTY-NOTICES.txt in the deployment has their terms.`,
  ].join("\n");
}

describe("a production dependency", () => {
  it("has a reason, and nothing else has one", () => {
    expect(Object.keys(reasons)).toEqual(Object.keys(dependencies));
    for (const [name, reason] of Object.entries(reasons))
      expect(reason, name).toMatch(/^\S.{20,}[^.]$/u);
  });

  it("has, with all that it needs, a licence that lets anybody deploy it", () => {
    const permissive =
      /^\(?(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|BlueOak-1\.0\.0|CC0-1\.0|Unlicense)\b/u;
    expect(bundled.filter((folder) => !permissive.test(locked[folder]?.license ?? ""))).toEqual([]);
  });

  // `vitest -u`, which `npm run readme` is, writes the file where it differs.
  it("is in the reference, with its version and licence", async () => {
    await expect(await format(table(), { parser: "markdown" })).toMatchFileSnapshot(
      "../../docs/reference/dependencies.md",
    );
  });
});

describe("a deployment", () => {
  it("has something of each dependency, of what these need, and of nothing else", () => {
    const direct = Object.keys(dependencies).map((name) => `node_modules/${name}`);
    expect(direct.filter((folder) => !bundled.includes(folder))).toEqual([]);
    const needed = neededBy(Object.keys(dependencies));
    expect(bundled.filter((folder) => !needed.includes(folder))).toEqual([]);
  });

  it("has the terms of each package in its notices", () => {
    const notices = readFileSync("dist/THIRD-PARTY-NOTICES.txt", "utf8");
    for (const folder of bundled) {
      const { version, license } = locked[folder] ?? {};
      const name = folder.replace(/^.*node_modules\//u, "");
      expect(notices).toContain(`\n${name} ${version}: ${license}\n`);
    }
  });

  it("has no stand-in for Azure, and no package that only a stand-in needs", () => {
    const standIns = neededBy(workspaces.map(({ name }) => name));
    const shared = neededBy(Object.keys(dependencies));
    const theirs = standIns.filter((folder) => !shared.includes(folder));
    expect(theirs).toEqual(
      expect.arrayContaining([
        "node_modules/@sigil-local/service-bus-emulator",
        "node_modules/cron-parser",
        "node_modules/selfsigned",
      ]),
    );
    expect(bundled.filter((folder) => theirs.includes(folder))).toEqual([]);
  });
});

describe("a stand-in, or a folder with packages of its own,", () => {
  it("uses the same version of a package as the product and all others", () => {
    const apart = APART.map((folder) => manifestIn(folder) as Manifest);
    const uses = [product, ...workspaces, ...apart].flatMap(
      ({ name, version, dependencies, devDependencies }) =>
        Object.entries({
          [name]: version,
          ...dependencies,
          ...devDependencies,
        }).map(([used, version]) => ({ used, version, by: name })),
    );
    const otherwise = uses.filter(({ used, version }) =>
      uses.some((each) => each.used === used && each.version !== version),
    );
    expect(otherwise).toEqual([]);
  });

  it.each([".", ...APART])("locks what it needs by content, from any registry: %s", (folder) => {
    const lock = readFileSync(`${folder}/package-lock.json`, "utf8");
    expect(lock).toContain('"integrity"');
    expect(lock).not.toContain("://registry");
  });
});
