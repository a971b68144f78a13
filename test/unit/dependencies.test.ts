import { readFileSync } from "node:fs";
import { format } from "prettier";
import { describe, expect, it } from "vitest";

const { dependencies, reasons } = JSON.parse(
  readFileSync("package.json", "utf8"),
) as Readonly<Record<"dependencies" | "reasons", Record<string, string>>>;

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  /** A folder of this repository. */
  readonly link?: boolean;
}
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/** Everything that a deployment installs. */
const installed = Object.entries(packages)
  .filter(
    ([place, { dev, devOptional, link }]) =>
      place !== "" && !dev && !devOptional && !link,
  )
  .map(([place, locked]) => ({
    name: place.replace(/^.*node_modules\//u, ""),
    ...locked,
  }));

function table(): string {
  const rows = Object.keys(dependencies).map((name) => {
    const locked = packages[`node_modules/${name}`];
    return `| \`${name}\` | ${locked?.version} | ${locked?.license} | ${reasons[name]} |`;
  });
  const counts = new Map<string, number>();
  for (const { license = "none" } of installed)
    counts.set(license, (counts.get(license) ?? 0) + 1);
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
    `With what these need, a deployment installs ${installed.length} packages. Their licences: ${licences.join(", ")}. \`npm run sbom\` names each.`,
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
    expect(
      installed.filter(({ license }) => !permissive.test(license ?? "")),
    ).toEqual([]);
  });

  // `vitest -u`, which `npm run readme` is, writes the file where it differs.
  it("is in the reference, with its version and licence", async () => {
    await expect(
      await format(table(), { parser: "markdown" }),
    ).toMatchFileSnapshot("../../docs/reference/dependencies.md");
  });
});
