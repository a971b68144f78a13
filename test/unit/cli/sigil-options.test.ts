import { describe, expect, it } from "vitest";
import { sigilOf } from "../../../src/cli/src/commands/sigil-options.js";
import { inCommands } from "../../../src/cli/src/words.js";
import { AT, optionsOf, runLine, SUBSCRIPTION } from "./command-line.js";

const asked = (line: string) => sigilOf(optionsOf("image-version create", line));

describe("waves and rules for keys", () => {
  it("are said without a file", () => {
    expect(
      asked(
        "--wave westus --wave eastus2,eastus:manual northeurope:1440 --promote-results boot --on-failure rollback --os-disk-set-rule {region}-os --data-disk-set-rule {region}-{lun} --disk-set-tag image=golden",
      ),
    ).toEqual({
      promotion: {
        when: "waves",
        waves: [
          { regions: ["westus"], after: "tested", results: ["boot"] },
          { regions: ["eastus2", "eastus"], after: "manual" },
          { regions: ["northeurope"], after: { minutes: 1440 } },
        ],
        onFailure: "rollBack",
      },
      encryption: {
        osDisk: "{region}-os",
        dataDisks: "{region}-{lun}",
        tag: "image=golden",
      },
    });
    expect(asked("--promote-when tested --promote-results boot")).toEqual({
      promotion: { when: "tested", results: ["boot"] },
    });
    expect(asked("--capture snapshots")).toEqual({ capture: "snapshots" });
    expect(asked("--managed-image myImage")).toEqual({});
  });

  it.each([
    ["--wave westus --promote-when manual", "leave --promote-when out"],
    [
      "--wave westus:later",
      'such as westus, eastus2,eastus:manual or eastus2:1440; not "westus:later"',
    ],
    ["--on-failure halt", "goes with --wave"],
    ["--promote-results boot", "goes with --wave"],
  ])("%s is refused", (line, reason) => {
    expect(() => asked(line)).toThrow(reason);
  });

  it("are added to what a file says", async () => {
    const { requests } = await runLine(
      `image-version create ${AT} -e 1.0.0 --file - --wave westus:manual --no-wait`,
      () => [
        202,
        {
          id: "1-1",
          resourceId: "/x",
          kind: "CreateImageVersion",
          status: "NotStarted",
          regions: [],
        },
      ],
      {
        stdin: JSON.stringify({
          location: "westus",
          properties: {},
          sigil: { encryption: { osDisk: "os" }, protected: true },
        }),
      },
    );
    expect(requests[0]?.body).toMatchObject({
      sigil: {
        protected: true,
        encryption: { osDisk: "os" },
        promotion: { when: "waves" },
      },
    });
  });
});

it.each([
  [
    `Use a set in westus (GET /api/subscriptions/${SUBSCRIPTION}/disk-encryption-sets?region=westus lists them).`,
    "Use a set in westus (sigil encryption-set list --location westus lists them).",
  ],
  [
    "promote it (POST …/promote), or restore it with POST …/restore.",
    "promote it (sigil image-version promote), or restore it with sigil image-version undelete.",
  ],
  [
    `Cancel it (POST /api/operations/1-2/cancel), or say ?allowNoLatest=true.`,
    "Cancel it (sigil operation cancel 1-2), or say --allow-no-latest.",
  ],
  ["1 error; each is listed under errors. No.", "1 error. No."],
])("what the service says is said in commands: %s", (said, shown) => {
  expect(inCommands(said)).toBe(shown);
});

describe("what is printed", () => {
  it("of a plan without findings says so", async () => {
    const { code, stdout } = await runLine(
      `image-version plan ${AT} -e 1.0.0 --managed-image myImage --target-regions westus`,
      () => [200, { findings: [], changes: [] }],
    );
    expect([code, stdout]).toEqual([0, "No findings.\n"]);
  });

  it("of keys is each set, its versions, until when its key can be used and what is wrong", async () => {
    const set = (name: string): string =>
      `/subscriptions/${SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/${name}`;
    const summary = {
      time: "2026-01-01T00:00:00Z",
      complete: true,
      diskEncryptionSets: [set("good"), set("bad")],
      keys: [
        {
          diskEncryptionSet: 0,
          expiresTime: "2031-03-03T00:00:00.000Z",
          problems: [],
          notSeen: [],
        },
        {
          diskEncryptionSet: 1,
          problems: [
            {
              code: "KeyExpiring",
              severity: "warning",
              message: "It expires soon.",
              remediation: "",
              breaks: [],
            },
          ],
          notSeen: [],
        },
      ],
      versions: [
        {
          name: "1.1.0",
          regions: [{ name: "westus", diskEncryptionSets: [1] }],
        },
        {
          name: "1.0.0",
          regions: [{ name: "westus", diskEncryptionSets: [0, 1] }],
        },
      ],
    };
    const list = async (more: string): Promise<string> =>
      (await runLine(`key list ${AT} -o table ${more}`, () => [200, summary])).stdout;
    expect(await list("")).toMatch(/^good +1\.0\.0 +2031-03-03T00:00$/mu);
    expect(await list("--at-risk")).toMatch(
      /-\nbad +1\.1\.0, 1\.0\.0 +KeyExpiring +It expires soon\.\n$/u,
    );
  });

  describe("of keys at risk", () => {
    const now = new Date().toISOString();
    const seen = { problems: [], notSeen: [], seenLately: true };
    const disabled = {
      code: "KeyDisabled",
      severity: "error",
      message: "It is disabled.",
      remediation: "Enable it.",
      breaks: [],
    };
    const atRisk = async (keys: readonly object[], sets: number, more = "") =>
      runLine(`key list ${AT} --at-risk ${more}`, () => [
        200,
        {
          time: now,
          complete: true,
          diskEncryptionSets: Array.from({ length: sets }, (_, i) => `/diskEncryptionSets/s${i}`),
          keys: keys.map((key, diskEncryptionSet) => ({
            diskEncryptionSet,
            ...key,
          })),
          versions: [],
        },
      ]);

    it("no set seen is inconclusive, and says how many", async () => {
      const { code, stdout, stderr } = await atRisk([], 8, "-o table");
      expect([code, stdout]).toEqual([8, "No keys at risk.\n"]);
      expect(stderr).toContain("0 of 8 sets at risk; 8 not seen yet.");
    });

    it.each([
      ["all seen lately and working", 0, [seen, seen]],
      ["a warning", 0, [{ ...seen, problems: [{ ...disabled, severity: "warning" }] }, seen]],
      ["one broken, one never seen", 9, [{ ...seen, problems: [disabled] }]],
      ["one not seen lately", 8, [seen, { ...seen, seenLately: false }]],
    ])("%s: exit code %i", async (_, expected, keys) => {
      expect((await atRisk(keys, 2)).code).toBe(expected);
    });

    it("JSON has the counts beside the sets", async () => {
      const { stdout } = await atRisk([{ ...seen, problems: [disabled] }], 3);
      expect(JSON.parse(stdout)).toMatchObject({
        value: [{ diskEncryptionSetId: "/diskEncryptionSets/s0" }],
        counts: { sets: 3, atRisk: 1, notSeen: 2 },
      });
    });
  });

  it("of retention says what is deleted and what is kept", async () => {
    const { stdout } = await runLine(`retention show ${AT} -o table`, () => [
      200,
      {
        policy: { mode: "dryRun" },
        deletions: [{ name: "1.0.0", code: "Superseded", reason: "Old." }],
        kept: [{ name: "1.1.0", code: "Latest", reason: "Latest." }],
      },
    ]);
    expect(stdout).toMatch(/^1\.0\.0 +would delete +Superseded/mu);
    expect(stdout).toMatch(/^1\.1\.0 +keep +Latest/mu);
  });

  it("of a version is each of its regions, and what it waits for", async () => {
    const { stdout, stderr } = await runLine(`image-version show ${AT} -e 1.0.0 -o table`, () => [
      200,
      {
        id: "/x",
        name: "1.0.0",
        location: "westus",
        properties: {},
        sigil: {
          latestIn: ["westus"],
          regions: [
            { name: "westus", state: "Completed", progress: 100 },
            { name: "eastus2", state: "Replicating", progress: 47 },
          ],
          rollout: { state: "Waiting", message: "It waits for somebody." },
        },
      },
    ]);
    expect(stdout).toMatch(/^westus +Completed +100 % +yes$/mu);
    expect(stdout).toMatch(/^eastus2 +Replicating +47 %$/mu);
    expect(stderr).toContain("It waits for somebody.");
  });
});

it("restore is undelete, and version says which sigil this is", async () => {
  const { requests } = await runLine(`image-version restore ${AT} -e 1.0.0 --no-wait`, () => [
    202,
    {
      id: "1-1",
      resourceId: "/x",
      kind: "RestoreImageVersion",
      status: "NotStarted",
      regions: [],
    },
  ]);
  expect(requests[0]?.path).toMatch(/\/versions\/1\.0\.0\/restore$/u);
  expect(JSON.parse((await runLine("version", () => [500, {}])).stdout)).toEqual({
    sigil: "0.0.0",
  });
});
