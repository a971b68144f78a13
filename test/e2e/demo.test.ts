import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { childrenOf, isRunning, runProgram, type Program } from "@sigil-local/testing/program";

let directory: string;
let demo: Program | undefined;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "sigil-demo-test-"));
});

afterEach(async () => {
  demo?.kill("SIGKILL");
  await demo?.exited;
  demo = undefined;
  await rm(directory, { recursive: true, force: true });
});

/** Starts the demo with a temporary folder of its own, so that what it leaves there is seen. */
function run(args: string[] = [], environment: Record<string, string> = {}) {
  demo = runProgram("local-stack/dist/demo/main.js", args, {
    TMPDIR: directory,
    ...environment,
  });
  return demo;
}

const lines = (text: string): string[] => text.trim().split("\n");

describe("the demo", () => {
  test("publishes two versions, shows the refusal of a third, promotes a fourth once it is tested, and leaves nothing behind", async () => {
    const { exited, stdout, stderr } = run([], {
      // Nobody listens there: a namespace that the environment names is not touched.
      ServiceBusConnection:
        "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true",
    });

    expect(await exited, stderr()).toBe(0);

    expect(stderr()).toBe("");
    const count = (pattern: RegExp): number =>
      lines(stdout()).filter((line) => pattern.test(line)).length;
    for (const version of ["1\\.0\\.0", "1\\.0\\.1"]) {
      for (const type of ["Accepted", "Creating", "Completed"])
        expect(count(new RegExp(` ${type} +${version}$`, "u")), type).toBe(1);
      for (const region of ["westus", "eastus2"]) {
        const of = (type: string): number =>
          count(new RegExp(` ${type} +${version} +${region} .* %$`, "u"));
        expect(of("RegionReplicating")).toBeGreaterThan(0);
        expect(of("RegionCompleted")).toBe(1);
      }
    }
    expect(count(/ Failed +1\.0\.2 +2 findings$/u)).toBe(1);
    expect(count(/^ +DiskEncryptionSetInOtherRegion$/u)).toBe(2);
    expect(stdout()).toContain("targetRegions/1/encryption/dataDiskImages/0/diskEncryptionSetId\n");
    expect(stdout()).toContain(
      "EastUS2DiskEncryptionSet2 is in eastus2 but is named for the data disk at LUN 0 in eastus.",
    );

    const table = lines(stdout().split("Disk encryption set")[1] ?? "").map((line) =>
      line.trim().replace(/ {2,}/gu, " | "),
    );
    const seconds = expect.stringMatching(/^[\d.]+ s$/u) as string;
    expect(table.slice(1, 10).map((row) => row.split(" | "))).toEqual([
      ["1.0.0", "westus", "2", seconds, "OS", "WestUSDiskEncryptionSet1"],
      ["LUN 0", "WestUSDiskEncryptionSet2"],
      ["eastus2", "1", seconds, "OS", "EastUS2DiskEncryptionSet1"],
      ["LUN 0", "EastUS2DiskEncryptionSet2"],
      ["1.0.1", "westus", "2", seconds, "OS", "WestUSDiskEncryptionSet1"],
      ["LUN 0", "WestUSDiskEncryptionSet2"],
      ["eastus2", "1", seconds, "OS", "EastUS2DiskEncryptionSet1"],
      ["LUN 0", "EastUS2DiskEncryptionSet2"],
      ["1.0.2", "refused: 2 findings, nothing was created in Azure"],
    ]);
    for (const region of ["westus", "eastus2"])
      expect(count(new RegExp(` RegionTested +1\\.0\\.3 +${region} +passed$`, "u"))).toBe(1);
    expect(count(/ Promoted +1\.0\.3$/u)).toBe(1);
    expect(stdout()).toContain(
      "1.0.3  has passed its test in both regions, and is the latest in eastus2 and westus",
    );
    expect(await readdir(directory)).toEqual([]);
  });

  test("prints whole CloudEvents with --json, and fails with the reason when the functions host dies", async () => {
    const { exited, stdout, stderr, waitForLine, pid } = run(["--json"]);
    await waitForLine(/Sigil\.ImageVersion\.Failed/u);
    const [host] = await childrenOf(pid);

    process.kill(host ?? 0, "SIGKILL");

    expect(await exited).toBe(1);
    expect(stderr()).toContain("The demo failed. The functions host has ended by itself (killed).");
    for (const line of lines(stdout()))
      expect(JSON.parse(line)).toMatchObject({
        specversion: "1.0",
        type: expect.stringMatching(/^Sigil\.ImageVersion\./u) as string,
      });
    expect(await readdir(directory)).toEqual([]);
  });

  test("leaves everything running with --open, until Ctrl-C", async () => {
    const { exited, waitForLine, kill } = run(["--open"]);
    const line = await waitForLine(/Look at it: /u);
    const [address = ""] = /https?:\S+/u.exec(line) ?? [];
    expect(address).toMatch(/\/api\/ui\/$/u);
    const response = await fetch(address);
    expect(response.status).toBe(200);
    await response.body?.cancel();
    kill("SIGINT");
    expect(await exited).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });

  test("fails with what is missing when time is up", async () => {
    const { exited, stderr } = run(["--timeout", "0.5"]);

    expect(await exited).toBe(1);
    expect(stderr()).toContain(
      "The demo failed. It is not done after 0.5 s; missing: 1.0.0 Accepted,",
    );
    expect(await readdir(directory)).toEqual([]);
  });

  test("fails with the reason when a stand-in cannot start", async () => {
    const { exited, stderr } = run([], {
      TMPDIR: path.join(directory, "absent"),
    });

    expect(await exited).toBe(1);
    expect(stderr()).toMatch(/^The demo failed\. ENOENT: .*absent/u);
  });

  test("ends with 130 on Ctrl-C, with nothing running and nothing on disk", async () => {
    const { exited, stdout, kill, waitForLine, pid } = run();
    await waitForLine(/ Accepted +1\.0\.0$/u);
    const [host] = await childrenOf(pid);

    kill("SIGINT");

    expect(await exited).toBe(130);
    expect(stdout()).not.toContain("All as it should be");
    expect(isRunning(host ?? 0)).toBe(false);
    expect(await readdir(directory)).toEqual([]);
  });

  test("ends with 130 on Ctrl-C while it starts, with nothing on disk", async () => {
    const { exited, kill, waitForLine } = run();
    await waitForLine(/^Starting/u);

    kill("SIGINT");

    expect(await exited).toBe(130);
    expect(await readdir(directory)).toEqual([]);
  });

  test("explains itself with --help, and refuses an option that it does not know", async () => {
    const help = run(["--help"]);
    expect(await help.exited).toBe(0);
    expect(help.stdout()).toContain("--timeout S");

    for (const args of [["--fast"], ["--timeout", "soon"], ["--timeout=-1"]]) {
      const refused = run(args);
      expect(await refused.exited).toBe(2);
      expect(refused.stderr()).toMatch(/--help/u);
    }
  });
});
