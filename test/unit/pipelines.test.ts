/** The pipelines of GitHub and Azure DevOps, and azure.yaml, as far as they can be read without running them. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const read = (file: string): string => readFileSync(file, "utf8");

const PIPELINES = [".github/workflows/deploy.yml", ".azuredevops/deploy.yml"] as const;

function readVariables(): (string | undefined)[] {
  return [...read("infra/main.bicepparam").matchAll(/readEnvironmentVariable\('(\w+)'\)/gu)].map(
    ([, name]) => name,
  );
}

describe.each(PIPELINES)("%s", (file) => {
  const text = read(file);

  test("is YAML, keeps no secret, and signs in with a federated identity", () => {
    expect(() => parse(text) as unknown).not.toThrow();
    expect(text).not.toMatch(/secrets\.|password|client-secret|creds:/iu);
    expect(text).toMatch(/id-token: write|azureSubscription: /u);
  });

  test("runs scripts that are here, and may be run", () => {
    const scripts = new Set([...text.matchAll(/\.ci\/[\w-]+/gu)].map(([script]) => script));
    expect([...scripts].sort()).toEqual([
      ".ci/checksums",
      ".ci/may-go-back",
      ".ci/publish",
      ".ci/run",
      ".ci/smoke-test",
    ]);
    for (const script of scripts) expect(statSync(script).mode & 0o111, script).not.toBe(0);
  });

  test("gives the parameter file what it reads", () => {
    const names = readVariables();
    expect(names).toEqual(["SIGIL_TOKEN_AUDIENCE", "AZURE_SUBSCRIPTION_ID"]);
    const commands = text.match(/az deployment group/gu) ?? [];
    for (const name of names)
      expect(text.match(new RegExp(`^ *${name}: `, "gmu")), name).toHaveLength(commands.length);
  });

  test("keeps the package that it has gone back to, for the next time", () => {
    expect(text).toMatch(/Keep the package that was rolled back to/u);
  });

  test("builds and tests, shows what would change, deploys, publishes, tests, and publishes what was kept", () => {
    const steps = [
      ".ci/run",
      "npm run --silent package",
      ".ci/checksums",
      "az deployment group what-if",
      "az deployment group create",
      /\.ci\/publish \S+ dist\/sigil\.zip/u,
      ".ci/smoke-test",
      /\.ci\/may-go-back \S+ kept\/sigil\.zip/u,
      /\.ci\/publish \S+ kept\/sigil\.zip/u,
      /\.ci\/smoke-test .* kept\/sigil\.zip/u,
    ];
    const places = steps.map((step) => text.search(step));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((one, other) => one - other));
  });
});

test("an action is named by its commit, with the release beside it: a tag can be moved", () => {
  const files = [
    ...readdirSync(".github", { recursive: true, encoding: "utf8" }).map(
      (file) => `.github/${file}`,
    ),
    ...readdirSync("docs", { recursive: true, encoding: "utf8" }).map((file) => `docs/${file}`),
    ...readdirSync("integrations", { recursive: true, encoding: "utf8" }).map(
      (file) => `integrations/${file}`,
    ),
    "README.md",
  ].filter((file) => /\.(?:yml|md)$/u.test(file));
  const used = files.flatMap((file) =>
    [...read(file).matchAll(/^ *(?:- )?uses: (.+)$/gmu)].map(
      ([, action = ""]) => `${file}: ${action}`,
    ),
  );
  expect(used.length).toBeGreaterThan(10);
  for (const action of used)
    expect(action).toMatch(/: (?:\.\/|[\w.-]+\/[\w.-]+@[\da-f]{40} # v\d+\.\d+\.\d+$)/u);
});

test("what others run has a checksum, and what has one is attested and kept", () => {
  const [, list = ""] = /^sha256sum (.+) >/mu.exec(read(".ci/checksums")) ?? [];
  const files = list.split(" ");
  expect(files).toContain("dist/sigil.zip");
  expect(files).toContain("src/cli/dist/sigil.cjs");
  expect(files).toContain("integrations/github/dist/index.cjs");
  const { jobs } = parse(read(PIPELINES[0])) as {
    jobs: Record<
      string,
      {
        permissions?: Record<string, string>;
        steps: { uses?: string; run?: string; with?: Record<string, string> }[];
      }
    >;
  };
  const steps = jobs["build"]?.steps ?? [];
  const attested = jobs["attest"]?.steps.find(({ uses }) => uses?.startsWith("actions/attest@"));
  expect(attested?.with).toEqual({ "subject-checksums": "dist/SHA256SUMS" });
  // What is built and tested there cannot sign.
  expect(jobs["build"]?.permissions).toBeUndefined();
  expect(jobs["attest"]?.steps.filter(({ run }) => run !== undefined)).toEqual([]);
  const kept = steps.find((step) => step.with?.["name"] === "released");
  expect(kept?.with?.["path"]?.trim().split("\n").sort()).toEqual(
    [...files, "dist/SHA256SUMS"].sort(),
  );
  const published = jobs["deploy"]?.steps.map(({ run }) => run ?? "") ?? [];
  const verified = published.findIndex((run) =>
    run.startsWith("gh attestation verify dist/sigil.zip "),
  );
  expect(verified).toBeGreaterThan(-1);
  expect(verified).toBeLessThan(published.findIndex((run) => run.startsWith(".ci/publish")));
});

test.each<[file: string, published: RegExp, goneBackTo: RegExp]>([
  [
    PIPELINES[0],
    /gh attestation verify dist\/sigil\.zip/u,
    /gh attestation verify kept\/sigil\.zip/u,
  ],
  [
    PIPELINES[1],
    /sha256sum --check --ignore-missing dist\/SHA256SUMS/u,
    /kept\/SHA256SUMS \| sha256sum --check/u,
  ],
])(
  "%s proves a package before it publishes it, the one that it goes back to as well",
  (file, published, goneBackTo) => {
    const places = [
      published,
      /\.ci\/publish \S+ dist/u,
      goneBackTo,
      /\.ci\/publish \S+ kept/u,
    ].map((step) => read(file).search(step));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((one, other) => one - other));
  },
);

test("the scripts read outputs that the template has", () => {
  const outputs = [...read("infra/main.bicep").matchAll(/^output (\w+) /gmu)].map(
    ([, name]) => name,
  );
  const asked = [
    ...read(".ci/publish").matchAll(/outputs\.(\w+)/gu),
    ...read(".ci/smoke-test").matchAll(/\$\(output (\w+)\)/gu),
  ].map(([, name]) => name);
  expect(asked.sort()).toEqual(["apiUrl", "functionAppName", "functionAppName"]);
  for (const name of asked) expect(outputs).toContain(name);
});

test("azure.yaml deploys what `npm run package` makes, as it is, to the app that has its service's name", () => {
  const { infra, services } = parse(read("azure.yaml")) as {
    infra: { path: string; module: string };
    services: Record<string, { dist: string; remoteBuild: boolean }>;
  };
  expect(existsSync(`${infra.path}/${infra.module}.bicep`)).toBe(true);
  const [[name, service] = []] = Object.entries(services);
  expect(read("infra/main.bicep")).toContain(`'azd-service-name': '${name}'`);
  expect(service).toMatchObject({ dist: "dist/sigil", remoteBuild: false });
  expect(read("infra/package.mjs")).toContain("`${ROOT}dist/sigil`");
});
