/** What a policy says of each version, and what it does not touch. */
import { describe, expect, test } from "vitest";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { RetentionDependencies } from "../../../src/retention/ports.js";
import {
  deleteRetentionPolicy,
  getRetentionPolicy,
} from "../../../src/retention/retention-policy.js";
import { idOf, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { disableSoftDelete, enableSoftDelete } from "../../support/soft-delete.js";
import { seedRegion } from "../../support/requests.js";
import { KEEP_1, bodyOf, inRetention, type Profile } from "./support.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let deps: RetentionDependencies;
let image: string;
const { versionId, make, put, enforce, run, dryRun, inAzure } = inRetention((given) => {
  ({ world, deps, image } = given);
});

/** A version made, or changed, by other hands than Sigil's; long after what Sigil did, so that a look at it is a fact. */
async function putInAzure(number: string, profile?: Profile): Promise<void> {
  world.clock.advance(900_000);
  await world.deps.resourceManager.putImageVersion(
    idOf(versionId(number)),
    canonicalForm(bodyOf(profile)),
  );
  world.clock.advance(120_000);
}

test("says whether what it deletes can be restored", async () => {
  const evaluated = async () => (await put(KEEP_1)).evaluation.softDelete;
  expect(await evaluated()).toEqual({ isSoftDeleteEnabled: false });
  await enableSoftDelete(world);
  expect(await evaluated()).toEqual({ isSoftDeleteEnabled: true });
  await disableSoftDelete(world);
});

test("keeps a Failed version while the gallery has soft delete, and says that Azure keeps it", async () => {
  await make(["1.0.0", "1.0.1"]);
  await world.simulator.control.failRegion({
    versionId: versionId("1.0.0"),
    region: "eastus2",
  });
  await putInAzure("1.0.0", {
    targetRegions: [seedRegion("westus", "WestUS"), seedRegion("eastus2", "EastUS2")],
  });
  await put(KEEP_1);
  expect(await dryRun()).toMatchObject({ "1.0.0": "NotSucceeded" });
  await enableSoftDelete(world);
  expect(await dryRun()).toMatchObject({ "1.0.0": "KeptByAzure" });
  await enforce(KEEP_1);
  expect(await run()).toMatchObject({ deletions: [], errors: [] });
});

test("a version that turns Failed after it was judged is no error of the run", async () => {
  await make(["1.0.0", "1.0.1"]);
  await enableSoftDelete(world);
  await enforce(KEEP_1);
  const { resourceManager } = world.deps;
  const failedThen: RetentionDependencies = {
    ...deps,
    imageVersions: {
      ...world.deps,
      resourceManager: {
        ...resourceManager,
        getImageVersion: async (...asked) => {
          const shown = await resourceManager.getImageVersion(...asked);
          return shown && { ...shown, provisioningState: "Failed" };
        },
      },
    },
  };
  world.clock.advance(900_000);
  expect(await run(failedThen)).toMatchObject({ deletions: [], errors: [] });
});

describe("a policy", () => {
  test("is nothing until it is set, deletes nothing in dryRun, and then what the dry run said", async () => {
    await make(["1.0.0", "1.0.1"]);
    await expect(getRetentionPolicy(deps, image)).rejects.toMatchObject({
      code: "NotFound",
      message: naming([image]),
    });
    expect(await run()).toMatchObject({ policies: 0, deletions: [], errors: [] });

    const { policy, evaluation } = await put(KEEP_1);
    expect(policy).toMatchObject({
      imageId: image,
      rules: KEEP_1,
      mode: "dryRun",
      setBy: { appId: "admin" },
    });
    expect(evaluation.decisions).toMatchObject([
      { deletes: true, version: { name: "1.0.0" } },
      { deletes: false, version: { name: "1.0.1" } },
    ]);
    expect(await run()).toMatchObject({ policies: 0, deletions: [], errors: [] });

    await put(KEEP_1, "delete");
    await world.takeEvents();
    const { deletions } = await run();
    expect(deletions).toEqual([(await world.read(versionId("1.0.0"))).operation.id]);
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      kind: "DeleteImageVersion",
      status: "Succeeded",
      requestedBy: { name: "retention", policy: "retention" },
      traceparent: TRACEPARENT,
    });
    expect(
      (await world.takeEvents()).map(({ type, data }) => [
        type.replace("Sigil.ImageVersion.", ""),
        (data as { requestedBy?: unknown }).requestedBy,
      ]),
    ).toEqual([
      ["Accepted", { name: "retention", policy: "retention" }],
      ["Deleting", undefined],
      ["Deleted", undefined],
    ]);
    expect(await inAzure()).toEqual(["1.0.1"]);
    expect(await dryRun()).toEqual({ "1.0.1": "Latest" });
  });

  test("deletes a version once its end of life and the grace time are over", async () => {
    const endOfLifeDate = new Date(world.clock.now() + 3_600_000).toISOString();
    await make(["1.0.0"], { endOfLifeDate, excludeFromLatest: true });
    await make(["1.0.1"], { endOfLifeDate });
    await enforce({ deleteAfterEndOfLifeDays: 0 });
    expect((await run()).deletions).toEqual([]);
    world.clock.advance(2 * 3_600_000);
    expect(await dryRun()).toEqual({
      "1.0.0": "-PastEndOfLife",
      "1.0.1": "Latest",
    });
    expect((await run()).deletions).toHaveLength(1);
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Succeeded",
    });
  });

  test("is refused in mode delete until the same rules are stored, and stays as it was", async () => {
    const refused = {
      code: "DryRunFirst",
      findings: [{ code: "DryRunFirst", pointer: "/mode" }],
    };
    await expect(put(KEEP_1, "delete")).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/./u) as unknown,
    });
    await enforce(KEEP_1);
    for (const rules of [
      { keepNewestPromoted: 2 },
      { ...KEEP_1, deleteAfterEndOfLifeDays: 0 },
      { deleteAfterEndOfLifeDays: 0 },
    ])
      await expect(put(rules, "delete")).rejects.toMatchObject({
        ...refused,
        message: expect.stringMatching(/./u) as unknown,
      });
    expect((await getRetentionPolicy(deps, image)).policy).toMatchObject({
      rules: KEEP_1,
      mode: "delete",
    });
    await put(KEEP_1, "delete");
    await put({ keepNewestPromoted: 2 });
  });

  test("needs a rule, and an image definition that Azure has", async () => {
    await expect(put({})).rejects.toMatchObject({
      code: "InvalidRequest",
      findings: [{ code: "RetentionRuleMissing", pointer: "" }],
    });
    const missing = `${image}Missing`;
    await expect(put(KEEP_1, "dryRun", missing)).rejects.toMatchObject({
      code: "NotFound",
      message: naming([missing]),
    });
    expect(await deps.policies.list()).toEqual([]);
  });

  test("that is taken away deletes nothing, and is answered for the last time", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    expect(await deleteRetentionPolicy(deps, image)).toMatchObject({
      rules: KEEP_1,
      mode: "delete",
    });
    expect((await run()).deletions).toEqual([]);
    await expect(deleteRetentionPolicy(deps, image)).rejects.toMatchObject({
      code: "NotFound",
    });
  });
});

describe("what others do in Azure", () => {
  test("is theirs: a version that Sigil was never asked for is told, and not touched", async () => {
    await putInAzure("0.1.0", { excludeFromLatest: true });
    await putInAzure("0.10.0");
    await putInAzure("0.9.0");
    await make(["1.0.0", "1.0.1"]);
    await enforce({ ...KEEP_1, deleteAfterEndOfLifeDays: 0 });
    expect((await getRetentionPolicy(deps, image)).evaluation.unknown).toEqual([
      "0.1.0",
      "0.9.0",
      "0.10.0",
    ]);
    expect((await run()).deletions).toHaveLength(1);
    await world.finish(versionId("1.0.0"));
    expect(await inAzure()).toEqual(["0.1.0", "0.10.0", "0.9.0", "1.0.1"]);
  });

  test("counts: versions that they have deleted or excluded are not the newest any more", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2", "1.0.3"]);
    await put(KEEP_1);
    expect(await dryRun()).toMatchObject({
      "1.0.2": "-BeyondNewestPromoted",
      "1.0.3": "Latest",
    });
    await world.simulator.control.removeResource(versionId("1.0.3"));
    await putInAzure("1.0.2", { excludeFromLatest: true });
    expect(await dryRun()).toEqual({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "Latest",
      "1.0.2": "NoRuleApplies",
    });
  });

  test("protects: an end of life that they have put off is kept", async () => {
    await make(["1.0.0", "1.0.1"]);
    await put(KEEP_1);
    await putInAzure("1.0.0", { endOfLifeDate: "2090-01-01" });
    expect(await dryRun()).toMatchObject({ "1.0.0": "BeforeEndOfLife" });
  });
});
