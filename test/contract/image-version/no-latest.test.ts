/** No region loses its latest unnamed. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { latestIn } from "../../../src/image-version/latest/flags.js";
import { planRollback, rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import {
  idOf,
  operationIn,
  request,
  startInProcess,
  TRACEPARENT,
  type DueMessage,
  type InProcess,
} from "../../support/dependencies.js";
import { CONSUMER } from "../../support/image-users.js";
import { body, define, EASTUS2, versionId, WESTUS } from "./rollbacks.js";

const BY = { requestedBy: { appId: "operator" }, traceparent: TRACEPARENT };
const OUT = { properties: { publishingProfile: { excludeFromLatest: true } } };
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

const WAYS = {
  demote: (more: Allowed) => demoteImageVersion(world.deps, { id: at("1.0.1"), ...BY, ...more }),
  delete: (more: Allowed) => deleteImageVersion(world.deps, { id: at("1.0.1"), ...BY, ...more }),
  "PATCH its flag": (more: Allowed) =>
    operationIn(
      patchImageVersion(world.deps, {
        id: at("1.0.1"),
        patch: OUT,
        validate: () => [],
        ...BY,
        ...more,
      }),
    ),
  "remove a region": (more: Allowed) =>
    operationIn(
      patchImageVersion(world.deps, {
        id: at("1.0.1"),
        patch: {},
        removeRegions: ["eastus2"],
        validate: () => [],
        ...BY,
        ...more,
      }),
    ),
};

async function refusalOf(asked: Promise<unknown>): Promise<ServiceError> {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ServiceError) return error;
  throw new TypeError(`not refused: ${String(error)}`);
}

describe.each(Object.entries(WAYS))("%s", (way, ask) => {
  test("is refused with the regions that would have none, and changes nothing", async () => {
    const error = await refusalOf(ask({}));
    expect(error.code).toBe("RegionWouldLoseLatest");
    expect(error.fields["latestChanges"]).toEqual([{ region: "eastus2", from: "1.0.1" }]);
    expect(error.findings.map(({ message }) => message).join()).toContain("eastus2");
    const { operation } = await world.read(versionId("1.0.1", image));
    expect(operation.kind).toBe("CreateImageVersion");
  });

  test("is done where the request allows that, and names each region", async () => {
    const { warnings = [] } = await ask({ allowNoLatest: true });
    expect(warnings.map(({ code }) => code)).toContain("RegionWouldLoseLatest");
    if (way !== "remove a region")
      expect(warnings.map(({ message }) => message)).toContain(
        "In westus 1.0.0 becomes the latest, in place of 1.0.1.",
      );
    expect(await world.finish(versionId("1.0.1", image))).toMatchObject({
      status: "Succeeded",
    });
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
  const error = await refusalOf(WAYS.demote({}));
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
    expect(operation.waitReason).toBe(
      "Another version must become the latest in eastus2 first. An open operation promotes it.",
    );
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
    const { record } = await world.read(versionId("1.0.1", image));
    await demoteImageVersion(world.deps, {
      id: at("1.0.1"),
      ...BY,
      byMachine: { publishedDate: record.publishedDate ?? "" },
    });
    await of("1.0.2", { allowNoLatest: true });
    expect(await endOf("1.0.1")).toBe("Canceled");
    expect(await includedIn()).toEqual(["westus", "eastus2"]);
  });
});

test("a guarded deletion asks again before it is sent, and puts the version back", async () => {
  await put("1.0.2", BOTH);
  await WAYS.delete({});
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
  expect(await WAYS.delete({})).toMatchObject({ status: "NotStarted" });
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

describe("a rollback", () => {
  const rolled = () => ({
    image: { ...at("1.0.0") },
    to: "1.0.0",
  });
  beforeEach(async () => {
    // The latest is 1.0.2, in westus alone; the rollback demotes 1.0.1, the latest in eastus2, too.
    await put("1.0.2", [WESTUS]);
  });

  test("that takes the latest of another region is refused, planned or not", async () => {
    for (const asked of [
      planRollback(world.deps, rolled()),
      rollBackImage(world.deps, { ...rolled(), ...BY }),
    ])
      expect(await refusalOf(asked)).toMatchObject({
        code: "RegionWouldLoseLatest",
        fields: { latestChanges: [{ region: "eastus2", from: "1.0.1" }] },
      });
  });

  test("is done where the request allows it", async () => {
    const allowed = { ...rolled(), allowNoLatest: true };
    expect((await planRollback(world.deps, allowed)).regions).toEqual([
      { name: "eastus2", from: "1.0.1" },
      { name: "westus", from: "1.0.2", to: "1.0.0" },
    ]);
    await rollBackImage(world.deps, { ...allowed, ...BY });
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
  });
});

describe("the exclusion that a failure brings about (onFailure)", () => {
  const byRule = async () => {
    const { record } = await world.read(versionId("1.0.1", image));
    return demoteImageVersion(world.deps, {
      id: at("1.0.1"),
      ...BY,
      byMachine: { publishedDate: record.publishedDate ?? "" },
    });
  };

  test("spares a region that would lose its latest, and is refused where nothing else is left", async () => {
    await byRule();
    expect(await world.finish(versionId("1.0.1", image))).toMatchObject({
      kind: "DemoteImageVersion",
      status: "Succeeded",
    });
    expect(await includedIn()).toEqual(["eastus2"]);
    expect((await refusalOf(byRule())).code).toBe("RegionWouldLoseLatest");
  });

  test("goes on there once another version is the latest", async () => {
    await byRule();
    await world.finish(versionId("1.0.1", image));
    await put("1.0.2", BOTH);
    await byRule();
    await world.finish(versionId("1.0.1", image));
    expect(await includedIn()).toEqual([]);
  });
});
