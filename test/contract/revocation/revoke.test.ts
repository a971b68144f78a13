/** A bad version is taken back: out of latest, and in no way there again. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { patchImageVersion, putImageVersion } from "../../../src/image-version/commands/put.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { evaluateRetention } from "../../../src/retention/evaluate-retention.js";
import { bansOf } from "../../../src/revocation/bans.js";
import { operationsOf, planRevocation } from "../../../src/revocation/revoke.js";
import {
  commandOf,
  idOf,
  operationIn,
  request,
  revocationOf,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import { CONSUMER, putUser, removeUsers } from "../../support/image-users.js";
import { latestIn } from "../../support/latest.js";
import { refusal } from "../../support/refusal.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import {
  body,
  commandOf as rollbackTo,
  define,
  EASTUS2,
  WESTUS,
} from "../image-version/rollbacks.js";
import { BY, REASON, Revocations } from "./support.js";

let world: InProcess;
let image: string;
let versions: Revocations;
beforeEach(async () => {
  world = await startInProcess({ replicationMs: 60_000, spread: 0 });
  image = await define(world);
  versions = new Revocations(world, image);
});
afterEach(() => world.close());

const latest = (region = "westus") => latestIn(world.simulator, image, region);
const id = (number: string) => idOf(versions.id(number));
const REFUSED = {
  code: "ImageVersionRevoked",
  message: expect.stringContaining(REASON) as string,
};

test("it leaves latest in every region, and is told when it is revoked and when that is done", async () => {
  await versions.publish("1.0.0", [WESTUS, EASTUS2]);
  await versions.publish("1.0.1", [WESTUS, EASTUS2]);
  await world.takeEvents();
  const operation = await versions.revoked("1.0.1", { replacement: "1.0.0" });
  expect(operation).toMatchObject({
    kind: "RevokeImageVersion",
    status: "Succeeded",
    resourceId: versions.id("1.0.1"),
  });
  expect([await latest(), await latest("eastus2")]).toEqual(["1.0.0", "1.0.0"]);
  const told = (await world.takeEvents())
    .filter(({ id: one }) => one.startsWith(operation.id))
    .map(({ type, data }) => [type, data]);
  expect(told).toEqual([
    [
      "Sigil.ImageVersion.Revoked",
      {
        operationId: operation.id,
        reason: REASON,
        replacement: "1.0.0",
        revokedBy: BY.requestedBy,
      },
    ],
    ["Sigil.ImageVersion.RevocationCompleted", { operationId: operation.id }],
  ]);
  expect(
    await bansOf({ ...world.deps, revocations: revocationOf(world.deps).revocations }, image),
  ).toEqual(
    new Map([["1.0.1", expect.objectContaining({ reason: REASON, replacement: "1.0.0" })]]),
  );
});

test("asked again it is the same operation; with another reason it is a new one", async () => {
  await versions.publish("1.0.0");
  await versions.publish("1.0.1");
  const first = await versions.revoke("1.0.1");
  expect((await versions.revoke("1.0.1")).id).toBe(first.id);
  expect(await refusal(versions.revoke("1.0.1", { reason: "?" }))).toMatchObject({
    code: "ImageVersionConflict",
    fields: { existingOperationId: first.id },
  });
  await versions.settled("1.0.1");
  expect((await versions.revoke("1.0.1")).id).toBe(first.id);
  expect((await versions.revoke("1.0.1", { reason: "?" })).id).not.toBe(first.id);
});

describe("once it is revoked", () => {
  beforeEach(async () => {
    await versions.publish("1.0.0");
    await versions.publish("1.0.1");
    await versions.revoked("1.0.1");
  });

  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["a promotion", () => versions.promote("1.0.1")],
    [
      "a PATCH of its flag",
      () =>
        patchImageVersion(world.deps, {
          id: id("1.0.1"),
          ...BY,
          patch: {
            properties: { publishingProfile: { excludeFromLatest: false } },
          },
          validate: () => [],
        }),
    ],
    [
      "a rule",
      () =>
        patchImageVersion(world.deps, {
          id: id("1.0.1"),
          ...BY,
          patch: { sigil: { promotion: { when: "allRegionsReady" } } },
          validate: () => [],
        }),
    ],
  ];
  test.each(ways)("%s is refused with the reason", async (_, ask) => {
    expect(await refusal(ask())).toMatchObject(REFUSED);
    expect(await latest()).toBe("1.0.0");
  });

  test("no rollback leads to it, nor takes it by itself", async () => {
    await versions.publish("1.0.2");
    const rollBack = (to?: string) => rollBackImage(world.deps, rollbackTo(to, image));
    expect(await refusal(rollBack("1.0.1"))).toMatchObject({
      code: "RollbackRefused",
      findings: expect.arrayContaining([
        expect.objectContaining({ code: "ImageVersionRevoked" }),
      ]) as unknown,
    });
    expect((await rollBack()).detail).toMatchObject({ to: "1.0.0" });
  });

  test("a region that is added, and one that is made anew under its number, is held back", async () => {
    await operationIn(
      putImageVersion(
        world.deps,
        commandOf(versions.id("1.0.1"), body({ targetRegions: [WESTUS, EASTUS2] })),
      ),
    );
    await world.finish(versions.id("1.0.1"));
    expect(await latest("eastus2")).toBeNull();
    await deleteImageVersion(world.deps, { id: id("1.0.1"), ...BY });
    await world.finish(versions.id("1.0.1"));
    const again = await request(world.deps, versions.id("1.0.1"), body(), {
      ifNoneMatch: "*",
    });
    expect(again.warnings).toContainEqual(
      expect.objectContaining({
        code: "ImageVersionRevoked",
        severity: "warning",
      }),
    );
    await world.finish(versions.id("1.0.1"));
    expect(await latest()).toBe("1.0.0");
  });

  test("a plan warns who builds from it", async () => {
    const built = body();
    const { findings } = await planImageVersion(world.deps, {
      id: id("2.0.0"),
      body: {
        ...built,
        properties: {
          ...built.properties,
          storageProfile: { source: { id: versions.id("1.0.1") } },
        },
      },
    });
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: "ImageVersionRevoked",
        severity: "warning",
        pointer: "/properties/storageProfile/source/id",
      }),
    );
  });

  test("a retention policy keeps it, though its end of life is past", async () => {
    const policy = async () =>
      (
        await evaluateRetention(revocationOf(world.deps), image, {
          deleteAfterEndOfLifeDays: 0,
        })
      ).decisions.find(({ version: { name } }) => name === "1.0.1");
    await operationIn(
      patchImageVersion(world.deps, {
        id: id("1.0.1"),
        ...BY,
        patch: {
          properties: {
            publishingProfile: { endOfLifeDate: "2020-01-01T00:00:00Z" },
          },
        },
        validate: () => [],
      }),
    );
    await world.finish(versions.id("1.0.1"));
    expect(await policy()).toMatchObject({ deletes: false, code: "Revoked" });
    await versions.unrevoke("1.0.1");
    expect(await policy()).toMatchObject({ deletes: true });
  });

  test("an Admin lifts that: it is in latest nowhere, until it is promoted", async () => {
    const lifted = await versions.unrevoke("1.0.1");
    expect(lifted).toMatchObject({
      kind: "UnrevokeImageVersion",
      status: "Succeeded",
    });
    expect((await versions.unrevoke("1.0.1")).id).toBe(lifted.id);
    expect(await latest()).toBe("1.0.0");
    await versions.promote("1.0.1");
    await world.finish(versions.id("1.0.1"));
    expect(await latest()).toBe("1.0.1");
    expect(await refusal(versions.unrevoke("1.0.0"))).toMatchObject({
      code: "NotFound",
    });
  });
});

test("where it is the only latest it stays, named, until another one is there: then it leaves by itself", async () => {
  await versions.publish("1.0.0", [WESTUS]);
  await versions.publish("1.0.1", [WESTUS, EASTUS2]);
  const waits = await versions.revoked("1.0.1");
  expect(waits).toMatchObject({ status: "Running" });
  expect(waits.waitReason).toContain("eastus2");
  expect(waits.warnings).toContainEqual(
    expect.objectContaining({
      code: "RegionWouldLoseLatest",
      message: expect.stringContaining("In eastus2 1.0.1 stays") as string,
    }),
  );
  expect([await latest(), await latest("eastus2")]).toEqual(["1.0.0", "1.0.1"]);
  expect(await refusal(versions.unrevoke("1.0.1"))).toMatchObject({
    code: "ImageVersionConflict",
  });
  await versions.publish("1.0.2", [WESTUS, EASTUS2]);
  world.clock.advance(3_600_000);
  expect(await versions.settled("1.0.1")).toMatchObject({
    status: "Succeeded",
  });
  // Nothing is left to fall back to: that is refused, and the revoked one does not come back.
  await demoteImageVersion(world.deps, {
    id: id("1.0.2"),
    ...BY,
    allowNoLatest: true,
  });
  await world.finish(versions.id("1.0.2"));
  expect(await latest("eastus2")).toBeNull();
});

test("allowed, it leaves every region", async () => {
  await versions.publish("1.0.0");
  expect(await versions.revoked("1.0.0", { allowNoLatest: true })).toMatchObject({
    status: "Succeeded",
  });
  expect(await latest()).toBeNull();
});

test("canceled while it waits, it stays revoked, and in latest where it was", async () => {
  await versions.publish("1.0.0");
  const { id: operationId } = await versions.revoked("1.0.0");
  await cancelOperation(operationsOf(revocationOf(world.deps)), operationId, BY.requestedBy);
  expect(await latest()).toBe("1.0.0");
  expect(await refusal(versions.promote("1.0.0"))).toMatchObject(REFUSED);
});

test("a promotion that was accepted before, and is not sent, comes to nothing", async () => {
  await versions.publish("1.0.0");
  await versions.publish("1.0.1", [WESTUS], { promotion: { when: "manual" } });
  const promotion = await versions.promote("1.0.1");
  await versions.revoke("1.0.1");
  await versions.settled("1.0.1");
  expect((await world.deps.store.readOperation(promotion.id))?.operation).toMatchObject({
    status: "Failed",
  });
  expect(await latest()).toBe("1.0.0");
});

test("deleted while it was in latest still, it is not restored into latest", async () => {
  await enableSoftDelete(world);
  await versions.publish("1.0.0");
  await versions.revoked("1.0.0");
  await deleteImageVersion(world.deps, {
    id: id("1.0.0"),
    ...BY,
    allowNoLatest: true,
  });
  await world.finish(versions.id("1.0.0"));
  world.clock.advance(3_600_000);
  expect(await versions.settled("1.0.0")).toMatchObject({
    status: "Succeeded",
  });
  const restore = () => restoreImageVersion(world.deps, { id: id("1.0.0"), ...BY });
  expect(await refusal(restore())).toMatchObject(REFUSED);
  await versions.unrevoke("1.0.0");
  await restore();
  expect(await world.finish(versions.id("1.0.0"))).toMatchObject({
    status: "Succeeded",
  });
});

test("a dry run names regions and users, and stores nothing", async () => {
  const guarded = await startInProcess({
    replicationMs: 60_000,
    consumerSubscriptions: [CONSUMER],
  });
  try {
    const own = new Revocations(guarded, await define(guarded));
    await own.publish("1.0.0");
    await own.publish("1.0.1");
    await putUser(guarded, "virtualMachineScaleSets", "web", own.id("1.0.1"));
    const plan = await planRevocation(revocationOf(guarded.deps), {
      id: idOf(own.id("1.0.1")),
      reason: REASON,
      replacement: "1.0.0",
      ...BY,
    });
    expect(plan.regions).toEqual([{ region: "westus", from: "1.0.1", to: "1.0.0" }]);
    expect(plan.use?.scaleSets.count).toBe(1);
    expect(plan.findings).toContainEqual(
      expect.objectContaining({
        code: "UsersToMove",
        remediation: expect.stringContaining("Move them to 1.0.0") as string,
      }),
    );
    await own.promote("1.0.1");
  } finally {
    await removeUsers(guarded);
    await guarded.close();
  }
});

test.each([
  ["itself", "1.0.1"],
  ["one that is not there", "9.9.9"],
])("it is not replaced by %s", async (_, replacement) => {
  await versions.publish("1.0.0");
  await versions.publish("1.0.1");
  expect(await refusal(versions.revoke("1.0.1", { replacement }))).toMatchObject({
    code: "InvalidRequest",
    findings: [{ code: "ReplacementNotUsable", pointer: "/replacement" }],
  });
});
