/** No region loses its latest unnamed. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { latestIn } from "../../../src/image-version/latest/flags.js";
import { planRollback } from "../../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type DueMessage,
  type InProcess,
} from "../../support/dependencies.js";
import { CONSUMER } from "../../support/image-users.js";
import { DOORS, MACHINES, REQUESTS } from "../../support/doors/latest-doors.js";
import { latestIn as regionLatest } from "../../support/latest.js";
import { naming } from "../../support/naming.js";
import { refusal } from "../../support/refusal.js";
import { seedRegion } from "../../support/requests.js";
import { body, define, EASTUS2, versionId, WESTUS } from "./rollbacks.js";
import type { RollbackRecord } from "../../../src/image-version/rollback-record.js";

const BY = { requestedBy: { appId: "operator" }, traceparent: TRACEPARENT };
const BOTH = [WESTUS, EASTUS2];

let world: InProcess;
let image: string;
beforeEach(async () => {
  world = await startInProcess({
    replicationMs: 60_000,
    consumerSubscriptions: [CONSUMER],
  });
  image = await define(world);
  // 1.0.0 in westus alone: without 1.0.1 there is no latest in eastus2.
  await put("1.0.0", [WESTUS]);
  await put("1.0.1", BOTH);
});
afterEach(() => world.close());

async function put(name: string, targetRegions: (typeof WESTUS)[]): Promise<void> {
  const id = versionId(name, image);
  await request(world.deps, id, body({ targetRegions }));
  await world.finish(id);
}

const at = (name: string) => idOf(versionId(name, image));

/** Regions in which 1.0.1 is in latest. */
async function includedIn(): Promise<readonly string[] | undefined> {
  const { record } = await world.read(versionId("1.0.1", image));
  return record.status && latestIn(record.status.resource);
}

interface Allowed {
  readonly allowNoLatest?: boolean;
}

const deletion = (more: Allowed = {}) =>
  deleteImageVersion(world.deps, { id: at("1.0.1"), ...BY, ...more });
const byRule = () =>
  MACHINES["rule, of a failure"].play(world.deps, {
    versionId: versionId("1.0.1", image),
    regions: [],
  });
const latest = (region: string) => regionLatest(world.simulator, image, region);

/** More than an hour. */
async function settle(): Promise<void> {
  for (let minute = 0; minute < 80; minute += 1) {
    world.clock.advance(60_000);
    await world.runDue();
  }
}

/** What a door is asked so that `version` leaves `lost`, where it is the only one. */
async function outOf(door: string) {
  const asked = { version: "1.0.1", lost: "eastus2", target: "1.0.1" };
  if (door.startsWith("rollBackImage")) {
    await put("1.0.2", [WESTUS]);
    const westus = { versionId: versionId("1.0.1", image), regions: ["westus"] };
    await REQUESTS.patchImageVersion["of a region's flag, out"].play(world.deps, westus);
    await world.finish(westus.versionId);
    return { ...asked, target: "1.0.0" };
  }
  if (door !== "cancelOperation") return asked;
  const targetRegions = [WESTUS, seedRegion("eastus", "EastUS")];
  const { id } = await request(world.deps, versionId("1.0.2", image), body({ targetRegions }));
  await world.runDue();
  return { version: "1.0.2", lost: "eastus", target: "1.0.2", operationId: id };
}

describe.each(DOORS.filter(([, { last }]) => last))("%s", (name, { last, play }) => {
  const ask = async (more: Allowed = {}) => {
    const { target, ...given } = await outOf(name);
    const choice = {
      versionId: versionId(target, image),
      regions: [given.lost],
      ...given,
      ...more,
    };
    return { ...given, before: await latest("westus"), asked: play(world.deps, choice) };
  };

  test(`${last ?? ""} a region that would have none`, async () => {
    const { version, lost, before, asked } = await ask();
    if (last === "refuses") {
      const error = await refusal(asked);
      expect(error.code).toBe("RegionWouldLoseLatest");
      expect(error.fields["latestChanges"]).toEqual([{ region: lost, from: version }]);
      expect(error.findings.map(({ message }) => message)).toContainEqual(naming([lost]));
    } else await asked;
    await settle();
    expect(await latest(lost)).toBe(version);
    const westus = name === "cancelOperation" ? "1.0.1" : "1.0.0";
    expect(await latest("westus")).toBe(last === "refuses" ? before : westus);
  });

  // A rule and retention cannot allow it.
  if (name in MACHINES) return;
  test("is done where the request allows that, and names it", async () => {
    const { version, lost, asked } = await ask({ allowNoLatest: true });
    const { detail, warnings = [] } = (await asked) ?? expect.fail("nothing to do");
    const rollback = detail as RollbackRecord | undefined;
    await settle();
    expect(await latest(lost)).toBeNull();
    const { operation } = await world.read(versionId(version, image));
    const named = [...warnings, ...(operation.warnings ?? [])];
    expect([
      ...named.flatMap(({ code, message }) => (code === "RegionWouldLoseLatest" ? message : [])),
      ...(rollback?.regions ?? []).flatMap((one) => (one.to === undefined ? one.name : [])),
    ]).toContainEqual(naming([lost]));
  });
});

test("an older latest is named, not asked for", async () => {
  await put("1.0.2", [WESTUS]);
  const { warnings } = await demoteImageVersion(world.deps, {
    id: at("1.0.2"),
    ...BY,
  });
  expect(warnings?.map(({ code }) => code)).toEqual(["LatestChanges"]);
});

test("what another operation is to take away counts as gone", async () => {
  await put("1.0.2", BOTH);
  await demoteImageVersion(world.deps, { id: at("1.0.2"), ...BY });
  const error = await refusal(demoteImageVersion(world.deps, { id: at("1.0.1"), ...BY }));
  expect(error.code).toBe("RegionWouldLoseLatest");
});

describe("asked again before it is sent", () => {
  const of = (name: string, more: Allowed = {}) =>
    demoteImageVersion(world.deps, { id: at(name), ...BY, ...more });
  const endOf = async (name: string) => {
    const { status, error } = await world.finish(versionId(name, image));
    return error?.code ?? status;
  };
  beforeEach(() => put("1.0.2", BOTH));

  test("of two that are accepted at one moment the higher number's is done", async () => {
    await Promise.all([of("1.0.1"), of("1.0.2")]);
    expect(await endOf("1.0.2")).toBe("Succeeded");
    expect(await endOf("1.0.1")).toBe("RegionWouldLoseLatest");
    expect(await includedIn()).toEqual(["westus", "eastus2"]);
  });

  test("of two that may leave none each is done, and the regions are named", async () => {
    const allow = { allowNoLatest: true };
    const [lower] = await Promise.all([of("1.0.1", allow), of("1.0.2", allow)]);
    expect(lower.warnings).toBeUndefined();
    expect(await endOf("1.0.2")).toBe("Succeeded");
    const { warnings } = await world.finish(versionId("1.0.1", image));
    expect(warnings?.map(({ code }) => code)).toContain("RegionWouldLoseLatest");
  });

  test("what waits for another version's promotion goes on with it", async () => {
    await of("1.0.1");
    await world.finish(versionId("1.0.1", image));
    const promotion = await promoteImageVersion(world.deps, {
      id: at("1.0.1"),
      ...BY,
    });
    const { id } = await of("1.0.2");
    const due = await world.takeDue();
    const isOf = (one: string) => (message: DueMessage) => message.operationId === one;
    for (const message of due.filter(isOf(id))) await world.handle(message);
    const { operation } = await world.read(versionId("1.0.2", image));
    expect(operation.waitReason).toEqual(naming(["eastus2"]));
    for (const message of due.filter(isOf(promotion.id))) await world.handle(message);
    expect(await endOf("1.0.2")).toBe("Succeeded");
    expect(await includedIn()).toEqual(["westus", "eastus2"]);
  });

  test("and fails where that is canceled", async () => {
    await of("1.0.1");
    await world.finish(versionId("1.0.1", image));
    const promotion = await promoteImageVersion(world.deps, {
      id: at("1.0.1"),
      ...BY,
    });
    await of("1.0.2");
    await cancelOperation(world.deps, promotion.id, BY.requestedBy);
    expect(await endOf("1.0.2")).toBe("RegionWouldLoseLatest");
  });

  test("a rule's is canceled: the rule decides anew", async () => {
    await byRule();
    await of("1.0.2", { allowNoLatest: true });
    expect(await endOf("1.0.1")).toBe("Canceled");
    expect(await includedIn()).toEqual(["westus", "eastus2"]);
  });
});

test("a guarded deletion asks again before it is sent, and puts the version back", async () => {
  await put("1.0.2", BOTH);
  await deletion();
  await demoteImageVersion(world.deps, {
    id: at("1.0.2"),
    ...BY,
    allowNoLatest: true,
  });
  await world.finish(versionId("1.0.2", image));
  expect(await world.finish(versionId("1.0.1", image))).toMatchObject({
    status: "Failed",
    error: { code: "RegionWouldLoseLatest" },
  });
  expect(await includedIn()).toEqual(["westus", "eastus2"]);
});

test("a version that is in latest nowhere is deleted unasked", async () => {
  await demoteImageVersion(world.deps, {
    id: at("1.0.1"),
    ...BY,
    allowNoLatest: true,
  });
  await world.finish(versionId("1.0.1", image));
  expect(await deletion()).toMatchObject({ status: "NotStarted" });
});

test("a plan tells it", async () => {
  const removing = {
    id: at("1.0.1"),
    body: body({ targetRegions: [WESTUS] }),
    removeRegions: ["eastus2"],
  };
  const codes = async (more: Allowed) =>
    (await planImageVersion(world.deps, { ...removing, ...more })).findings
      .filter(({ code }) => code === "RegionWouldLoseLatest")
      .map(({ severity }) => severity);
  expect(await codes({})).toEqual(["error"]);
  expect(await codes({ allowNoLatest: true })).toEqual(["warning"]);
});

test("the plan of a rollback tells it", async () => {
  // The latest is 1.0.2, in westus alone; the rollback demotes 1.0.1, the latest in eastus2, too.
  await put("1.0.2", [WESTUS]);
  const rolled = { image: { ...at("1.0.0") }, to: "1.0.0" };
  expect(await refusal(planRollback(world.deps, rolled))).toMatchObject({
    code: "RegionWouldLoseLatest",
    fields: { latestChanges: [{ region: "eastus2", from: "1.0.1" }] },
  });
  expect((await planRollback(world.deps, { ...rolled, allowNoLatest: true })).regions).toEqual([
    { name: "eastus2", from: "1.0.1" },
    { name: "westus", from: "1.0.2", to: "1.0.0" },
  ]);
});

test("the exclusion that a failure brings about goes on once another version is the latest", async () => {
  await byRule();
  await world.finish(versionId("1.0.1", image));
  expect(await includedIn()).toEqual(["eastus2"]);
  expect((await refusal(byRule())).code).toBe("RegionWouldLoseLatest");
  await put("1.0.2", BOTH);
  await byRule();
  await world.finish(versionId("1.0.1", image));
  expect(await includedIn()).toEqual([]);
});
