import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, send, work, type CrashRun } from "../../support/crash-runs.js";
import {
  commandOf,
  idOf,
  request,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import type { Failure } from "../../support/failing-dependencies.js";
import {
  A,
  B,
  body,
  C,
  CALLERS,
  HOME,
  inAzure,
  large,
  made,
  names,
  openOperations,
  operationOf,
  OTHERS,
  puts,
  regionsInAzure,
  told,
  type Region,
} from "../../support/merging.js";
import { refusal } from "../../support/refusal.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let versions = 0;
let id: string;
beforeEach(async () => {
  world = await startInProcess({
    world: large.world,
    replicationMs: 60_000,
    pace: { repairAttempts: 0 },
  });
  versions += 1;
  id = large.versionId(`1.0.${versions}`);
});
afterEach(() => world.close());

/** The version's next step is due, and taken. */
async function tick(): Promise<void> {
  const { record } = await world.read(id);
  world.clock.advance(Math.max(1_000, Date.parse(record.dueTime) - world.clock.now()));
  await world.runDue();
}

const ask = (
  wanted: ImageVersionRequest,
  more: Parameters<typeof request>[3] = {},
): Promise<OperationRecord> => request(world.deps, id, wanted, more);

/** SIGIL_CALLERS_RUNS: how often the twenty callers come; what goes wrong once in many runs is found by many. */
const RUNS = Array.from(
  { length: Number(process.env["SIGIL_CALLERS_RUNS"] ?? 1) },
  (_, i) => i + 1,
);

describe("while one update runs", () => {
  test.each(RUNS)(
    "twenty callers who come while an update runs, and go on coming, are done in three updates (run %d)",
    async () => {
      await made(world, id);
      const operations: OperationRecord[] = [];
      for (const [first, last] of [
        [0, 1],
        [1, 12],
        [12, CALLERS],
      ] as const) {
        operations.push(
          ...(await Promise.all(
            OTHERS.slice(first, last).map((region) => ask(body([HOME, region]))),
          )),
        );
        const sent = puts(world);
        await world.runDue();
        // The next come once this update is under way.
        for (let looks = 0; puts(world) === sent; looks += 1) {
          expect(looks).toBeLessThan(20);
          await tick();
        }
      }
      await world.finish(id);
      expect(puts(world)).toBe(3);
      await expectAll(operations);
    },
    120_000,
  );

  /** Each has its region, and is told apart: `operations` in the order of `OTHERS`. */
  async function expectAll(operations: readonly OperationRecord[]): Promise<void> {
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, ...OTHERS));
    const events = await world.takeEvents();
    for (const [i, operation] of operations.entries()) {
      const region = OTHERS[i]?.name ?? "";
      const ended = await operationOf(world, operation);
      expect(ended).toMatchObject({
        kind: "UpdateImageVersion",
        status: "Succeeded",
      });
      expect(ended.regions).toContainEqual(
        expect.objectContaining({ name: region, state: "Completed" }),
      );
      expect(told(events, operation)).toEqual([
        "accepted",
        expect.stringMatching(/^updating\/[123]$/u),
        `${region}/completed`,
        "completed",
      ]);
    }
    expect(await openOperations(world, id)).toEqual([]);
  }

  test("others are told apart, and are done in one update after it", async () => {
    await made(world, id);
    const first = await ask(body([HOME, A]));
    await world.runDue();
    const second = await ask(body([HOME, B], { tags: { team: "images" } }));
    const third = await ask(body([{ ...HOME, regionalReplicaCount: 4 }, C]));
    expect(second).toMatchObject({
      status: "NotStarted",
      history: [
        {
          state: "Accepted",
          message: expect.any(String) as string,
        },
      ],
    });
    await world.finish(id);
    expect(puts(world)).toBe(2);
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B, C));
    expect(await inAzure(world, id)).toMatchObject({
      tags: { team: "images" },
    });
    const events = await world.takeEvents();
    expect(told(events, first)).toEqual([
      "accepted",
      "updating/1",
      `${A.name}/completed`,
      "completed",
    ]);
    // The replicas that the third adds are news to each who has the region.
    for (const [operation, region] of [
      [second, B],
      [third, C],
    ] as const)
      expect(told(events, operation).sort()).toEqual(
        [
          "accepted",
          "updating/2",
          `${region.name}/completed`,
          `${HOME.name}/completed/2`,
          "completed",
        ].sort(),
      );
    for (const operation of [first, second, third])
      expect(await operationOf(world, operation)).toMatchObject({
        status: "Succeeded",
      });
  });

  test("what contradicts one that waits is refused with that one", async () => {
    await made(world, id);
    await ask(body([HOME, A]));
    await world.runDue();
    const queued = await ask(body([HOME], { tags: { team: "images" } }));
    const other = body([HOME], { tags: { team: "others" } });
    expect(await refusal(ask(other))).toMatchObject({
      message: naming([queued.id, id]),
      fields: { existingOperationId: queued.id },
    });
    const plan = await planImageVersion(world.deps, {
      id: idOf(id),
      body: other,
    });
    expect(plan.findings.filter(({ severity }) => severity === "error")).toMatchObject([
      {
        code: "ImageVersionRequestedOtherwise",
        message: naming([queued.id, id, "images", "others"]),
      },
    ]);
    await world.finish(id);
  });

  test("a version that is being created gets the regions of both", async () => {
    const first = await ask(body([HOME, A]));
    await world.runDue();
    const second = await ask(body([HOME, B]));
    await world.finish(id);
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B));
    expect(world.simulator.control.creates(id)).toBe(1);
    expect(await operationOf(world, first)).toMatchObject({
      status: "Succeeded",
    });
    expect(await operationOf(world, second)).toMatchObject({
      status: "Succeeded",
    });
  });

  test("what was asked before anything was sent is created with one request", async () => {
    world.simulator.control.clearRequests();
    const first = await ask(body([HOME, A]));
    const second = await ask(body([HOME, B]));
    await world.finish(id);
    expect(puts(world)).toBe(1);
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B));
    expect(await operationOf(world, first)).toMatchObject({
      status: "Succeeded",
    });
    expect(await operationOf(world, second)).toMatchObject({
      status: "Succeeded",
    });
  });

  test.each([
    [
      "fewer replicas than are being made",
      () => body([{ ...HOME, regionalReplicaCount: 2 }]),
      "/properties/publishingProfile/targetRegions/0/regionalReplicaCount",
      /the other request says 3, this one says 2\.$/u,
      "Differs",
      "ImageVersionRequestedOtherwise",
    ],
    [
      "another tag",
      () => body([{ ...HOME, regionalReplicaCount: 3 }], { tags: { a: "two" } }),
      "/tags/a",
      /the other request says "one", this one says "two"\.$/u,
      "Differs",
      "ImageVersionRequestedOtherwise",
    ],
    [
      "what cannot be changed",
      () =>
        body([{ ...HOME, regionalReplicaCount: 3 }], {
          publishing: { replicationMode: "Shallow" },
        }),
      "/properties/publishingProfile/replicationMode",
      /it is "Full" in Azure, the request says "Shallow"\.$/u,
      "ImmutableProperty",
      "ImmutableProperty",
    ],
  ])(
    "%s contradicts it, and is refused with the operation to wait for",
    async (_, wanted, pointer, message, code, inPlan) => {
      await made(world, id);
      const first = await ask(body([{ ...HOME, regionalReplicaCount: 3 }], { tags: { a: "one" } }));
      await world.runDue();
      expect(await refusal(ask(wanted()))).toMatchObject({
        code: "ImageVersionConflict",
        findings: [{ code, pointer, message: expect.stringMatching(message) as string }],
        fields: { existingOperationId: first.id },
      });
      const { findings } = await planImageVersion(world.deps, {
        id: idOf(id),
        body: wanted(),
      });
      expect(findings).toContainEqual(expect.objectContaining({ code: inPlan, pointer }));
      await world.finish(id);
    },
  );

  test("more replicas than one page of Azure's says, all requests together, are a warning", async () => {
    await made(world, id);
    await ask(body([HOME, { ...A, regionalReplicaCount: 50 }]));
    await world.runDue();
    const wanted = body([HOME, { ...B, regionalReplicaCount: 60 }]);
    const { findings } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: wanted,
    });
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    const second = await ask(wanted);
    await world.finish(id);
    expect(await operationOf(world, second)).toMatchObject({
      status: "Succeeded",
    });
    expect(await inAzure(world, id)).toMatchObject({
      properties: {
        publishingProfile: {
          targetRegions: expect.arrayContaining([
            expect.objectContaining({ regionalReplicaCount: 50 }),
            expect.objectContaining({ regionalReplicaCount: 60 }),
          ]) as unknown,
        },
      },
    });
  });

  test("a region that is being added is not removed", async () => {
    await made(world, id);
    const first = await ask(body([HOME, A]));
    await world.runDue();
    expect(await refusal(ask(body([HOME]), { removeRegions: [A.name] }))).toMatchObject({
      code: "ImageVersionConflict",
      fields: { existingOperationId: first.id },
    });
    await world.finish(id);
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A));
  });
});

test("requests that together are too long are not stored: the next comes again later", async () => {
  await made(world, id);
  await ask(body([HOME, A]));
  await world.runDue();
  // Nothing in them repeats: they are hardly shorter stored than sent.
  const long = (n: number): ImageVersionRequest =>
    body([HOME], {
      tags: { [`tag${n}`]: randomBytes(30_000).toString("base64") },
    });
  let accepted = 0;
  let error: unknown;
  while (error === undefined) {
    await ask(long(accepted)).then(
      () => (accepted += 1),
      (reason: unknown) => (error = reason),
    );
  }
  expect(error).toMatchObject({ code: "StateConflict", retryAfterMs: 60_000 });
  expect(accepted).toBe(8);
  await world.finish(id);
  expect(Object.keys((await inAzure(world, id)).tags ?? {})).toHaveLength(8);
});

describe("of several that are done together", () => {
  const withoutSet = (region: Region): Region => ({
    ...region,
    encryption: {
      ...region.encryption,
      osDiskImage: {
        diskEncryptionSetId: `${region.encryption?.osDiskImage?.diskEncryptionSetId}-gone`,
      },
    },
  });

  test("the one that fails a rule fails alone", async () => {
    await made(world, id);
    await ask(body([HOME, A]));
    await world.runDue();
    const bad = await ask(body([HOME, withoutSet(B)]));
    const good = await ask(body([HOME, C]));
    await world.finish(id);
    expect(await operationOf(world, bad)).toMatchObject({
      status: "Failed",
      error: {
        code: "PreflightFailed",
        errors: [{ code: "DiskEncryptionSetNotFound" }],
      },
    });
    expect(await operationOf(world, good)).toMatchObject({
      status: "Succeeded",
    });
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, C));
    const events = await world.takeEvents();
    expect(told(events, bad)).toEqual(["accepted", "failed"]);
    expect(await openOperations(world, id)).toEqual([]);
  });

  test("those whose regions are usable succeed where another's region fails", async () => {
    await made(world, id);
    await ask(body([HOME, A]));
    await world.runDue();
    const fails = await ask(body([HOME, B]));
    const succeeds = await ask(body([HOME, C]));
    await world.simulator.control.failRegion({ versionId: id, region: B.name });
    await world.finish(id);
    expect(await operationOf(world, fails)).toMatchObject({
      status: "Failed",
      error: {
        code: "ReplicationFailed",
        message: naming([B.name]) as string,
        // Where its own caller has the region.
        errors: [{ pointer: "/properties/publishingProfile/targetRegions/1" }],
      },
    });
    expect(await operationOf(world, succeeds)).toMatchObject({
      status: "Succeeded",
    });
    const events = await world.takeEvents();
    expect(told(events, fails).at(-1)).toBe("failed");
    expect(told(events, succeeds)).toEqual([
      "accepted",
      "updating/2",
      `${C.name}/completed`,
      "completed",
    ]);
    // The region that failed is the version's own: the next request that leaves it out keeps it, and is told so.
    expect(await putImageVersion(world.deps, commandOf(id, body([HOME, A, C])))).toMatchObject({
      kind: "unchanged",
      version: { warnings: [{ code: "RegionKept" }] },
    });
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B, C));
  });
});

describe("canceling", () => {
  const by = { appId: "operator" };

  test("what waits takes it out, and leaves the others", async () => {
    await made(world, id);
    await ask(body([HOME, A]));
    await world.runDue();
    const second = await ask(body([HOME, B]));
    const third = await ask(body([HOME, C]));
    expect(await cancelOperation(world.deps, second.id, by)).toMatchObject({
      status: "Canceled",
    });
    await world.finish(id);
    expect(await operationOf(world, third)).toMatchObject({
      status: "Succeeded",
    });
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, C));
    expect(told(await world.takeEvents(), second)).toEqual(["accepted", "canceled"]);
    expect(await openOperations(world, id)).toEqual([]);
  });

  test("the one that creates the version lets what waits go on with what Azure has made of it", async () => {
    world.simulator.control.addFault({
      method: "PUT",
      path: `/versions/1.0.${versions}`,
      action: "reset-after-processing",
    });
    const first = await ask(body([HOME, A]));
    await world.runDue();
    expect((await world.read(id)).record.state).toBe("Creating");
    const second = await ask(body([HOME, B]));
    await cancelOperation(world.deps, first.id, by);
    await world.finish(id);
    expect(await operationOf(world, first)).toMatchObject({
      status: "Canceled",
    });
    expect(await operationOf(world, second)).toMatchObject({
      kind: "UpdateImageVersion",
      status: "Succeeded",
    });
    // What the canceled one asked for is there, and is taken away by nobody in silence.
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B));
    expect(world.simulator.control.creates(id)).toBe(1);
  });

  test.each([
    ["the current one of several", 0],
    ["another of several", 1],
  ])("%s leaves the work to the others", async (_, which) => {
    await made(world, id);
    const together = [await ask(body([HOME, A])), await ask(body([HOME, B]))];
    await world.runDue();
    const [canceled, other] = which === 0 ? together : together.reverse();
    if (canceled === undefined || other === undefined) throw new Error();
    expect(await cancelOperation(world.deps, canceled.id, by)).toMatchObject({
      status: "Canceled",
      history: expect.arrayContaining([
        expect.objectContaining({
          state: "Canceled",
          message: expect.stringContaining("other operations") as string,
        }),
      ]) as unknown,
    });
    await world.finish(id);
    expect(await operationOf(world, other)).toMatchObject({
      status: "Succeeded",
    });
    expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B));
    const events = await world.takeEvents();
    expect(told(events, other).at(-1)).toBe("completed");
    expect(told(events, canceled).at(-1)).toBe("canceled");
    expect(await openOperations(world, id)).toEqual([]);
  });
});

describe("a process that dies", () => {
  test.each([1, 2, 3, 4])(
    "again and again (seed %d) loses nobody's request, and sends no update more than it must",
    async (seed) => {
      const { process } = await merge({ seed, every: 12 });
      expect(process.failed()).toBe(true);
    },
    60_000,
  );

  /** One update that runs, and two that wait for it, by a process that is killed at some of its calls. */
  async function merge(failure: Failure): Promise<CrashRun> {
    versions += 1;
    id = large.versionId(`1.0.${versions}`);
    await made(world, id);
    const run = crashRun(world.deps, keyOf(id), {
      failure,
      redelivered: false,
    });
    const ask = async (wanted: ImageVersionRequest): Promise<string> =>
      (await send(run, (deps) => request(deps, id, wanted))).id;
    const operations = [await ask(body([HOME, A]))];
    await work(world, [run]);
    operations.push(await ask(body([HOME, B])), await ask(body([HOME, C])));
    await drive(world, [run]);
    const what = JSON.stringify(failure);
    expect(await regionsInAzure(world, id), what).toEqual(names(HOME, A, B, C));
    expect(puts(world), what).toBeLessThanOrEqual(3);
    const events = await world.takeEvents();
    expect(new Set(events.map((event) => event.id)).size, what).toBe(events.length);
    for (const [i, operationId] of operations.entries()) {
      const operation = (await world.deps.store.readOperation(operationId))?.operation;
      expect(operation, what).toMatchObject({ status: "Succeeded" });
      const facts = told(events, { id: operationId });
      expect(facts, what).toContain("completed");
      expect(facts, what).toContain(`${[A, B, C][i]?.name}/completed`);
    }
    return run;
  }
});
