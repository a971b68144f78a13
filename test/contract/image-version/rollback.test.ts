/** A rollback: where it goes, what it does, and when it is refused. */
import { afterEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { keyOf } from "../../../src/resource-id.js";
import { idOf, request, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { body, BY, EASTUS2, HELD_BACK, inOwnWorld, WESTUS } from "./rollbacks.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let image: string;
const { versionId, inAzure, commandOf, shown, puts, rollBack, plan, written, told } = inOwnWorld(
  (given, definition) => {
    world = given;
    image = definition;
  },
);

describe("a rollback", () => {
  test("without a version goes to the newest promoted one that is ready wherever the latest is", async () => {
    await inAzure({
      "1.0.0": { targetRegions: [WESTUS, EASTUS2] },
      "1.0.1": { targetRegions: [WESTUS, EASTUS2] },
      "1.0.2": { targetRegions: [WESTUS] },
      "1.0.3": { targetRegions: [WESTUS, EASTUS2], ...HELD_BACK },
      "1.0.4": { targetRegions: [WESTUS, EASTUS2] },
    });
    const operation = await rollBack();
    expect(operation).toMatchObject({
      kind: "RollBackImage",
      status: "NotStarted",
      resourceId: image,
      detail: {
        from: "1.0.4",
        to: "1.0.1",
        regions: [
          { name: "eastus2", from: "1.0.4", to: "1.0.1" },
          { name: "westus", from: "1.0.4", to: "1.0.1" },
        ],
      },
    });
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
    expect(await shown()).toEqual([
      "1.0.0 promoted",
      "1.0.1 latest",
      "1.0.2 held back",
      "1.0.3 held back",
      "1.0.4 held back",
    ]);
    expect(written()).toEqual(["1.0.2", "1.0.4"]);
    expect(await told(operation)).toEqual(["accepted", "completed"]);
  });

  test("promotes first, demotes from the lowest up, the present latest last; no version between is ever the latest", async () => {
    await inAzure({
      "1.0.0": HELD_BACK,
      "1.0.1": {},
      "1.0.2": {},
      "1.0.3": {},
    });
    await rollBack("1.0.0");
    const latest = new Set<string | undefined>();
    await world.finishWith(image, async () => {
      latest.add((await shown()).find((one) => one.endsWith("latest")));
    });
    expect(written()).toEqual(["1.0.0", "1.0.1", "1.0.2", "1.0.3"]);
    expect([...latest]).toEqual(["1.0.3 latest", "1.0.0 latest"]);
    expect(await shown()).toEqual([
      "1.0.0 latest",
      "1.0.1 held back",
      "1.0.2 held back",
      "1.0.3 held back",
    ]);
  });

  test("demotes every version that the list does not have yet", async () => {
    await inAzure({ "1.8.0": {} });
    const young = ["1.9.0", "1.10.0", "1.11.0"];
    for (const number of young) {
      await request(world.deps, versionId(number), body());
      await world.finish(versionId(number));
    }
    const { resourceManager } = world.deps;
    const listed = await resourceManager.listImageVersions(image);
    await rollBackImage(
      {
        ...world.deps,
        resourceManager: {
          ...resourceManager,
          listImageVersions: () => Promise.resolve(listed?.filter(({ name }) => name === "1.8.0")),
        },
      },
      commandOf("1.8.0"),
    );
    await world.finish(image);
    expect(written().slice(-3)).toEqual(young);
  });

  test("of versions that Sigil made leaves them as its own, and their rules promote them no more", async () => {
    for (const number of ["1.0.0", "1.0.1"]) {
      await request(world.deps, versionId(number), {
        ...body(),
        sigil: { promotion: { when: "allRegionsReady" } },
      });
      expect(await world.finish(versionId(number))).toMatchObject({
        status: "Succeeded",
      });
    }
    await rollBack();
    await world.finish(image);
    expect((await world.read(versionId("1.0.1"))).operation).toMatchObject({
      kind: "DemoteImageVersion",
      status: "Succeeded",
      requestedBy: BY.requestedBy,
      traceparent: TRACEPARENT,
    });
    await request(world.deps, versionId("1.0.1"), {
      ...body(),
      tags: { team: "images" },
      sigil: { promotion: { when: "allRegionsReady" } },
    });
    expect(await world.finish(versionId("1.0.1"))).toMatchObject({
      status: "Succeeded",
    });
    expect(await shown()).toEqual(["1.0.0 latest", "1.0.1 held back"]);
  });

  test("that is planned says what would change, and changes nothing", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": { targetRegions: [WESTUS] } });
    expect(await plan("1.0.0")).toEqual({
      from: "1.0.1",
      to: "1.0.0",
      regions: [{ name: "westus", from: "1.0.1", to: "1.0.0" }],
    });
    expect(puts()).toBe(0);
    expect(await world.deps.rollbacks.read(keyOf(image))).toBeUndefined();
    expect(await world.takeEvents()).toEqual([]);
    expect(await shown()).toEqual(["1.0.0 promoted", "1.0.1 latest"]);
  });

  test("asked again, while it runs or afterwards, is the same and changes nothing more", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {}, "1.0.2": {} });
    const first = await rollBack();
    expect(first.detail).toMatchObject({ to: "1.0.1" });
    for (const again of [await rollBack(), await rollBack("1.0.1")])
      expect(again.id).toBe(first.id);
    expect(await refusal(rollBack("1.0.0"))).toMatchObject({
      code: "ImageVersionConflict",
      message: naming([first.id, image, "1.0.1"]),
      fields: { existingOperationId: first.id },
    });
    await world.finish(image);
    for (const again of [await rollBack(), await rollBack("1.0.1")])
      expect(again).toMatchObject({ id: first.id, status: "Succeeded" });
    expect(puts()).toBe(1);
    // To another version it is another.
    expect((await rollBack("1.0.0")).id).not.toBe(first.id);
    await world.finish(image);
    expect(await shown()).toEqual(["1.0.0 latest", "1.0.1 held back", "1.0.2 held back"]);
  });

  test("is another, once the version that the last one led to is deleted", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {}, "1.0.2": {} });
    const first = await rollBack();
    await world.finish(image);
    await deleteImageVersion(world.deps, {
      id: idOf(versionId("1.0.1")),
      ...BY,
    });
    await world.finish(versionId("1.0.1"));
    await inAzure({ "1.0.3": {} });
    expect(await plan()).toMatchObject({ from: "1.0.3", to: "1.0.0" });
    const second = await rollBack();
    expect(second.id).not.toBe(first.id);
    expect(second).toMatchObject({
      detail: { from: "1.0.3", to: "1.0.0" },
    });
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
  });

  test("that is planned while it runs, or once it is done, is said to change nothing more", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {}, "1.0.2": {} });
    const first = await rollBack();
    const sayNothing = {
      from: "1.0.2",
      to: "1.0.1",
      regions: [{ name: "westus", from: "1.0.2", to: "1.0.1" }],
      warnings: [
        {
          code: "AlreadyRequested",
          pointer: "",
          message: naming([first.id]),
          severity: "warning",
        },
      ],
    };
    expect(await plan()).toEqual(sayNothing);
    expect(await refusal(plan("1.0.0"))).toMatchObject({
      code: "ImageVersionConflict",
      fields: { existingOperationId: first.id },
    });
    await world.finish(image);
    expect(await plan()).toEqual(sayNothing);
    expect(await plan("1.0.1")).toEqual(sayNothing);
  });

  test("to a version that is excluded and Failed as a whole says where that becomes the latest", async () => {
    await world.simulator.control.failRegion({
      versionId: versionId("1.0.0"),
      region: "westus",
    });
    await inAzure({
      "1.0.0": { targetRegions: [WESTUS, EASTUS2], ...HELD_BACK },
      "1.0.1": {
        targetRegions: [{ ...WESTUS, excludeFromLatest: true }, EASTUS2],
      },
    });
    const planned = await plan("1.0.0");
    expect(planned).toEqual({
      from: "1.0.1",
      to: "1.0.0",
      regions: [{ name: "eastus2", from: "1.0.1", to: "1.0.0" }],
    });
    expect((await rollBack("1.0.0")).detail).toEqual(planned);
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
  });
});

describe("is refused", () => {
  afterEach(async () => {
    expect(puts()).toBe(0);
    expect(await world.deps.rollbacks.read(keyOf(image))).toBeUndefined();
  });

  /** By the plan and by the command. */
  async function refusals(to?: string, ofImage = image): Promise<unknown> {
    const [planned, asked] = [
      await refusal(plan(to, ofImage)),
      await refusal(rollBack(to, ofImage)),
    ];
    expect(asked).toEqual(planned);
    return asked;
  }

  test("where Azure has no such image definition or version", async () => {
    await inAzure({ "1.0.0": {} });
    expect(await refusals("0.9.0")).toMatchObject({
      code: "NotFound",
      message: naming([image, "0.9.0"]),
    });
    const missing = `${image}Missing`;
    expect(await refusals(undefined, missing)).toMatchObject({
      code: "NotFound",
      message: naming([missing]),
    });
    expect(await world.deps.rollbacks.read(keyOf(missing))).toBeUndefined();
  });

  test("where it would have no effect", async () => {
    expect(await refusals()).toMatchObject({
      code: "RollbackRefused",
      message: naming([image]),
    });
    await inAzure({ "1.0.0": {} });
    expect(await refusals("1.0.0")).toMatchObject({
      code: "RollbackRefused",
      message: naming(["1.0.0"]),
    });
    expect(await refusals()).toMatchObject({
      code: "RollbackRefused",
      message: naming([image, "westus", "1.0.0", "`to`"]),
    });
  });

  test("to a version that is not ready, or excluded, in a region where the latest is", async () => {
    await inAzure({
      "1.0.0": { targetRegions: [WESTUS] },
      "1.0.1": {
        targetRegions: [WESTUS, { ...EASTUS2, excludeFromLatest: true }],
      },
      "1.0.2": { targetRegions: [WESTUS, EASTUS2] },
    });
    for (const to of ["1.0.0", "1.0.1"])
      expect(await refusals(to)).toMatchObject({
        code: "RollbackRefused",
        message: naming([image, to]),
        findings: [
          {
            code: "RegionNotReady",
            pointer: "/to",
            message: naming([to, "eastus2"]),
          },
        ],
      });
    expect(await refusals()).toMatchObject({ code: "RollbackRefused" });
  });

  test("to a version whose region has failed", async () => {
    await world.simulator.control.failRegion({
      versionId: versionId("1.0.0"),
      region: "westus",
    });
    await inAzure({ "1.0.0": {}, "1.0.1": {} });
    expect(await refusals("1.0.0")).toMatchObject({
      findings: [{ code: "RegionNotReady" }],
    });
  });

  test("while a newer version replicates that is promoted", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {} });
    await world.deps.resourceManager.putImageVersion(
      idOf(versionId("1.0.2")),
      canonicalForm(body()),
    );
    world.simulator.control.clearRequests();
    expect(await refusals("1.0.0")).toMatchObject({
      code: "RollbackRefused",
      findings: [
        {
          code: "VersionBusy",
          message: naming(["1.0.2"]),
        },
      ],
    });
  });

  test("with an ETag that is not the latest version's", async () => {
    await inAzure({ "1.0.0": {}, "1.0.1": {} });
    expect(
      await refusal(rollBackImage(world.deps, { ...commandOf("1.0.0"), ifMatch: '"old"' })),
    ).toMatchObject({ code: "PreconditionFailed" });
  });
});
