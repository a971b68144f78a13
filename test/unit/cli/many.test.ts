/** Commands for many versions, as one batch. */
import { writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  AT,
  operation,
  problem,
  runLine,
  SUBSCRIPTION,
  type Reply,
  type Request,
  type Run,
  type RunOptions,
} from "./command-line.js";

const imageId = (image: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/G/providers/Microsoft.Compute/galleries/prod/images/${image}`;
const id = (image: string, version = "1.0.0"): string => `${imageId(image)}/versions/${version}`;
const [RHEL, DEBIAN] = [id("rhel9"), id("deb12")];
const BOTH = `--ids ${RHEL} ${DEBIAN}`;

interface World {
  readonly items?: readonly object[];
  readonly error?: object;
  readonly status?: string;
  readonly rows?: readonly string[];
}

/** Sigil with one batch: planned at the second look if it is to be confirmed, and ended after that. */
function sigil({ items, error, status = "Succeeded", rows = [] }: World = {}) {
  const told: { batch?: Record<string, unknown>; confirmed: boolean; looks: number } = {
    confirmed: false,
    looks: 0,
  };
  const batch = (state: string, more: object = {}): Record<string, unknown> => ({
    ...operation(state === "Planned" ? "Running" : state, []),
    kind: "RunBatch",
    resourceId: "/batches/b1",
    history: [{ state, time: "2026-01-01T00:00:00Z", message: "" }],
    batch: { command: "patchImageVersion", counts: { Planned: 2 }, atOnce: 10, onFailure: "stop" },
    ...more,
  });
  return ({ method, path: address, body }: Request): Reply => {
    if (address.startsWith("/api/versions"))
      return [200, { value: rows.map((row) => ({ id: row, regions: [] })) }];
    if (address.includes("/items?") && !address.endsWith("top=100"))
      return problem(400, "NotInRange");
    if (address.includes("/items"))
      return [
        200,
        {
          value:
            items ??
            [RHEL, DEBIAN].map((one) => ({ id: one, state: "Planned", summary: "update westus" })),
        },
      ];
    if (address.endsWith("/confirm")) {
      told.confirmed = true;
      return [202, batch("Running")];
    }
    if (address.endsWith("/cancel")) return [202, batch("Canceled")];
    if (method === "POST" && address === "/api/batches") {
      told.batch = body as Record<string, unknown>;
      return [202, batch("NotStarted")];
    }
    told.looks += 1;
    if (told.looks === 1) return [200, batch("Running")];
    return told.batch?.["confirm"] === true && !told.confirmed && error === undefined
      ? [200, batch("Planned")]
      : [200, batch(status, error && { error })];
  };
}

const run = (line: string, world?: World, options?: RunOptions): Promise<Run> =>
  runLine(`image-version ${line}`, sigil(world), options);
const sent = ({ requests }: Run): unknown =>
  requests.find(({ path: address }) => address === "/api/batches")?.body;
const paths = ({ requests }: Run): readonly string[] =>
  requests.map(({ method, path: address }) => `${method} ${address}`);

describe("what each command asks of every item", () => {
  const items = [{ id: RHEL }, { id: DEBIAN }];
  it.each<[string, object]>([
    [
      "update --add publishingProfile.targetRegions name=koreacentral --os-disk-set-rule {region}-os",
      {
        command: "patchImageVersion",
        body: {
          properties: { publishingProfile: { targetRegions: [{ name: "koreacentral" }] } },
          sigil: { encryption: { osDisk: "{region}-os" } },
        },
      },
    ],
    [
      "update --remove publishingProfile.targetRegions EastUS2 --remove tags.build --set sigil.protected=true tags.team=web",
      {
        command: "patchImageVersion",
        body: { tags: { build: null, team: "web" }, sigil: { protected: true } },
        query: { removeRegions: "eastus2" },
      },
    ],
    [
      "update --end-of-life-date 2030-12-31 --replica-count 2 --remove-regions westus --ignore-use",
      {
        command: "patchImageVersion",
        body: {
          properties: {
            publishingProfile: { endOfLifeDate: "2030-12-31T12:59:59Z", replicaCount: 2 },
          },
        },
        query: { removeRegions: "westus", ignoreUse: true },
      },
    ],
    [
      "adopt",
      {
        command: "patchImageVersion",
        body: {},
        items: items.map((one) => ({ ...one, ifMatch: "*" })),
      },
    ],
    ["promote", { command: "promoteImageVersion" }],
    ["promote --regions westus", { command: "promoteImageVersion", body: { regions: ["westus"] } }],
    ["demote --allow-no-latest", { command: "demoteImageVersion", query: { allowNoLatest: true } }],
    ["retry --regions westus", { command: "retryImageVersion", body: { regions: ["westus"] } }],
    [
      "delete --bypass-soft-delete --ignore-use",
      { command: "deleteImageVersion", query: { bypassSoftDelete: true, ignoreUse: true } },
    ],
    [
      "revoke --reason CVE-2026-1234 --replacement 1.0.1 --hold-descendants",
      {
        command: "revokeImageVersion",
        body: { reason: "CVE-2026-1234", replacement: "1.0.1", holdDescendants: true },
      },
    ],
    [
      "roll-back --to 0.9.0",
      {
        command: "rollBackImage",
        body: { to: "0.9.0" },
        items: [{ id: imageId("rhel9") }, { id: imageId("deb12") }],
      },
    ],
    [
      "promote --at-once 5 --on-failure continue --dry-run",
      { command: "promoteImageVersion", atOnce: 5, onFailure: "continue", dryRun: true },
    ],
  ])("%s", async (line, batch) => {
    const result = await run(`${line} ${BOTH}`);
    expect(sent(result), result.stderr).toEqual({ items, atOnce: 10, onFailure: "stop", ...batch });
    expect(result.code).toBe(0);
  });
});

describe("which versions", () => {
  const chosen = async (line: string, world?: World, options?: RunOptions): Promise<unknown> =>
    (sent(await run(`promote ${line}`, world, options)) as { items: object[] } | undefined)?.items;

  it("one id is the command for one version", async () => {
    const { requests } = await run(`delete --ids ${RHEL} --yes`, undefined, {
      environment: { SIGIL_GALLERY: "another", SIGIL_SUBSCRIPTION: "" },
    });
    expect(requests[0]).toMatchObject({
      method: "DELETE",
      path: `/api${RHEL.replace("/providers/Microsoft.Compute", "")}`,
    });
  });

  it("a dry run of one id is a batch where the command has none", async () => {
    expect(sent(await run(`retry --ids ${RHEL} --dry-run`))).toMatchObject({
      items: [{ id: RHEL }],
      dryRun: true,
    });
  });

  it("each id once, whatever its case, from a file and from standard input", async () => {
    const file = path.join(await mkdtemp(path.join(tmpdir(), "sigil-")), "ids");
    writeFileSync(file, `${RHEL}\r\n${RHEL.toUpperCase()}\n\n`);
    const items = [{ id: RHEL.toUpperCase() }, { id: DEBIAN }];
    expect(await chosen(`--ids @${file} ${DEBIAN}`)).toEqual(items);
    expect(
      await chosen(`--ids @- ${DEBIAN}`, {}, { stdin: `${RHEL} ${RHEL.toUpperCase()}` }),
    ).toEqual(items);
  });

  it("by the filters of the query, within the gallery that is set", async () => {
    const line = "--image * --latest --not-in koreacentral";
    const result = await run(
      `promote ${line}`,
      { rows: [RHEL, DEBIAN] },
      {
        environment: { SIGIL_GALLERY: "prod" },
      },
    );
    expect(result.requests[0]?.path).toBe(
      "/api/versions?gallery=prod&image=*&latest=true&notIn=koreacentral&top=200",
    );
    expect(sent(result)).toMatchObject({ items: [{ id: DEBIAN }, { id: RHEL }] });
    const none = await run("promote --latest");
    expect([none.code, sent(none)]).toEqual([0, undefined]);
  });

  it("a gallery that is set is no filter", async () => {
    const environment = { SIGIL_GALLERY: "prod", SIGIL_IMAGE: "rhel9" };
    const { code, requests } = await run("promote", {}, { environment });
    expect([code, requests]).toEqual([2, []]);
  });

  it("the items of a batch, or those in some states", async () => {
    const items = [
      { id: RHEL, state: "Succeeded" },
      { id: DEBIAN, state: "Skipped" },
      { id: id("ubuntu"), state: "Failed" },
    ];
    expect(await chosen("--batch op-0 --state Skipped Failed", { items })).toEqual([
      { id: DEBIAN },
      { id: id("ubuntu") },
    ]);
    expect(await chosen("--batch op-0", { items })).toHaveLength(3);
  });

  it("an image definition once, for versions of it", async () => {
    const result = await run("roll-back --latest", { rows: [RHEL, id("rhel9", "1.1.0"), DEBIAN] });
    expect(sent(result)).toMatchObject({
      items: [{ id: imageId("deb12") }, { id: imageId("rhel9") }],
    });
  });

  it("what is to be changed in a region must be there", async () => {
    const line = "--set publishingProfile.targetRegions[name=westus].regionalReplicaCount=3";
    const refused = await run(`update ${line} ${BOTH}`, { rows: [RHEL] });
    expect([refused.code, sent(refused)]).toEqual([2, undefined]);
    expect(refused.stderr).toContain(DEBIAN);
    const result = await run(`update ${line} ${BOTH}`, { rows: [RHEL, DEBIAN] });
    expect(result.requests[0]?.path).toBe("/api/versions?in=westus&top=200");
    expect(sent(result)).toMatchObject({
      body: {
        properties: {
          publishingProfile: { targetRegions: [{ name: "westus", regionalReplicaCount: 3 }] },
        },
      },
    });
  });

  it.each([
    `promote ${BOTH} ${AT}`,
    `promote ${BOTH} --latest`,
    `promote ${BOTH} --batch op-0`,
    `promote ${BOTH} --state Failed`,
    `promote ${BOTH} --at-once 51`,
    `promote ${BOTH} --if-match x`,
    `promote ${AT} -e 1.0.0 --at-once 5`,
    `retry ${AT} -e 1.0.0 --dry-run`,
    `promote --ids ${imageId("rhel9")}`,
    "promote --ids nonsense",
    "promote --ids @/nowhere",
    `promote --ids ${Array.from({ length: 501 }, (_, i) => id("rhel9", `1.0.${i}`)).join(" ")}`,
    `update ${BOTH}`,
    `update ${BOTH} --tags a=b`,
    `update ${BOTH} --target-regions westus`,
    `update ${BOTH} --target-edge-zones None`,
    `update ${BOTH} --built-from ${RHEL}`,
    `update ${BOTH} --no-plan --replica-count 2`,
    `update ${BOTH} --set publishingProfile.targetRegions=[]`,
    `update ${BOTH} --set publishingProfile.targetRegions[0].name=x`,
    `update ${BOTH} --set publishingProfile.targetRegions[name=x].encryption.dataDiskImages[lun=0].lun=1`,
    `update ${BOTH} --add publishingProfile.targetExtendedLocations name=x`,
    `update ${BOTH} --remove publishingProfile.targetRegions`,
    `update ${BOTH} --remove publishingProfile.targetRegions 0`,
    `update ${BOTH} --remove publishingProfile.targetRegions[name=westus].encryption`,
    `revoke ${BOTH}`,
  ])("is refused before anything is sent: %s", async (line) => {
    const { code, requests, stderr } = await run(line);
    expect([code, requests], stderr).toEqual([2, []]);
  });
});

describe("the plan, and how it ends", () => {
  const items = [
    { id: RHEL, state: "Planned", summary: "update westus" },
    { id: DEBIAN, state: "Unchanged" },
    {
      id: id("win"),
      state: "Refused",
      errors: [
        {
          code: "DiskEncryptionSetNotFound",
          pointer: "/sigil/encryption",
          message: "It is not there.",
        },
      ],
    },
  ];
  const error = { code: "PlanHasErrors", message: "The plan of 1 of 3 items has errors." };

  it("a dry run prints it, and ends 3 if it has errors", async () => {
    const good = await run(`promote ${BOTH} --dry-run`);
    expect([good.code, JSON.parse(good.stdout)]).toMatchObject([
      0,
      { items: [{ id: RHEL }, { id: DEBIAN }] },
    ]);
    expect(good.stderr).toContain("~ prod/rhel9 1.0.0  update westus");
    const bad = await run(`promote ${BOTH} --dry-run -o table`, { items, error, status: "Failed" });
    expect(bad.code).toBe(3);
    expect(bad.stderr).toContain("= prod/deb12 1.0.0");
    expect(bad.stderr).toContain("DiskEncryptionSetNotFound");
    expect(bad.stdout).toContain("prod/win 1.0.0");
  });

  it("without a terminal it does not ask, and says what is not as requested", async () => {
    const { code, stderr } = await run(`promote ${BOTH}`, {
      items: [
        { id: RHEL, state: "Succeeded" },
        { ...items[2], state: "Failed" },
      ],
      error: { code: "BatchIncomplete", message: "1 of 2" },
      status: "Failed",
    });
    expect(code).toBe(1);
    expect(stderr).toContain("! prod/win 1.0.0");
    expect(stderr).not.toContain("prod/rhel9 1.0.0");
  });

  it("a canceled one ends 6", async () => {
    expect((await run(`promote ${BOTH}`, { status: "Canceled" })).code).toBe(6);
  });

  it("on a terminal it asks, and begins with a yes", async () => {
    const isTerminal = true;
    const yes = await run(`promote ${BOTH}`, {}, { isTerminal, stdin: "y\n" });
    expect(sent(yes)).toMatchObject({ confirm: true });
    expect(paths(yes)).toContain("POST /api/operations/op-1/confirm");
    expect([yes.code, yes.stderr]).toEqual([0, expect.stringContaining("2 to change")]);
    const no = await run(`promote ${BOTH}`, {}, { isTerminal, stdin: "\n" });
    expect(paths(no)).toContain("POST /api/operations/op-1/cancel");
    expect(paths(no)).not.toContain("POST /api/operations/op-1/confirm");
    expect(no.code).toBe(130);
    const sure = await run(`promote ${BOTH} --yes`, {}, { isTerminal });
    expect(sent(sure)).not.toHaveProperty("confirm");
    const away = await run(`promote ${BOTH} --no-wait`, {}, { isTerminal });
    expect(sent(away)).toMatchObject({ confirm: true });
    expect(away.stderr).toContain("sigil operation confirm op-1");
    const refused = await run(
      `promote ${BOTH}`,
      { items, error, status: "Failed" },
      { isTerminal },
    );
    expect([refused.code, paths(refused).filter((one) => one.startsWith("POST"))]).toEqual([
      3,
      ["POST /api/batches"],
    ]);
  });

  it("what Sigil refuses has its pointers", async () => {
    const { code, stderr } = await runLine(`image-version promote ${BOTH}`, () =>
      problem(403, "Forbidden", [{ code: "Forbidden", pointer: "/items/1/id", message: "No." }]),
    );
    expect([code, stderr]).toEqual([4, expect.stringContaining("/items/1/id")]);
  });
});

it("shows the items of a batch, and confirms it", async () => {
  const show = await runLine("operation show op-1 -o table", sigil());
  expect(show.stdout).toContain("prod/rhel9 1.0.0");
  const { code, requests } = await runLine("operation confirm op-1", sigil());
  expect([code, requests.map(({ path: address }) => address)]).toEqual([
    0,
    ["/api/operations/op-1/confirm"],
  ]);
});

it("adopts one version", async () => {
  const { requests } = await runLine(`image-version adopt ${AT} -e 1.0.0`, sigil());
  expect(requests[0]).toMatchObject({ method: "PATCH", body: {} });
  expect(requests[0]?.headers.get("If-Match")).toBe("*");
});
