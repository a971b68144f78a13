import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { AT, operation, runLine, SUBSCRIPTION, type Reply, type Request } from "./command-line.js";

const UP = `/api/subscriptions/${SUBSCRIPTION}/resourceGroups/MyResourceGroup/galleries/MyGallery/images/MyImage`;
const SET = `/subscriptions/${SUBSCRIPTION}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/diskEncryptionSets`;
const region = (name: string, state: string, more: object = {}) => ({
  name,
  state,
  attempts: 1,
  attemptsAllowed: 3,
  machineSize: "Standard_D2s_v5",
  ...more,
});
const passed = region("westus", "Gone", {
  result: "passed",
  createdTime: "2026-01-01T00:00:00Z",
  provenTime: "2026-01-01T00:01:14Z",
  disks: [
    { id: "/os", encryptionType: "x", diskEncryptionSetId: `${SET}/WestOs` },
    { id: "/0", lun: 0, encryptionType: "EncryptionAtRestWithPlatformKey" },
  ],
});
const waiting = region("eastus2", "Waiting", {
  attempts: 2,
  reason: { code: "AllocationFailed", message: "No capacity." },
  nextAttemptTime: "2026-01-01T00:05:00Z",
});

/** A test that is in these states, one after the other. */
function testing(
  ...states: readonly (readonly [status: string, tests: readonly object[], error?: object])[]
) {
  let looks = 0;
  const shown = (status: string, tests: readonly object[], error?: object) =>
    operation(status, [], {
      kind: "TestImageVersion",
      lastUpdatedTime: `2026-01-01T00:00:0${looks}Z`,
      tests,
      ...(error && { error }),
    });
  return ({ method }: Request): Reply => {
    if (method === "POST") return [202, shown("NotStarted", [])];
    const state = states[Math.min(looks++, states.length - 1)];
    return [200, shown(...(state ?? ["Running", []]))];
  };
}

describe("image-version test", () => {
  const LINE = `image-version test ${AT} -e 1.0.0`;

  it("waits for each region, and shows what was found", async () => {
    const { code, stdout, stderr, requests } = await runLine(
      `${LINE} --regions westus`,
      testing(["Running", [region("westus", "Starting")]], ["Succeeded", [passed]]),
    );
    expect(code).toBe(0);
    expect(requests[0]).toMatchObject({
      method: "POST",
      path: `${UP}/versions/1.0.0/test`,
      body: { regions: ["westus"] },
    });
    expect(stderr).toContain("MyImage 1.0.0 westus: 50 %, starting\n");
    expect(stderr).toContain("MyImage 1.0.0 westus: 100 %, passed\n");
    expect(stdout.split("\n")[2]).toBe(
      "westus  passed  Standard_D2s_v5  after 74 s  OS: WestOs, LUN 0: EncryptionAtRestWithPlatformKey",
    );
  });

  it("draws a bar for each region", async () => {
    const { stderr } = await runLine(
      LINE,
      testing(
        ["Running", [passed, waiting]],
        ["Succeeded", [passed, { ...passed, name: "eastus2" }]],
      ),
      { isTerminal: true },
    );
    const text = stripVTControlCharacters(stderr);
    expect(text).toContain(`  westus  ${"█".repeat(24)} 100 %  passed\n`);
    expect(text).toMatch(
      new RegExp(`  eastus2 ${"░".repeat(24)} +0 %  attempt 2 of 3, AllocationFailed, tr…\n`, "u"),
    );
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBe(79);
  });

  it.each([
    ["TestFailed", "failed", 1, "Failed: It is so."],
    ["TestInconclusive", "inconclusive", 8, "Inconclusive: It is so."],
  ])("%s ends with its own exit code", async (code, result, exit, text) => {
    const run = await runLine(
      LINE,
      testing([
        "Failed",
        [region("westus", "Gone", { result })],
        {
          code,
          message: "It is so.",
          errors: [{ code: "Why", pointer: "", message: "westus: Why so." }],
        },
      ]),
    );
    expect([run.code, run.stdout]).toEqual([exit, ""]);
    expect(run.stderr).toContain(text);
    expect(run.stderr).toContain("westus: Why so.");
    expect(run.stderr).toContain(`MyImage 1.0.0 westus: 100 %, ${result}`);
  });

  it("says what it would make and cost, and makes nothing", async () => {
    const planned = {
      name: "westus",
      machineSize: "Standard_D2s_v5",
      resourceGroupName: "Tests",
      subnetId: "/subnet",
      disks: [{ diskEncryptionSetId: "/sets/WestOs" }, { lun: 0 }],
      atMostMinutes: 60,
      cost: { currency: "EUR", hour: 0.1, atMost: 0.3, message: "Cheap." },
    };
    const { code, stdout, stderr, requests } = await runLine(`${LINE} --dry-run`, () => [
      200,
      {
        attempts: 3,
        regions: [
          planned,
          {
            ...planned,
            name: "eastus2",
            cost: { message: "Unknown: no price." },
            hindrance: { code: "Quota", message: "No cores are left." },
          },
        ],
      },
    ]);
    expect(code).toBe(0);
    expect(requests.map(({ method, path }) => [method, path])).toEqual([
      ["POST", expect.stringMatching(/\/versions\/1\.0\.0\/test\/plan$/u)],
    ]);
    expect(stdout.split("\n").slice(2, 4)).toEqual([
      "westus   Standard_D2s_v5  OS: WestOs, LUN 0: platform key  after 60 min at most  at most 0.30 EUR",
      "eastus2  Standard_D2s_v5  OS: WestOs, LUN 0: platform key  after 60 min at most  unknown",
    ]);
    expect(stderr).toContain("westus: Cheap.\n");
    expect(stderr).toContain("eastus2: Unknown: no price.\n");
    expect(stderr).toContain("none in eastus2: No cores are left.");
  });

  it("does not wait if it is told not to", async () => {
    const { code, stdout, requests } = await runLine(`${LINE} --no-wait -o json`, testing());
    expect([code, requests.length]).toEqual([0, 1]);
    expect(requests[0]?.body).toEqual({});
    expect(JSON.parse(stdout)).toMatchObject({ kind: "TestImageVersion" });
  });
});

describe("test results", () => {
  const result = {
    name: "boot",
    region: "westus",
    result: "passed",
    time: "2026-01-01T00:00:00Z",
    link: "https://tests.example/1",
    reportedBy: { appId: "suite" },
  };

  it("are listed", async () => {
    const { stdout } = await runLine(`test-result list ${AT} -e 1.0.0 -o table`, () => [
      200,
      { value: [result] },
    ]);
    expect(stdout).toMatch(/westus +boot +passed .*https:\/\/tests/u);
  });

  it("are reported", async () => {
    const { code, requests } = await runLine(
      `test-result add ${AT} -e 1.0.0 -n boot --region westus --result Passed --link https://tests.example/1`,
      () => [200, result],
    );
    expect(code).toBe(0);
    expect(requests).toMatchObject([
      {
        method: "POST",
        path: `${UP}/versions/1.0.0/test-results`,
        body: {
          name: "boot",
          region: "westus",
          result: "passed",
          link: "https://tests.example/1",
        },
      },
    ]);
  });
});

describe("a test profile", () => {
  it("is set as a file has it, with what stands in the way", async () => {
    const profile = { machineSize: "Standard_D2s_v5", regions: [] };
    const file = path.join(tmpdir(), `profile-${process.pid}.json`);
    await writeFile(file, JSON.stringify(profile));
    const { code, stdout, stderr, requests } = await runLine(
      `test-profile set ${AT} --file ${file}`,
      () => [200, { profile, findings: [{ message: "The quota is used." }] }],
    );
    expect(code).toBe(0);
    expect(requests).toMatchObject([{ method: "PUT", path: `${UP}/test-profile`, body: profile }]);
    expect(JSON.parse(stdout)).toEqual(profile);
    expect(stderr).toContain("The quota is used.");
  });
});
