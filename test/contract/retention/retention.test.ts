import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "vitest";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type {
  ResourceManager,
  StepDependencies,
} from "../../../src/image-version/ports.js";
import { keyOf, type ImageVersionId } from "../../../src/resource-id.js";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import type {
  RetentionDependencies,
  RetentionPolicy,
  RetentionRules,
} from "../../../src/retention/ports.js";
import { putRetentionPolicy } from "../../../src/retention/put-retention-policy.js";
import {
  deleteRetentionPolicy,
  getRetentionPolicy,
} from "../../../src/retention/retention-policy.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/by-hand.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import {
  MOST_DELETIONS,
  runRetention,
} from "../../../src/retention/run-retention.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import {
  failingDependencies,
  hasEffect,
} from "../../support/failing-dependencies.js";
import { putUser, removeUsers } from "../../support/image-users.js";
import { latestIn } from "../../support/latest.js";
import { refusal } from "../../support/refusal.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
} from "../../support/requests.js";
import {
  disableSoftDelete,
  enableSoftDelete,
} from "../../support/soft-delete.js";

const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
const KEEP_1: RetentionRules = { keepNewestPromoted: 1 };

let world: InProcess;
let deps: RetentionDependencies;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000, spread: 0 });
  deps = { policies: world.policies, imageVersions: world.deps };
});
afterAll(() => world.close());

let definitions = 0;
/** Each test's own image definition. */
let image: string;
beforeEach(async () => {
  image = await define();
});
afterEach(async () => {
  for (const { policy } of await deps.policies.list())
    await deps.policies.remove(policy.imageId);
  world.simulator.control.clearRequests();
});

async function define(): Promise<string> {
  definitions += 1;
  await world.simulator.control.putResource(
    of.imageDefinition("MyGallery", `Retained${definitions}`, "westus"),
  );
  return seedResource(`galleries/MyGallery/images/Retained${definitions}`);
}

type Profile = NonNullable<
  ImageVersionRequest["properties"]["publishingProfile"]
>;

function bodyOf(profile: Profile = {}): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [seedRegion("westus", "WestUS")],
        ...profile,
      },
    },
  };
}

const versionId = (number: string, of = image): string =>
  `${of}/versions/${number}`;

/** Versions that Sigil has made and that are ready. */
async function make(
  numbers: readonly string[],
  profile?: Profile,
  of = image,
): Promise<void> {
  for (const number of numbers)
    await request(world.deps, versionId(number, of), bodyOf(profile));
  for (const number of numbers)
    expect(await world.finish(versionId(number, of))).toMatchObject({
      status: "Succeeded",
    });
}

/** A version made, or changed, by other hands than Sigil's. */
async function putInAzure(number: string, profile?: Profile): Promise<void> {
  await world.deps.resourceManager.putImageVersion(
    idOf(versionId(number)),
    canonicalForm(bodyOf(profile)),
  );
  world.clock.advance(120_000);
}

function put(
  rules: RetentionRules,
  mode: RetentionPolicy["mode"] = "dryRun",
  imageId = image,
) {
  return putRetentionPolicy(deps, {
    imageId,
    rules,
    mode,
    setBy: { appId: "admin" },
  });
}

/** A policy that deletes. */
async function enforce(rules: RetentionRules, imageId = image): Promise<void> {
  await put(rules, "dryRun", imageId);
  await put(rules, "delete", imageId);
}

const run = (given = deps) => runRetention(given, TRACEPARENT);

/** Name and code of each version; a minus before what is to be deleted. */
async function dryRun(): Promise<Record<string, string>> {
  const { evaluation } = await getRetentionPolicy(deps, image);
  return Object.fromEntries(
    evaluation.decisions.map(({ version: { name }, deletes, code }) => [
      name,
      `${deletes ? "-" : ""}${code}`,
    ]),
  );
}

async function inAzure(of = image): Promise<string[]> {
  const listed = (await listImageVersions(of)) ?? [];
  return listed.map(({ name }) => name).sort();
}

const listImageVersions: ResourceManager["listImageVersions"] = (imageId) =>
  world.deps.resourceManager.listImageVersions(imageId);

/** What retention has of image versions, with another list of Azure's. */
function withList(
  list: ResourceManager["listImageVersions"],
): RetentionDependencies["imageVersions"] {
  const { resourceManager } = world.deps;
  return {
    ...world.deps,
    resourceManager: { ...resourceManager, listImageVersions: list },
  };
}

const deletes = (): number =>
  world.simulator.control.countRequests({ method: "DELETE" });

test("says whether what it deletes can be restored", async () => {
  const evaluated = async () =>
    (
      await putRetentionPolicy(deps, {
        imageId: image,
        rules: KEEP_1,
        mode: "dryRun",
        setBy: { appId: "operator" },
      })
    ).evaluation.softDelete;
  expect(await evaluated()).toEqual({ isSoftDeleteEnabled: false });
  await enableSoftDelete(world);
  expect(await evaluated()).toEqual({ isSoftDeleteEnabled: true });
  await disableSoftDelete(world);
});

describe("a policy", () => {
  test("is nothing until it is set, deletes nothing in dryRun, and then what the dry run said", async () => {
    await make(["1.0.0", "1.0.1"]);
    await expect(getRetentionPolicy(deps, image)).rejects.toMatchObject({
      code: "NotFound",
      message: `${image} has no retention policy: none of its versions is deleted. Set one with a PUT to this address.`,
    });
    expect(await run()).toEqual({ policies: 0, deletions: [], errors: [] });

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
    expect(await run()).toEqual({ policies: 0, deletions: [], errors: [] });

    await put(KEEP_1, "delete");
    await world.takeEvents();
    const { deletions } = await run();
    expect(deletions).toEqual([
      (await world.read(versionId("1.0.0"))).operation.id,
    ]);
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      kind: "DeleteImageVersion",
      status: "Succeeded",
      requestedBy: { name: "retention" },
      traceparent: TRACEPARENT,
    });
    expect(
      (await world.takeEvents()).map(({ type, data }) => [
        type.replace("Sigil.ImageVersion.", ""),
        (data as { requestedBy?: unknown }).requestedBy,
      ]),
    ).toEqual([
      ["Accepted", { name: "retention" }],
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
      message:
        "There is no policy yet: no dry run has shown what the new rules delete.",
    });
    await enforce(KEEP_1);
    for (const rules of [
      { keepNewestPromoted: 2 },
      { ...KEEP_1, deleteAfterEndOfLifeDays: 0 },
      { deleteAfterEndOfLifeDays: 0 },
    ])
      await expect(put(rules, "delete")).rejects.toMatchObject({
        ...refused,
        message:
          "The stored policy has other rules: no dry run has shown what the new rules delete.",
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
      message: `Azure has no image definition ${missing}.`,
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

describe("a run", () => {
  test("starts at most 10 deletions, all image definitions together, and the next one goes on", async () => {
    const second = await define();
    const numbers = Array.from({ length: 8 }, (_, i) => `1.0.${i}`);
    for (const each of [image, second]) {
      await make(numbers, undefined, each);
      await enforce(KEEP_1, each);
    }
    expect(MOST_DELETIONS).toBe(10);
    expect((await run()).deletions).toHaveLength(10);
    expect((await run()).deletions).toHaveLength(4);
    for (const each of [image, second]) {
      for (const number of numbers.slice(0, -1))
        await world.finish(versionId(number, each));
      expect(await inAzure(each)).toEqual(["1.0.7"]);
    }
    expect(await run()).toMatchObject({ deletions: [], errors: [] });
  });

  test("starts with those that can be undone, where the gallery has soft delete", async () => {
    const inOther = seedResource("galleries/OtherGallery/images/Retained");
    const gallery = of.gallery("OtherGallery", "westus");
    await world.simulator.control.putResource({
      ...gallery,
      properties: {
        ...gallery.properties,
        softDeletePolicy: { isSoftDeleteEnabled: true },
      },
    });
    await world.simulator.control.putResource(
      of.imageDefinition("OtherGallery", "Retained", "westus"),
    );
    const numbers = Array.from({ length: 7 }, (_, i) => `1.0.${i}`);
    for (const each of [image, inOther]) {
      await make(numbers, undefined, each);
      await enforce(KEEP_1, each);
    }
    // Whatever the order of the policies.
    for (const order of [1, -1]) {
      const { policies } = deps;
      const { deletions } = await run({
        ...deps,
        policies: {
          ...policies,
          list: async () =>
            (await policies.list()).toSorted(
              (a, b) =>
                order * a.policy.imageId.localeCompare(b.policy.imageId),
            ),
        },
      });
      const operations = await Promise.all(
        deletions.map((id) => world.deps.store.readOperation(id)),
      );
      const places = operations.map((one) =>
        one?.resourceId.startsWith(inOther) ? "other" : "first",
      );
      if (order === 1)
        expect(places).toEqual([
          ...Array<string>(6).fill("other"),
          ...Array<string>(4).fill("first"),
        ]);
      else expect(places).toEqual(["first", "first"]);
    }
    for (const each of [image, inOther])
      for (const number of numbers.slice(0, -1))
        await world.finish(versionId(number, each));
  });

  test("may come twice at once: each version is deleted once", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2"]);
    await enforce(KEEP_1);
    const runs = await Promise.all([run(), run(), run()]);
    expect(runs.flatMap(({ errors }) => errors)).toEqual([]);
    expect((await run()).deletions).toEqual([]);
    for (const number of ["1.0.0", "1.0.1"])
      expect(await world.finish(versionId(number))).toMatchObject({
        id: expect.stringMatching(/-2$/u) as string,
        status: "Succeeded",
      });
    expect(deletes()).toBe(2);
  });

  test("leaves a version alone that is changed while it is judged", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const promised = bodyOf({ endOfLifeDate: "2090-01-01" });
    const racing: RetentionDependencies = {
      ...deps,
      imageVersions: withList(async (imageId) => {
        // Sigil's records are read already, Azure's list shows the version as it was.
        const listed = await listImageVersions(imageId);
        await request(world.deps, versionId("1.0.0"), promised);
        await world.finish(versionId("1.0.0"));
        return listed;
      }),
    };
    expect(await run(racing)).toEqual({
      policies: 1,
      deletions: [],
      errors: [],
    });
    expect(await dryRun()).toMatchObject({ "1.0.0": "BeforeEndOfLife" });
  });

  test.each([
    ["taken away", () => deps.policies.remove(image)],
    ["set to dryRun again", () => put(KEEP_1)],
  ])(
    "stops at once where its policy is %s in the middle of it",
    async (_, change) => {
      await make(["1.0.0", "1.0.1", "1.0.2"]);
      await enforce(KEEP_1);
      let reads = 0;
      const { deletions } = await run({
        ...deps,
        policies: {
          ...deps.policies,
          async read(imageId) {
            reads += 1;
            if (reads === 2) await change();
            return deps.policies.read(imageId);
          },
        },
      });
      expect(deletions).toHaveLength(1);
      expect((await world.read(versionId("1.0.1"))).record.state).toBe(
        "Succeeded",
      );
      await world.finish(versionId("1.0.0"));
    },
  );

  test("goes on to the next image definition where one cannot be judged", async () => {
    const second = await define();
    for (const each of [image, second]) {
      await make(["1.0.0", "1.0.1"], undefined, each);
      await enforce(KEEP_1, each);
    }
    const { policies, deletions, errors } = await run({
      ...deps,
      imageVersions: withList(async (imageId) =>
        imageId === image ? undefined : listImageVersions(imageId),
      ),
    });
    expect(policies).toBe(2);
    expect(deletions).toHaveLength(1);
    expect(errors).toMatchObject([{ code: "NotFound" }]);
    await world.finish(versionId("1.0.0", second));
  });

  test("does not ask again for a version whose deletion Azure has refused", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    world.simulator.control.addFault({
      method: "DELETE",
      path: "versions/1\\.0\\.0\\?",
      action: "respond",
      status: 409,
      body: { error: { code: "ScopeLocked", message: "It is locked." } },
    });
    await run();
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Failed",
    });
    world.simulator.control.clearFaults();
    expect((await run()).deletions).toEqual([]);
    expect(await dryRun()).toMatchObject({ "1.0.0": "NotSucceeded" });
  });
});

test("what a rollback that runs leads to is not deleted, though newer ones are in latest yet", async () => {
  await make(["1.0.0", "2.0.0", "3.0.0", "4.0.0"]);
  await enforce(KEEP_1);
  const { id } = await rollBackImage(world.deps, {
    image: idOf(versionId("2.0.0")),
    to: "2.0.0",
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
  });
  await world.runDue();
  await world.runDue();
  expect(await dryRun()).toMatchObject({
    "1.0.0": "-BeyondNewestPromoted",
    "2.0.0": "OperationRunning",
  });
  const { deletions } = await run();
  expect(deletions).toHaveLength(1);
  for (let i = 0; i < 100; i += 1) {
    await world.runDue();
    world.clock.advance(15_000);
  }
  expect(await world.deps.rollbacks.readOperation(id)).toMatchObject({
    status: "Succeeded",
  });
  expect(await inAzure()).toEqual(["2.0.0", "3.0.0", "4.0.0"]);
  expect(await dryRun()).toMatchObject({ "2.0.0": "Latest" });
});

test.each(["demotion", "rollback"])(
  "a list that is older than a %s deletes nothing by what was before it",
  async (how) => {
    await make(["1.0.0", "2.0.0", "3.0.0"]);
    await enforce(KEEP_1);
    world.clock.advance(3_600_000);
    const old = await listImageVersions(image);
    const by = {
      requestedBy: { appId: "operator" },
      traceparent: TRACEPARENT,
    };
    if (how === "demotion") {
      await demoteImageVersion(world.deps, {
        id: idOf(versionId("3.0.0")),
        ...by,
      });
      await world.finish(versionId("3.0.0"));
    } else {
      await rollBackImage(world.deps, {
        image: idOf(versionId("2.0.0")),
        to: "2.0.0",
        ...by,
      });
      await world.finish(image);
    }
    const { deletions } = await run({
      ...deps,
      imageVersions: withList(() => Promise.resolve(old)),
    });
    expect(deletions).toHaveLength(1);
    await world.finish(versionId("1.0.0"));
    expect(await inAzure()).toEqual(["2.0.0", "3.0.0"]);
    expect(await latestIn(world.simulator, image, "westus")).toBe("2.0.0");
  },
);

test("a run that is killed at any write is made good by the next: each version is deleted once", async () => {
  await make(["1.0.0", "1.0.1"]);
  await enforce(KEEP_1);
  const healthy = failingDependencies(world.deps, "healthy", undefined);
  await run({ ...deps, imageVersions: healthy.deps });
  await world.finish(versionId("1.0.0"));
  const writes = healthy.calls.flatMap((call, i) =>
    hasEffect(call) ? [i + 1] : [],
  );
  expect(writes.length).toBeGreaterThan(2);
  await deps.policies.remove(image);
  for (const at of writes) {
    image = await define();
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    world.simulator.control.clearRequests();
    const dying = failingDependencies(world.deps, `at-${at}`, {
      at,
      kind: "killed",
      when: "before",
    });
    expect(
      (await run({ ...deps, imageVersions: dying.deps })).errors,
    ).toHaveLength(1);
    await run();
    // What was stored and not told is told by the next who comes by, as the reconciler would.
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      kind: "DeleteImageVersion",
      status: "Succeeded",
    });
    expect(deletes()).toBe(1);
    await deps.policies.remove(image);
  }
});

/** What waits until somebody else has come to a place. */
function gate(): { readonly isOpen: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  return { isOpen, open: () => open() };
}

describe("where versions are guarded", () => {
  let guarded: RetentionDependencies;
  beforeEach(() => {
    guarded = {
      ...deps,
      imageVersions: {
        ...world.deps,
        consumerSubscriptions: [LOCAL_SUBSCRIPTION_ID],
      },
    };
  });
  afterEach(() => removeUsers(world));

  const judged = async () =>
    Object.fromEntries(
      (await getRetentionPolicy(guarded, image)).evaluation.decisions.map(
        ({ version: { name }, code, deletes }) => [
          name,
          deletes ? `-${code}` : code,
        ],
      ),
    );

  test("what somebody needs by its number is kept, and says who; the others are deleted, each guarded", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2", "1.0.3"]);
    await enforce(KEEP_1);
    const subscription = LOCAL_SUBSCRIPTION_ID;
    await putUser(
      world,
      "virtualMachineScaleSets",
      "front",
      versionId("1.0.0"),
      { subscription },
    );
    await putUser(world, "virtualMachineScaleSets", "latest", image, {
      subscription,
    });
    await putUser(world, "virtualMachines", "vm", versionId("1.0.1"), {
      subscription,
    });
    expect(await judged()).toEqual({
      "1.0.0": "InUse",
      "1.0.1": "-BeyondNewestPromoted",
      "1.0.2": "-BeyondNewestPromoted",
      "1.0.3": "Latest",
    });
    const { deletions, errors } = await runRetention(guarded, TRACEPARENT);
    expect(errors).toEqual([]);
    expect(deletions).toHaveLength(2);
    const { record } = await world.read(versionId("1.0.1"));
    expect(Object.values(record.requests)).toMatchObject([{ guard: {} }]);
    for (const number of ["1.0.1", "1.0.2"])
      await world.finish(versionId(number));
    expect(await inAzure()).toEqual(["1.0.0", "1.0.3"]);
  });

  test("a machine with an ephemeral disk that was made of the latest needs the number that it got then", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2"]);
    await enforce(KEEP_1);
    await putUser(world, "virtualMachines", "vm", image, {
      subscription: LOCAL_SUBSCRIPTION_ID,
      ephemeral: true,
      exactVersion: "1.0.1",
    });
    expect(await judged()).toEqual({
      "1.0.0": "-BeyondNewestPromoted",
      "1.0.1": "InUse",
      "1.0.2": "Latest",
    });
  });

  test("what was found in use at the last look is judged anew at each run", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const { deletions } = await runRetention(guarded, TRACEPARENT);
    expect(deletions).toHaveLength(1);
    const subscription = LOCAL_SUBSCRIPTION_ID;
    const user = (name: string) =>
      putUser(world, "virtualMachineScaleSets", name, versionId("1.0.0"), {
        subscription,
      });
    await user("late");
    // It is not the latest: it waits, excluded, and is found in use.
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    expect(await judged()).toMatchObject({ "1.0.0": "InUse" });
    expect((await runRetention(guarded, TRACEPARENT)).deletions).toEqual([]);
    await removeUsers(world);
    expect(await judged()).toMatchObject({
      "1.0.0": "-BeyondNewestPromoted",
    });
    const again = await runRetention(guarded, TRACEPARENT);
    expect(again.deletions).toHaveLength(1);
    await cancelOperation(world.deps, again.deletions[0] ?? "", {
      appId: "operator",
    });
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Canceled",
    });
    expect(await judged()).toMatchObject({ "1.0.0": "NotSucceeded" });
    expect((await runRetention(guarded, TRACEPARENT)).deletions).toEqual([]);
  });

  test("what people have tried to delete, and somebody has come to need, is for people", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const id = versionId("1.0.0");
    await deleteImageVersion(guarded.imageVersions, {
      id: idOf(id),
      requestedBy: { name: "retention", appId: "somebody" },
      traceparent: TRACEPARENT,
    });
    await putUser(world, "virtualMachineScaleSets", "late", id, {
      subscription: LOCAL_SUBSCRIPTION_ID,
    });
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionInUse" },
    });
    await removeUsers(world);
    expect((await runRetention(guarded, TRACEPARENT)).deletions).toEqual([]);
  });

  test("a version of which a region has failed since is for people", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    await runRetention(guarded, TRACEPARENT);
    await putUser(
      world,
      "virtualMachineScaleSets",
      "late",
      versionId("1.0.0"),
      { subscription: LOCAL_SUBSCRIPTION_ID },
    );
    await world.finish(versionId("1.0.0"));
    await removeUsers(world);
    const stored = await world.read(versionId("1.0.0"));
    const { observed } = stored.record;
    if (observed === undefined) throw new Error("it was not looked at");
    await world.deps.store.commit(
      {
        ...stored.record,
        observed: {
          ...observed,
          regions: observed.regions.map((region) => ({
            ...region,
            state: "Failed" as const,
          })),
        },
      },
      stored.operation,
      stored,
    );
    expect(await judged()).toMatchObject({ "1.0.0": "NotSucceeded" });
  });

  describe("a deletion that waits is judged again before its DELETE", () => {
    const BY = {
      requestedBy: { appId: "operator" },
      traceparent: TRACEPARENT,
    };
    /** Three versions in latest; the deletions of the first two wait, excluded from latest. */
    async function waiting(): Promise<readonly string[]> {
      await make(["1.0.0", "2.0.0", "3.0.0"]);
      await enforce(KEEP_1);
      const { deletions } = await runRetention(guarded, TRACEPARENT);
      expect(deletions).toHaveLength(2);
      await drive(3);
      expect(await latest()).toBe("3.0.0");
      return deletions;
    }
    async function drive(minutes: number): Promise<void> {
      for (let i = 0; i < minutes * 4; i += 1) {
        await world.runDue();
        world.clock.advance(15_000);
      }
    }
    const latest = () => latestIn(world.simulator, image, "westus");
    const ends = (ids: readonly string[]) =>
      Promise.all(
        ids.map(async (id) => {
          const ended = await world.deps.store.readOperation(id);
          return ended?.error?.code ?? ended?.status;
        }),
      );

    test.each([
      [
        "demotes",
        () =>
          demoteImageVersion(world.deps, {
            id: idOf(versionId("3.0.0")),
            ...BY,
          }),
      ],
      [
        "deletes in Azure",
        () => world.simulator.control.removeResource(versionId("3.0.0")),
      ],
      [
        "excludes in Azure",
        () =>
          world.simulator.control.editVersion({
            versionId: versionId("3.0.0"),
            properties: { publishingProfile: { excludeFromLatest: true } },
          }),
      ],
    ])("where somebody %s the latest, the next is kept", async (_, act) => {
      const deletions = await waiting();
      await act();
      await drive(30);
      expect(await ends(deletions)).toEqual(["Succeeded", "KeptByRetention"]);
      expect(await latest()).toBe("2.0.0");
      const kept = await world.deps.store.readOperation(deletions[1] ?? "");
      expect(kept?.error?.message).toContain("The latest: virtual machines");
      expect(await dryRun()).toMatchObject({ "2.0.0": "Latest" });
    });

    test("where a rollback leads to it, it is in latest at once", async () => {
      const deletions = await waiting();
      const accepted = { image: idOf(versionId("2.0.0")), to: "2.0.0" };
      const { id } = await rollBackImage(world.deps, { ...accepted, ...BY });
      await drive(5);
      expect(await world.deps.rollbacks.readOperation(id)).toMatchObject({
        status: "Succeeded",
      });
      expect(await latest()).toBe("2.0.0");
      await drive(20);
      expect(await ends(deletions)).toEqual(["Succeeded", "KeptByRetention"]);
      expect(await inAzure()).toEqual(["2.0.0", "3.0.0"]);
    });

    test("where a rollback leads to it while it is being excluded, it is in latest soon", async () => {
      await make(["1.0.0", "2.0.0"]);
      await enforce(KEEP_1);
      const deletions = await runRetention(guarded, TRACEPARENT);
      for (const message of await world.takeDue()) await world.handle(message);
      expect((await world.read(versionId("1.0.0"))).record.state).toBe(
        "Accepted",
      );
      const accepted = { image: idOf(versionId("1.0.0")), to: "1.0.0" };
      const { id } = await rollBackImage(world.deps, { ...accepted, ...BY });
      await drive(8);
      expect(await world.deps.rollbacks.readOperation(id)).toMatchObject({
        status: "Succeeded",
      });
      expect(await ends(deletions.deletions)).toEqual(["KeptByRetention"]);
      expect(await latest()).toBe("1.0.0");
    });

    const asked = (patch: object) =>
      patchImageVersion(world.deps, {
        id: idOf(versionId("1.0.0")),
        patch,
        validate: () => [],
        ...BY,
      });
    const protection = { sigil: { protected: true } };
    const endOfLife = {
      properties: {
        publishingProfile: { endOfLifeDate: "2090-01-01T00:00:00Z" },
      },
    };

    describe.each([
      ["protects it", protection, "It is protected from deletion"],
      ["puts off its end of life", endOfLife, "Its end of life is in the"],
    ])("where somebody %s", (_, patch, why) => {
      test("while it waits, it is kept at once, and in latest as it was", async () => {
        const deletions = await waiting();
        const answer = await asked(patch);
        await drive(5);
        expect(
          await world.deps.store.readOperation(deletions[0] ?? ""),
        ).toMatchObject({
          error: {
            code: "KeptByRetention",
            message: expect.stringContaining(why) as string,
          },
        });
        if (answer.kind !== "accepted") throw new Error("it was not accepted");
        expect(await ends([answer.operation.id])).toEqual(["Succeeded"]);
        await drive(20);
        expect(await inAzure()).toEqual(["1.0.0", "3.0.0"]);
        await world.simulator.control.removeResource(versionId("3.0.0"));
        expect(await latest()).toBe("1.0.0");
      });

      test("while it is being excluded, it is kept", async () => {
        await make(["1.0.0", "2.0.0"]);
        await enforce(KEEP_1);
        const { deletions } = await runRetention(guarded, TRACEPARENT);
        for (const message of await world.takeDue())
          await world.handle(message);
        await asked(patch);
        await drive(20);
        expect(await ends(deletions)).toEqual(["KeptByRetention"]);
        expect(await inAzure()).toEqual(["1.0.0", "2.0.0"]);
      });
    });

    test("where what is asked would not have it kept, the refusal says what would", async () => {
      await waiting();
      const refused = {
        code: "ImageVersionConflict",
        message: expect.stringContaining('{"protected": true}') as string,
      };
      expect(await refusal(asked({ tags: { a: "1" } }))).toMatchObject(refused);
      const id = idOf(versionId("1.0.0"));
      expect(
        await refusal(promoteImageVersion(world.deps, { id, ...BY })),
      ).toMatchObject(refused);
    });

    test("where it was protected, nobody takes the deletion over", async () => {
      const deletions = await waiting();
      await asked(protection);
      const id = idOf(versionId("1.0.0"));
      expect(
        await refusal(deleteImageVersion(world.deps, { id, ...BY })),
      ).toMatchObject({ code: "ImageVersionProtected" });
      await drive(20);
      expect((await ends(deletions))[0]).toBe("KeptByRetention");
    });

    test("where the policy is taken away, all are kept", async () => {
      const deletions = await waiting();
      await deleteRetentionPolicy(deps, image);
      await drive(20);
      expect(await ends(deletions)).toEqual([
        "KeptByRetention",
        "KeptByRetention",
      ]);
      expect(await inAzure()).toEqual(["1.0.0", "2.0.0", "3.0.0"]);
    });

    test("but not where a person asks for it, too", async () => {
      const [deletion = ""] = await waiting();
      await deleteRetentionPolicy(deps, image);
      const same = await deleteImageVersion(guarded.imageVersions, {
        id: idOf(versionId("1.0.0")),
        ...BY,
      });
      expect(same).toMatchObject({ id: deletion, ...BY });
      await drive(20);
      expect(await ends([deletion])).toEqual(["Succeeded"]);
    });

    /** Takes the steps that are due. Within the first that asks what `asking` names, once that is answered, `act`. */
    async function within(
      asking: "a look" | "the policy" | "who uses it",
      act: () => Promise<unknown>,
    ): Promise<void> {
      let isDone = false;
      const after =
        <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          const answer = await ask(...args);
          if (!isDone) {
            isDone = true;
            await act();
          }
          return answer;
        };
      const { resourceManager, imageUsers, keptByPolicy } = world.deps;
      const asked = {
        "a look": {
          resourceManager: {
            ...resourceManager,
            getImageVersion: after((of: ImageVersionId) =>
              resourceManager.getImageVersion(of),
            ),
          },
        },
        "the policy": { keptByPolicy: after(keptByPolicy) },
        "who uses it": {
          imageUsers: {
            ...imageUsers,
            listScaleSets: after(
              (...of: Parameters<typeof imageUsers.listScaleSets>) =>
                imageUsers.listScaleSets(...of),
            ),
          },
        },
      }[asking];
      const handled = await world.takeDue();
      for (const message of handled)
        await world.handle(message, {
          ...world.deps,
          consumerSubscriptions: [LOCAL_SUBSCRIPTION_ID],
          ...asked,
        });
      expect(isDone).toBe(true);
    }

    const removeFirst = () =>
      deleteImageVersion(guarded.imageVersions, {
        id: idOf(versionId("1.0.0")),
        ...BY,
      });

    test.each(["a look", "the policy"] as const)(
      "but not where a person asks for it while its first step asks for %s",
      async (asking) => {
        await make(["1.0.0", "2.0.0"]);
        await enforce(KEEP_1);
        const { deletions } = await runRetention(guarded, TRACEPARENT);
        await within(asking, removeFirst);
        await drive(3);
        await deleteRetentionPolicy(deps, image);
        await drive(20);
        expect(await ends(deletions)).toEqual(["Succeeded"]);
      },
    );

    test("but not where a person asks for it while its last step finds that the policy is taken away", async () => {
      const [deletion = "", other = ""] = await waiting();
      await cancelOperation(world.deps, other, BY.requestedBy);
      await world.runDue();
      await deleteRetentionPolicy(deps, image);
      world.clock.advance(900_000);
      await within("the policy", removeFirst);
      await drive(20);
      expect(await ends([deletion])).toEqual(["Succeeded"]);
    });

    test.each(["a look", "the policy", "who uses it"] as const)(
      "where a rollback to it is accepted while its last step asks for %s, it is kept",
      async (asking) => {
        const deletions = await waiting();
        world.clock.advance(900_000);
        let rollback = "";
        await within(asking, async () => {
          const accepted = { image: idOf(versionId("1.0.0")), to: "1.0.0" };
          rollback = (await rollBackImage(world.deps, { ...accepted, ...BY }))
            .id;
        });
        await drive(20);
        expect(
          await world.deps.rollbacks.readOperation(rollback),
        ).toMatchObject({ status: "Succeeded" });
        expect((await ends(deletions))[0]).toBe("KeptByRetention");
        expect(await latest()).toBe("1.0.0");
      },
    );

    describe.each(["waits", "is not accepted yet"] as const)(
      "a rollback that is planned while the deletion of its target %s",
      (deletion) => {
        let deletions: readonly string[];
        beforeEach(async () => {
          if (deletion === "waits") {
            deletions = await waiting();
            world.clock.advance(900_000);
            return;
          }
          await make(["1.0.0", "2.0.0", "3.0.0"]);
          await enforce(KEEP_1);
        });

        /** All that is left of the deletion, until Azure has taken the DELETE. */
        async function sendsDelete(given?: StepDependencies): Promise<void> {
          if (deletion !== "waits")
            ({ deletions } = await runRetention(deps, TRACEPARENT));
          for (const message of await world.takeDue())
            await world.handle(message, given);
        }
        /** Dependencies of whoever accepts the rollback, with what happens around its being stored. */
        function storing({
          before = () => Promise.resolve(),
          after = () => Promise.resolve(),
        }: Partial<
          Record<"before" | "after", () => Promise<unknown>>
        >): StepDependencies {
          const { rollbacks } = world.deps;
          let isDone = false;
          return {
            ...world.deps,
            rollbacks: {
              ...rollbacks,
              async commit(...of: Parameters<typeof rollbacks.commit>) {
                if (isDone) return rollbacks.commit(...of);
                isDone = true;
                await before();
                const stored = await rollbacks.commit(...of);
                await after();
                return stored;
              },
            },
          };
        }
        const rolledBack = (given: StepDependencies) =>
          rollBackImage(given, {
            image: idOf(versionId("1.0.0")),
            to: "1.0.0",
            ...BY,
          });
        const rollback = async () =>
          (await ends([`${keyOf(image)}-1`])).join("");

        test("is refused where it is stored once the DELETE is sent", async () => {
          expect(
            await refusal(rolledBack(storing({ before: sendsDelete }))),
          ).toMatchObject({
            code: "RollbackRefused",
            fields: { existingOperationId: deletions[0] },
          });
          await drive(20);
          expect(await rollback()).toBe("RollbackRefused");
          expect(await ends(deletions)).toEqual(["Succeeded", "Succeeded"]);
          expect(await latest()).toBe("3.0.0");
        });

        test("where both die before they say so, demotes nothing for what is to be deleted", async () => {
          const died = () => Promise.reject(new Error("died"));
          const { resourceManager } = world.deps;
          const storedAndDead = storing({
            before: () =>
              sendsDelete({
                ...world.deps,
                resourceManager: {
                  ...resourceManager,
                  deleteImageVersion: died,
                },
              }).catch(() => undefined),
            after: died,
          });
          await expect(rolledBack(storedAndDead)).rejects.toThrow("died");
          for (let minutes = 0; minutes < 20; minutes += 1) {
            world.clock.advance(60_000);
            await reconcile(world.deps);
            await world.runDue();
            expect(await latest()).toBe("3.0.0");
          }
          expect(await rollback()).toBe("RollbackRefused");
          expect(await ends(deletions)).toEqual([
            "KeptByRetention",
            "Succeeded",
          ]);
        });

        test("keeps it where it is stored before that", async () => {
          const { status } = await rolledBack(storing({ after: sendsDelete }));
          expect(status).toBe("NotStarted");
          await drive(20);
          expect(await rollback()).toBe("Succeeded");
          expect(await latest()).toBe("1.0.0");
        });

        test.each([
          ["keeps it", true],
          ["is refused", false],
        ] as const)(
          "%s where each is stored before the other looks",
          async (_, isWithdrawn) => {
            const { rollbacks } = world.deps;
            const [begun, stored] = [gate(), gate()];
            const [read, answered] = [gate(), gate()];
            let deleting: Promise<void> | undefined;
            const accepted = await rolledBack(
              storing({
                before() {
                  deleting = sendsDelete({
                    ...world.deps,
                    rollbacks: {
                      ...rollbacks,
                      async read(key) {
                        begun.open();
                        await stored.isOpen;
                        const found = await rollbacks.read(key);
                        read.open();
                        await answered.isOpen;
                        return found;
                      },
                    },
                  });
                  return begun.isOpen;
                },
                async after() {
                  stored.open();
                  await read.isOpen;
                  if (!isWithdrawn) return;
                  answered.open();
                  await deleting;
                },
              }),
            ).catch((error: unknown) => error);
            answered.open();
            await deleting;
            expect(accepted).toMatchObject(
              isWithdrawn
                ? { status: "NotStarted" }
                : { code: "RollbackRefused" },
            );
            await drive(20);
            expect(await rollback()).toBe(
              isWithdrawn ? "Succeeded" : "RollbackRefused",
            );
            expect((await ends(deletions))[0]).toBe("KeptByRetention");
          },
        );
      },
    );

    test("and a promotion says which deletion is to be canceled first", async () => {
      const [deletion = ""] = await waiting();
      const error = await refusal(
        promoteImageVersion(world.deps, {
          id: idOf(versionId("1.0.0")),
          ...BY,
        }),
      );
      expect(error).toMatchObject({
        code: "ImageVersionConflict",
        fields: { existingOperationId: deletion },
      });
      expect(error.message).toContain(`/api/operations/${deletion}/cancel`);
      await drive(20);
      expect(await ends([deletion])).toEqual(["Succeeded"]);
    });

    test("and a rollback without a target names none of those", async () => {
      const deletions = await waiting();
      const error = await refusal(
        rollBackImage(world.deps, { image: idOf(versionId("2.0.0")), ...BY }),
      );
      expect(error.code).toBe("RollbackRefused");
      expect(error.message).not.toContain('{"to"');
      expect(error.message).toContain(
        `1.0.0 is to be deleted by operation ${deletions[0] ?? ""}.`,
      );
      await drive(20);
    });
  });

  test("what could not be seen is kept, all of it", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const denial = {
      action: "Microsoft.Compute/virtualMachineScaleSets/read",
      scope: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`,
    };
    world.clock.advance(60_000);
    await world.simulator.control.denyAction(denial);
    const { evaluation } = await getRetentionPolicy(guarded, image);
    await world.simulator.control.allowAction(denial);
    expect(evaluation.decisions[0]).toMatchObject({
      deletes: false,
      code: "UseUnknown",
      reason: expect.stringContaining("Give it the role Reader") as string,
    });
  });

  test("of an image definition with nothing to delete nobody is asked", async () => {
    await make(["1.0.0"]);
    await enforce(KEEP_1);
    await judged();
    expect(
      world.simulator.control.countRequests({ path: "ResourceGraph" }),
    ).toBe(0);
  });
});
