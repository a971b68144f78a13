/** What each way into latest does where a gate or a freeze closes it, and that it leads there once it is open. */
import { afterEach, describe, expect, test } from "vitest";
import { approveImageVersion } from "../../../src/gate/approve.js";
import { lookAfter } from "../../../src/rollout/roll-out.js";
import { reportTestResult } from "../../../src/test-results/report.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { DOORS, REQUESTS } from "../../support/doors/latest-doors.js";
import { latestIn } from "../../support/latest.js";
import { refusal } from "../../support/refusal.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import { body, define, EASTUS2, versionId, WESTUS } from "../image-version/rollbacks.js";

const SCANNER = { appId: "scanner" };
const GATES = [
  {
    images: [{ subscriptionId: "*", galleryName: "MyGallery" }],
    regions: ["West US"],
    tests: [{ name: "scan", reporters: [SCANNER] }],
  },
];
const MANUAL = { promotion: { when: "manual" } } as const;
const BOTH = ["westus", "eastus2"];

let world: InProcess;
let image: string;
async function begin(gates: typeof GATES): Promise<void> {
  world = await startInProcess({ replicationMs: 60_000, spread: 0, gates });
  image = await define(world);
  await enableSoftDelete(world);
}
afterEach(() => world.close());

const at = (number: string) => versionId(number, image);
const latest = (region: string) => latestIn(world.simulator, image, region);

async function finish(number: string): Promise<void> {
  await world.finish(at(number));
  world.clock.advance(600_000);
}

async function publish(number: string): Promise<void> {
  const made = body({ targetRegions: [WESTUS, EASTUS2] });
  await request(world.deps, at(number), { ...made, sigil: MANUAL });
  await finish(number);
}

async function report(number: string, result: "passed" | "failed"): Promise<void> {
  await reportTestResult(
    { ...world.deps, results: world.results },
    {
      id: idOf(at(number)),
      report: { name: "scan", region: "westus", result },
      reportedBy: SCANNER,
      traceparent: TRACEPARENT,
    },
  );
  world.clock.advance(1_000);
}

/** As the refusal says; a deleted version can have no other. */
async function approve(number: string): Promise<void> {
  await approveImageVersion(
    { ...world.deps, results: world.results },
    {
      id: idOf(at(number)),
      reason: "Scanned by hand.",
      approvedBy: { objectId: "approver" },
      traceparent: TRACEPARENT,
    },
  );
  world.clock.advance(1_000);
}

const choiceOf = (number: string, regions = BOTH) => ({
  versionId: at(number),
  regions,
  allowNoLatest: true,
});

async function promoted(number: string): Promise<void> {
  await report(number, "passed");
  await REQUESTS.promoteImageVersion["of it all"].play(world.deps, choiceOf(number));
  await finish(number);
}

/** 1.0.0 is there, and not in latest, as the way needs it. */
const GIVEN: Readonly<Record<string, () => Promise<unknown>>> = {
  "putImageVersion of a new one": () => Promise.resolve(),
  "putImageVersion with a rule": () => Promise.resolve(),
  createNextImageVersion: () => Promise.resolve(),
  async restoreImageVersion() {
    await publish("1.0.0");
    await promoted("1.0.0");
    await report("1.0.0", "failed");
    await REQUESTS.deleteImageVersion.play(world.deps, choiceOf("1.0.0"));
    await finish("1.0.0");
  },
  async "rollBackImage to a version"() {
    await publish("1.0.0");
    await publish("1.0.1");
    await promoted("1.0.1");
  },
};

/** What the timer of rules does. */
async function rollOut(number: string): Promise<void> {
  const { deps: imageVersions, results } = world;
  const machineTests = { ...imageVersions, makesMachines: false } as never;
  await lookAfter({ imageVersions, machineTests, results }, at(number), TRACEPARENT);
  await finish(number);
}

// A region that Azure has failed and Sigil adds back: its own test is in state/.
const WAYS = DOORS.filter(([name, { gate }]) => gate && name !== "retryImageVersion");

const freeze = () =>
  world.freezes.put(
    {
      name: "quarter-close",
      images: [{ subscriptionId: "*", galleryName: "MyGallery" }],
      regions: ["West US"],
      until: new Date(world.clock.now() + 30 * 86_400_000).toISOString(),
      reason: "CHG0042: quarter close",
    },
    { appId: "admin" },
  );

describe.each(WAYS)("%s", (name, { gate, play }) => {
  test.each([
    ["gate", GATES],
    ["freeze", []],
  ] as const)(`${gate} at a closed %s, and leads into latest at an open one`, async (by, gates) => {
    await begin([...gates]);
    await (GIVEN[name] ?? (() => publish("1.0.0")))();
    if (by === "freeze") await freeze();
    const before = await latest("westus");
    // Where regions are named, the gated one alone.
    const regions = /in regions|region's flag/u.test(name) ? ["westus"] : BOTH;
    const ask = () => play(world.deps, choiceOf("1.0.0", regions));
    let number = "1.0.0";
    // A rollback leads away from a bad version, so no freeze holds it.
    if (by === "freeze" && name === "rollBackImage to a version") await ask();
    else {
      if (gate === "refuses") {
        const { code, findings } = await refusal(ask());
        expect([code, ...findings.map((one) => one.code)]).toContain("GateClosed");
      } else {
        const asked = await ask();
        number = idOf(asked?.resourceId ?? "").versionName;
        if (gate === "excludes")
          expect(asked?.warnings?.map(({ code }) => code)).toContain("GateClosed");
        await finish(number);
        if (gate === "waits") await rollOut(number);
        expect(await latest("eastus2")).toBe(gate === "excludes" ? number : null);
      }
      expect(await latest("westus")).toBe(before);
      await approve(number);
      if (gate === "refuses") await ask();
      else if (gate === "waits") await rollOut(number);
      else await REQUESTS.promoteImageVersion["of it all"].play(world.deps, choiceOf(number));
    }
    for (let minute = 0; minute < 30; minute += 1) {
      world.clock.advance(60_000);
      await world.runDue();
    }
    expect(await latest("westus")).toBe(number);
  });
});
