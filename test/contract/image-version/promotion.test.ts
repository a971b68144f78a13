import { describe, expect, test } from "vitest";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { latestIn } from "../../../src/image-version/latest/flags.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { keyOf } from "../../../src/resource-id.js";
import { crashRun, drive, send } from "../../support/crash-runs.js";
import { commandOf, idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";
import { BY } from "./truth/support.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let id: string;
inOwnWorld(
  {
    replicationMs: 60_000,
    pace: { repairAttempts: 0 },
  },
  (given, versionId) => {
    world = given;
    id = versionId;
  },
);

type Promotion = NonNullable<ImageVersionRequest["sigil"]>["promotion"];
const REGIONS = [seedRegion("westus", "WestUS"), seedRegion("eastus2", "EastUS2")];

function body(promotion?: Promotion, regions = REGIONS): ImageVersionRequest {
  const { properties, ...rest } = managedImageRequest();
  return {
    ...rest,
    properties: {
      ...properties,
      publishingProfile: { targetRegions: regions },
    },
    ...(promotion && { sigil: { promotion } }),
  };
}

async function made(promotion?: Promotion): Promise<OperationRecord> {
  await request(world.deps, id, body(promotion));
  const operation = await world.finish(id);
  expect(operation).toMatchObject({ status: "Succeeded" });
  return operation;
}

async function excluded(): Promise<boolean> {
  const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
  if (shown === undefined) throw new Error("it is gone");
  return latestIn(shown.resource).length === 0;
}

const puts = (): number => world.simulator.control.countRequests({ method: "PUT" });

/** With when the fact was seen. */
const PROMOTED = expect.stringMatching(/^promoted\/\d+\/\d/u) as string;
const DEMOTED = expect.stringMatching(/^demoted\/\d+\/\d/u) as string;

/** The facts that were told, without those of replication. */
async function told(): Promise<string[]> {
  const facts = (events: readonly CloudEvent[]): string[] =>
    events
      .map((event) => event.id.slice(event.id.indexOf("/") + 1))
      .filter((fact) => !fact.includes("/replicating/"));
  return facts((await world.takeEvents()).filter(({ subject }) => subject === id));
}

describe("a version with a promotion rule", () => {
  test("is made held back, and promoted in one update when all its regions are ready", async () => {
    await request(world.deps, id, body({ when: "allRegionsReady" }));
    await world.runDue();
    expect(await excluded()).toBe(true);
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(await excluded()).toBe(false);
    expect(puts()).toBe(2);
    expect(await told()).toEqual([
      "accepted",
      "creating",
      "westus/completed",
      "eastus2/completed",
      "completed",
      "accepted",
      "updating/1",
      PROMOTED,
      "completed",
    ]);
  });

  test("that waits for somebody stays held back until it is promoted by hand", async () => {
    await made({ when: "manual" });
    expect(await excluded()).toBe(true);
    expect(puts()).toBe(1);
    await told();
    expect(await promoteImageVersion(world.deps, { id: idOf(id), ...BY })).toMatchObject({
      kind: "PromoteImageVersion",
      requestedBy: BY.requestedBy,
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(await excluded()).toBe(false);
    expect(await told()).toEqual(["accepted", "updating/1", PROMOTED, "completed"]);
    // Done already, it is done again without an update.
    world.simulator.control.clearRequests();
    await promoteImageVersion(world.deps, { id: idOf(id), ...BY });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(puts()).toBe(0);
  });

  test("that waits for regions is promoted when they are ready, though another has failed", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    await request(world.deps, id, body({ when: "regions", regions: ["West US"] }));
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "ReplicationFailed" },
    });
    expect(await excluded()).toBe(false);
    expect(await told()).toContainEqual(PROMOTED);
  });

  test("that waits for all regions stays held back where one has failed", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    await request(world.deps, id, body({ when: "allRegionsReady" }));
    expect(await world.finish(id)).toMatchObject({ status: "Failed" });
    expect(await excluded()).toBe(true);
    expect(puts()).toBe(1);
  });

  test("that was promoted stays so when a request with the rule changes it", async () => {
    const first = await made({ when: "manual" });
    await promoteImageVersion(world.deps, { id: idOf(id), ...BY });
    await world.finish(id);
    const more = [...REGIONS, seedRegion("eastus", "EastUS")];
    await request(world.deps, id, body({ when: "manual" }, more));
    expect(await world.finish(id)).toMatchObject({
      status: "Succeeded",
      kind: "UpdateImageVersion",
    });
    expect(await excluded()).toBe(false);
    expect(first.kind).toBe("CreateImageVersion");
  });

  test("shows in its plan that it would be made held back", async () => {
    const { request } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: body({ when: "allRegionsReady" }),
    });
    expect(request?.body).toMatchObject({
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    expect(request?.body).not.toHaveProperty("sigil");
  });

  test("and another request for it meanwhile are merged, the rule kept", async () => {
    await request(world.deps, id, body({ when: "allRegionsReady" }));
    await world.runDue();
    const other = await request(
      world.deps,
      id,
      body({ when: "allRegionsReady" }, [...REGIONS, seedRegion("eastus", "EastUS")]),
    );
    await world.finish(id);
    expect((await world.deps.store.readOperation(other.id))?.operation).toMatchObject({
      status: "Succeeded",
    });
    expect(await excluded()).toBe(false);
    expect((await told()).filter((fact) => fact.startsWith("promoted"))).toEqual([PROMOTED]);
  });

  test.each([1, 2, 3, 4])(
    "is created and promoted once each, wherever its process dies (seed %d)",
    async (seed) => {
      const run = crashRun(world.deps, keyOf(id), {
        failure: { seed, every: 9 },
        redelivered: false,
      });
      await send(run, (deps) => request(deps, id, body({ when: "allRegionsReady" })));
      await drive(world, [run]);
      expect(run.process.failed()).toBe(true);
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
      expect(await excluded()).toBe(false);
      expect(world.simulator.control.creates(id)).toBe(1);
      const facts = await told();
      expect(facts.filter((fact) => /^(?:promoted|completed)/u.test(fact))).toEqual([
        "completed",
        PROMOTED,
        "completed",
      ]);
    },
    60_000,
  );
});

test("a rule promotes its version only while nothing else is under way", async () => {
  await made({ when: "manual" });
  const { record } = await world.read(id);
  const byMachine = { publishedDate: record.publishedDate ?? "" };
  const promoted = () => promoteImageVersion(world.deps, { id: idOf(id), ...BY, byMachine });
  const { id: existingOperationId } = await request(world.deps, id, {
    ...body({ when: "manual" }),
    tags: { build: "2" },
  });
  expect(await refusal(promoted())).toMatchObject({
    code: "ImageVersionConflict",
    fields: { existingOperationId },
  });
  await world.finish(id);
  await promoted();
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  expect(await excluded()).toBe(false);
});

describe("by hand", () => {
  test("a version is demoted, and a rule that it had promotes it no more", async () => {
    await made({ when: "allRegionsReady" });
    await told();
    await demoteImageVersion(world.deps, { id: idOf(id), ...BY });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(await excluded()).toBe(true);
    expect(await told()).toEqual(["accepted", "updating/2", DEMOTED, "completed"]);
    // Nor after the next update of another property.
    const more = [...REGIONS, seedRegion("eastus", "EastUS")];
    await request(world.deps, id, body({ when: "allRegionsReady" }, more));
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(await excluded()).toBe(true);
  });

  test("a promotion takes over from a demotion that is not sent, and the same again is the one that is there", async () => {
    await made();
    const first = await demoteImageVersion(world.deps, { id: idOf(id), ...BY });
    expect((await demoteImageVersion(world.deps, { id: idOf(id), ...BY })).id).toBe(first.id);
    const second = await promoteImageVersion(world.deps, {
      id: idOf(id),
      ...BY,
    });
    expect((await promoteImageVersion(world.deps, { id: idOf(id), ...BY })).id).toBe(second.id);
    await world.finish(id);
    expect((await world.deps.store.readOperation(first.id))?.operation).toMatchObject({
      status: "Failed",
      error: { code: "Superseded" },
    });
    expect((await world.deps.store.readOperation(second.id))?.operation).toMatchObject({
      status: "Succeeded",
    });
    expect(await excluded()).toBe(false);
  });

  test("a version that Sigil did not make is demoted and promoted", async () => {
    await world.deps.resourceManager.putImageVersion(idOf(id), canonicalForm(body()));
    world.clock.advance(10 * 60_000);
    for (const change of [demoteImageVersion, promoteImageVersion]) {
      await change(world.deps, { id: idOf(id), ...BY });
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
      expect(await excluded()).toBe(change === demoteImageVersion);
    }
    // It stays theirs.
    expect((await world.read(id)).record).not.toHaveProperty("spec");
    expect(await told()).toEqual([
      "accepted",
      "updating/1",
      DEMOTED,
      "completed",
      "accepted",
      "updating/2",
      PROMOTED,
      "completed",
    ]);
  });

  test("a version that cannot be read now is not said to be missing", async () => {
    await world.deps.resourceManager.putImageVersion(idOf(id), canonicalForm(body()));
    world.simulator.control.addFault({
      method: "GET",
      path: `${id}\\?`,
      status: 429,
      headers: { "Retry-After": "17" },
      times: 3,
    });
    for (const ask of [
      promoteImageVersion(world.deps, { id: idOf(id), ...BY }),
      demoteImageVersion(world.deps, { id: idOf(id), ...BY }),
      putImageVersion(world.deps, commandOf(id, body(), { ifMatch: "*" })),
    ])
      expect(await refusal(ask)).toMatchObject({
        code: "ResourceManagerThrottled",
        retryAfterMs: 17_000,
      });
  });

  test("a version that was never made, or is not known, is not promoted", async () => {
    expect(await refusal(promoteImageVersion(world.deps, { id: idOf(id), ...BY }))).toMatchObject({
      code: "NotFound",
    });
    const { id: operationId } = await request(
      world.deps,
      id,
      body(undefined, [
        {
          ...REGIONS[0],
          name: "westus",
          encryption: {
            osDiskImage: {
              diskEncryptionSetId: `${id.split("/gall")[0]}/diskEncryptionSets/none`,
            },
          },
        },
      ]),
    );
    expect(await refusal(promoteImageVersion(world.deps, { id: idOf(id), ...BY }))).toMatchObject({
      code: "ImageVersionConflict",
      message: naming([id, operationId]),
      fields: { existingOperationId: operationId },
    });
    expect(await world.finish(id)).toMatchObject({ status: "Failed" });
    expect(await refusal(promoteImageVersion(world.deps, { id: idOf(id), ...BY }))).toMatchObject({
      code: "NotFound",
      message: `Azure has no ${id}: operation ${operationId} did not create it.`,
    });
  });
});
