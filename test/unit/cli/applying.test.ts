/** `sigil apply`. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import {
  operation,
  problem,
  runLine,
  SUBSCRIPTION,
  type Reply,
  type Request,
  type Run,
  type RunOptions,
} from "./command-line.js";

const definition = (gallery: string, image: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/G/providers/Microsoft.Compute/galleries/${gallery}/images/${image}`;
const [DEV, PROD] = [definition("dev", "rhel9"), definition("prod", "rhel9")];
const regions = (...names: readonly string[]): object => ({
  publishingProfile: { targetRegions: names.map((name) => ({ name })) },
});

interface Listed {
  readonly id: string;
  readonly regions: readonly string[];
  readonly latestIn?: readonly string[];
}

interface World {
  readonly items?: readonly object[];
  readonly status?: string;
  readonly error?: object;
  readonly refused?: Reply;
  /** What the image definitions have. */
  readonly listed?: readonly Listed[];
}

/** Sigil with one batch, which has ended at the first look. */
function sigil({ items = [], status = "Succeeded", error, refused, listed = [] }: World = {}) {
  const batch = (state: string): Record<string, unknown> => ({
    ...operation(state, []),
    kind: "RunBatch",
    resourceId: "/batches/b1",
    history: [{ state, time: "2026-01-01T00:00:00Z", message: "" }],
    ...(error && state === "Failed" && { error }),
  });
  return ({ method, path: address }: Request): Reply => {
    if (address.includes("/items?")) return [200, { value: items }];
    if (method === "POST") return refused ?? [202, batch("NotStarted")];
    const [, gallery = "", image] =
      /\/galleries\/(\w+)\/images\/(\w+)\/versions\?top=100$/u.exec(address) ?? [];
    if (image === undefined) return [200, batch(status)];
    if (image === "missing") return problem(404, "NotFound");
    const value = listed
      .filter(({ id }) => id.startsWith(`${definition(gallery, image)}/`))
      .map(({ id, regions: names, latestIn = [] }) => ({
        id,
        properties: regions(...names),
        sigil: { latestIn },
      }));
    return [200, { value }];
  };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "sigil-apply-"));
});

const write = (name: string, content: object): string => {
  const file = path.join(folder, name);
  writeFileSync(file, JSON.stringify(content, undefined, 2));
  return file;
};
const apply = (line: string, world?: World, options?: RunOptions): Promise<Run> =>
  runLine(`apply ${line}`, sigil(world), options);
const sent = ({ requests }: Run): unknown =>
  requests.find(({ path: address }) => address === "/api/batches")?.body;

const TARGETS = {
  tags: { build: "4712", team: "web" },
  properties: { storageProfile: { source: { id: "/source" } }, ...regions("westus") },
  targets: [
    { id: DEV, location: "westus", tags: { team: null } },
    { id: `${PROD}/versions/1.0.0`, stage: 1, location: "eastus2", properties: regions("eastus2") },
  ],
};

describe("what a file becomes", () => {
  it("merges each target over the rest of its file", async () => {
    const run = await apply(`-f ${write("a.json", TARGETS)} --gallery-image-version 4.13.0`);
    expect([run.code, sent(run)]).toEqual([
      0,
      {
        command: "putImageVersion",
        items: [
          {
            id: `${DEV}/versions/4.13.0`,
            body: {
              tags: { build: "4712" },
              location: "westus",
              properties: { storageProfile: { source: { id: "/source" } }, ...regions("westus") },
            },
          },
          {
            id: `${PROD}/versions/1.0.0`,
            stage: 1,
            body: {
              tags: { build: "4712", team: "web" },
              location: "eastus2",
              properties: { storageProfile: { source: { id: "/source" } }, ...regions("eastus2") },
            },
          },
        ],
        atOnce: 10,
        onFailure: "stop",
      },
    ]);
  });

  it("takes the .json files of a directory in order, other files, and standard input", async () => {
    const images = path.join(folder, "images");
    mkdirSync(images);
    const one = (name: string): object => ({ id: `${definition("dev", name)}/versions/1.0.0` });
    write("images/b.json", one("b"));
    write("images/a.json", one("a"));
    write("images/notes.txt", {});
    const stdin = JSON.stringify(one("d"));
    const run = await apply(`-f ${images} ${write("c.json", one("c"))} -`, {}, { stdin });
    const { items } = sent(run) as { items: readonly { id: string }[] };
    expect(items.map(({ id }) => id.split("/").at(-3))).toEqual(["a", "b", "c", "d"]);
  });

  it("plans only, or asks on a terminal, as every batch", async () => {
    const file = write("a.json", TARGETS);
    const line = `-f ${file} --gallery-image-version 1.0.0`;
    expect(sent(await apply(`${line} --dry-run --at-once 3 --on-failure continue`))).toMatchObject({
      ...{ dryRun: true, atOnce: 3, onFailure: "continue" },
    });
    const asked = await apply(line, {}, { isTerminal: true, stdin: "n\n" });
    expect(sent(asked)).toMatchObject({ confirm: true });
    expect(sent(await apply(`${line} --yes`, {}, { isTerminal: true }))).not.toHaveProperty(
      "confirm",
    );
  });
});

describe("a file that declares nothing", () => {
  it.each<[object, string]>([
    [{ location: "westus" }, ":1 needs"],
    [{ id: 7 }, ":2 needs"],
    [{ id: "/subscriptions/x" }, ":2 has an"],
    [{ id: DEV }, ":2 has the"],
    [{ id: `${DEV}/versions/1.0.0`, targets: [{ id: DEV }] }, ' has "id" and "targets"'],
    [{ targets: [] }, " must be a list"],
    [{ targets: {} }, " must be a list"],
    [{ targets: [{ id: `${DEV}/versions/1.0.0` }, null] }, ":6 needs"],
    [
      { targets: [{ id: `${DEV}/versions/1.0.0` }, { id: `${DEV.toUpperCase()}/VERSIONS/1.0.0` }] },
      ":6 declares",
    ],
  ])("%j is an error of the command line, at its line", async (content, place) => {
    const run = await apply(`-f ${write("a.json", content)}`);
    expect([run.code, run.requests]).toEqual([2, []]);
    expect(run.stderr).toContain(`a.json${place}`);
  });

  it("an empty directory, a missing file, and more than 500 versions are errors, too", async () => {
    expect((await apply(`-f ${folder}`)).code).toBe(2);
    expect((await apply(`-f ${folder}/none.json`)).code).toBe(2);
    const targets = Array.from({ length: 501 }, (_, n) => ({ id: `${DEV}/versions/1.0.${n}` }));
    const many = await apply(`-f ${write("a.json", { targets })}`);
    expect([many.code, many.requests.length]).toEqual([2, 0]);
    expect(many.stderr).toContain("501");
    expect((await apply("")).code).toBe(2);
  });
});

describe("where an error is", () => {
  const line = (): string => `-f ${write("a.json", TARGETS)} --gallery-image-version 1.0.0`;
  const lineOf = (text: string): number =>
    JSON.stringify(TARGETS, undefined, 2)
      .split("\n")
      .findIndex((each) => each.includes(text)) + 1;

  it.each<[string, number]>([
    ["/items/0/body/location", lineOf('"location": "westus"')],
    [
      "/items/1/body/properties/publishingProfile/targetRegions/0/name",
      lineOf('"name": "eastus2"'),
    ],
    ["/items/1/body/properties/storageProfile/source/id", lineOf('"id": "/source"')],
    ["/items/1/body/tags/build", lineOf('"build"')],
    ["/items/1/stage", lineOf('"stage"')],
    ["/items/0/id", lineOf(`"id": "${DEV}"`)],
  ])("%s of a refused request is in the file", async (pointer, at) => {
    const errors = [{ code: "WrongType", pointer, message: "Wrong." }];
    const refused = problem(400, "InvalidRequest", errors);
    const run = await apply(line(), { refused });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain(`WrongType at ${folder}/a.json:${at}\n`);
  });

  it("of a plan is at the line of its target, and so is a build's annotation", async () => {
    const errors = [{ code: "KeyDisabled", pointer: "/location", message: "It is disabled." }];
    const items = [
      { id: `${DEV}/versions/1.0.0`, state: "Skipped" },
      { id: `${PROD}/versions/1.0.0`, state: "Refused", errors },
    ];
    const error = { code: "PlanHasErrors", message: "No.", errors: [] };
    const environment = { GITHUB_ACTIONS: "true" };
    const run = await apply(line(), { items, status: "Failed", error }, { environment });
    const at = lineOf('"location": "eastus2"');
    expect(run.code).toBe(3);
    expect(run.stderr).toContain(`KeyDisabled at ${folder}/a.json:${at}\n`);
    expect(run.stderr).toMatch(new RegExp(`^::error file=.*a.json,line=${at},`, "mu"));
  });
});

describe("--detect and --prune-regions", () => {
  const ids = [`${DEV}/versions/4.13.0`, `${PROD}/versions/1.0.0`];
  const unchanged = ids.map((id) => ({ id, state: "Unchanged" }));
  const asDeclared = [
    { id: ids[0] ?? "", regions: ["westus"], latestIn: ["westus"] },
    { id: ids[1] ?? "", regions: ["East US 2"], latestIn: ["eastus2"] },
    { id: `${PROD}/versions/0.9.0`, regions: ["westus"] },
  ];
  const line = (more: string): string =>
    `-f ${write("a.json", TARGETS)} --gallery-image-version 4.13.0 ${more}`;

  it("finds nothing where all is as the files say", async () => {
    const run = await apply(line("--detect"), { items: unchanged, listed: asDeclared });
    expect(run.code).toBe(0);
    expect(sent(run)).toMatchObject({ dryRun: true });
    expect(JSON.parse(run.stdout)).toMatchObject({ undeclared: [] });
  });

  it.each<[string, World, object]>([
    [
      "a version that would change",
      { items: [{ id: ids[0], state: "Planned" }, unchanged[1] ?? {}], listed: asDeclared },
      [],
    ],
    [
      "a region that its file does not name",
      {
        items: unchanged,
        listed: [{ id: ids[0] ?? "", regions: ["westus", "eastus"] }, ...asDeclared.slice(1)],
      },
      [{ id: ids[0], regions: ["eastus"] }],
    ],
    [
      "a latest version that no file declares",
      {
        items: unchanged,
        listed: [
          ...asDeclared,
          { id: `${PROD}/versions/2.0.0`, regions: [], latestIn: ["westus"] },
        ],
      },
      [{ id: `${PROD}/versions/2.0.0`, latestIn: ["westus"] }],
    ],
  ])("finds %s", async (_, world, undeclared) => {
    const run = await apply(line("--detect"), world);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stdout)).toMatchObject({ undeclared });
  });

  it("names what no file says", async () => {
    const listed = [
      { id: ids[0] ?? "", regions: ["westus", "eastus"], latestIn: [] },
      { id: `${PROD}/versions/2.0.0`, regions: [], latestIn: ["westus"] },
    ];
    const { stderr } = await apply(line("--detect"), { items: unchanged, listed });
    expect(stderr).toMatch(/^! dev\/rhel9 4\.13\.0 .*eastus/mu);
    expect(stderr).toMatch(/^! prod\/rhel9 2\.0\.0 .*westus/mu);
  });

  it("removes only the regions that a file with a list does not name", async () => {
    const without = { id: definition("dev", "deb12"), location: "westus" };
    const listed = [
      { id: ids[0] ?? "", regions: ["westus", "eastus", "northeurope"] },
      ...asDeclared.slice(1),
      { id: `${definition("dev", "deb12")}/versions/4.13.0`, regions: ["westus"] },
    ];
    const file = write("b.json", without);
    const run = await apply(line(`--prune-regions --allow-no-latest --file ${file}`), { listed });
    const other = await apply(line("--prune-regions --allow-no-latest"), { listed });
    expect(sent(run)).toMatchObject({ items: [{ body: { location: "westus" } }] });
    const items = (sent(other) as { items: readonly { query?: object }[] }).items;
    expect(items.map(({ query }) => query)).toEqual([
      { removeRegions: "eastus,northeurope", allowNoLatest: true },
      undefined,
    ]);
  });

  it("leaves all regions of a file without a list, and an image definition that is missing", async () => {
    const lone = { id: `${definition("dev", "deb12")}/versions/1.0.0`, location: "westus" };
    const missing = { id: `${definition("dev", "missing")}/versions/1.0.0`, location: "westus" };
    const file = write("b.json", { targets: [lone, missing] });
    const listed = [{ id: lone.id, regions: ["westus"] }];
    const run = await apply(`-f ${file} --prune-regions`, { listed });
    expect((sent(run) as { items: readonly object[] }).items).toEqual([
      { id: lone.id, body: { location: "westus" } },
      { id: missing.id, body: { location: "westus" } },
    ]);
  });

  it("leaves the regions to the plan that removes them", async () => {
    const listed = [{ id: ids[0] ?? "", regions: ["westus", "eastus"] }];
    const items = [{ id: ids[0], state: "Planned" }];
    const run = await apply(line("--detect --prune-regions"), { items, listed });
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stdout)).toMatchObject({ undeclared: [] });
    expect(sent(run)).toMatchObject({ items: [{ query: { removeRegions: "eastus" } }, {}] });
  });

  it("says nothing of what the caller may not see", async () => {
    const run = await runLine(`apply ${line("--detect")}`, () => problem(403, "Forbidden"));
    expect([run.code, sent(run)]).toEqual([4, undefined]);
  });

  it("waits for the plan", async () => {
    expect((await apply(line("--detect --no-wait"))).code).toBe(2);
  });
});
