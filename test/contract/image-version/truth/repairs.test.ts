/** What a repair takes away it can add back, and nobody needs it; where that turns out otherwise, it is told. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { describe, expect, test } from "vitest";
import { runKeyGuardian } from "../../../../src/key-guardian/run-key-guardian.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { TRACEPARENT, type InProcess } from "../../../support/dependencies.js";
import { CONSUMER, putUser, removeUsers } from "../../../support/image-users.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { refusal } from "../../../support/refusal.js";
import { seedRegion } from "../../../support/requests.js";
import {
  byHand,
  cancel,
  ended,
  facts,
  newDefinition,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  puts,
  regionIn,
  regionNames,
  shownIn,
  until,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld(
  {
    replicationMs: 600_000,
    spread: 0,
    consumerSubscriptions: [CONSUMER],
  },
  (given, versionId) => {
    world = given;
    id = versionId;
  },
);

const SET = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").diskEncryptionSet(
  "EastUS2DiskEncryptionSet1",
  "eastus2",
);

const withhold = (...regions: string[]) =>
  world.simulator.control.setUnavailableRegions({
    subscriptionId: LOCAL_SUBSCRIPTION_ID,
    regions,
  });

const putSet = (properties: object = {}) =>
  world.simulator.control.putResource({
    ...SET,
    properties: { ...SET.properties, ...properties },
  });

async function mend(): Promise<void> {
  await withhold();
  await putSet();
  await world.simulator.control.allowAction({
    action: "Microsoft.Compute/diskEncryptionSets/read",
  });
}

/** One run of the key guardian; what it tells, by set. */
async function guard(): Promise<readonly string[]> {
  const { keyGuardian } = world.deps;
  if (keyGuardian === undefined) throw new Error("nobody looks after keys");
  await world.takeEvents();
  await runKeyGuardian({ ...world.deps, ...keyGuardian }, TRACEPARENT);
  return (await world.takeEvents()).flatMap(({ type, subject, data }) =>
    id.startsWith(`${subject}/`) && /\.Key(?:AtRisk|Safe)$/u.test(type)
      ? [`${type.split(".").at(-1)} ${JSON.stringify(data)}`]
      : [],
  );
}

const keyed = () =>
  plain([
    seedRegion("westus", "WestUS"),
    seedRegion("eastus2", "EastUS2", { regionalReplicaCount: 2 }),
  ]);

/** A creation of which eastus2 has failed: it is to be repaired soon. */
async function failing(body = keyed()): Promise<OperationRecord> {
  const accepted = operationIn(await put(world, id, body));
  await world.runDue();
  await world.simulator.control.setRegionState({
    versionId: id,
    region: "eastus2",
    state: "Failed",
    details: "No capacity.",
  });
  return accepted;
}

/** Runs on until Azure has eastus2 no more. */
async function untilAway(): Promise<void> {
  for (let i = 0; i < 400; i += 1) {
    await world.runDue();
    if (!regionNames(await shownIn(world, id)).includes("eastus2")) return;
    world.clock.advance(5_000);
  }
  throw new Error("eastus2 is not taken away");
}

const endOf = async (one: OperationRecord): Promise<OperationRecord> => {
  await ended(world, [one]);
  return operation(world, one);
};

const inEastus2 = ({ regions }: OperationRecord) => regions.find(({ name }) => name === "eastus2");

const CAUSES = [
  [
    "its set is gone",
    "DiskEncryptionSetNotFound",
    () => world.simulator.control.removeResource(SET.id),
  ],
  ["its set is Failed", "DiskEncryptionSetNotReady", () => putSet({ provisioningState: "Failed" })],
  ["its set has no key", "DiskEncryptionSetWithoutKey", () => putSet({ activeKey: undefined })],
  [
    "its set may not be read",
    "InsufficientPermission",
    () =>
      world.simulator.control.denyAction({
        action: "Microsoft.Compute/diskEncryptionSets/read",
        scope: SET.id,
      }),
  ],
  ["the subscription has the region no more", "RegionNotOffered", () => withhold("eastus2")],
] as const;

describe("a region that could not be added back is not taken away:", () => {
  test.each(CAUSES)("%s", async (_, code, cause) => {
    const accepted = await failing();
    await cause();
    world.simulator.control.clearRequests();
    const end = await endOf(accepted);
    expect(end).toMatchObject({
      status: "Failed",
      error: { code: "ReplicationFailed" },
    });
    expect(puts(world)).toBe(0);
    expect(regionNames(await shownIn(world, id))).toContain("eastus2");
    const found = end.error?.errors.find((one) => one.code === code);
    expect(found?.pointer).toMatch(/targetRegions\/1\//u);
    expect(inEastus2(end)).toMatchObject({ state: "Failed" });
    expect(inEastus2(end)?.nextAttemptTime).toBeUndefined();
    expect(inEastus2(end)?.details).toContain("No capacity.");
    expect(inEastus2(end)?.details).toContain(found?.remediation);
    expect(end.error?.message).toMatch(/\. eastus2 is not removed and added back/u);
    expect(end.error?.message).toContain(found?.remediation);
    expect(
      facts(await world.takeEvents(), accepted).filter((fact) => /repairing|removed/u.test(fact)),
    ).toEqual([]);

    const again = await endOf(await byHand.retry(world, id));
    expect(again).toMatchObject({ status: "Failed" });
    expect(again.error?.errors.map((one) => one.code)).toContain(code);
    expect(puts(world)).toBe(0);

    await mend();
    expect(await endOf(await byHand.retry(world, id))).toMatchObject({
      status: "Succeeded",
    });
    expect(regionIn(await shownIn(world, id), "eastus2").regionalReplicaCount).toBe(2);
  });

  test("its key is known to be disabled", async () => {
    id = `${await newDefinition(world)}/versions/1.0.0`;
    const accepted = await failing();
    const key = world.simulator.control
      .resources()
      .find(({ id: one }) => one.endsWith("/keys/EastUS2DiskEncryptionSet1"));
    if (key === undefined) throw new Error("there is no key");
    const { control } = world.simulator;
    await control.putResource({
      ...key,
      properties: { ...key.properties, attributes: { enabled: false } },
    });
    expect(await guard()).toEqual([expect.stringMatching(/^KeyAtRisk/u)]);
    world.simulator.control.clearRequests();
    const end = await endOf(accepted);
    expect(end.error?.errors.map(({ code }) => code)).toContain("KeyDisabled");
    expect(puts(world)).toBe(0);
    await control.putResource(key);
    expect(await endOf(await byHand.retry(world, id))).toMatchObject({
      status: "Succeeded",
    });
  });

  test("its repair is over, and the other regions are waited for", async () => {
    await world.simulator.control.setFailureMode({ when: "firstRegion" });
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 10,
    });
    const regions = ["westus", "eastus2", "eastus"];
    const accepted = operationIn(await put(world, id, plain(regions.map((name) => ({ name })))));
    await world.runDue();
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus",
      atProgress: 50,
    });
    await withhold("eastus2");
    let running = await operation(world, accepted);
    while (running.status === "Running") {
      await pass(world, 15_000);
      running = await operation(world, accepted);
      if (inEastus2(running)?.details?.includes("not removed")) break;
    }
    expect(running.status).toBe("Running");
    expect(inEastus2(running)?.nextAttemptTime).toBeUndefined();
    await pass(world, 30_000);
    expect(
      inEastus2(await operation(world, accepted))?.details?.match(/does not offer the region/gu),
    ).toHaveLength(1);
    await world.simulator.control.resumeRegion({
      versionId: id,
      region: "eastus",
    });
    const end = await endOf(accepted);
    expect(end.error?.errors.at(-1)).toMatchObject({
      code: "RegionNotOffered",
    });
    expect(regionNames(await shownIn(world, id))).toContain("eastus2");
  });
});

test.each([429, 503])(
  "while Azure answers %i nothing is taken away; then the region is repaired",
  async (status) => {
    const accepted = await failing();
    await pass(world, 200_000);
    world.simulator.control.clearRequests();
    world.simulator.control.addFault({
      method: "GET",
      path: "diskEncryptionSets",
      status,
      times: null,
    });
    await pass(world, 900_000);
    expect(puts(world)).toBe(0);
    expect(await operation(world, accepted)).toMatchObject({
      status: "Running",
      waitReason: expect.any(String) as string,
    });
    world.simulator.control.clearFaults();
    expect(await endOf(accepted)).toMatchObject({ status: "Succeeded" });
  },
);

describe("where a scale set is made of the version", () => {
  test("in the failed region, that is not taken away", async () => {
    const accepted = await failing();
    const user = await putUser(world, "virtualMachineScaleSets", "web", id, {
      region: "eastus2",
    });
    world.simulator.control.clearRequests();
    const end = await endOf(accepted);
    expect(end).toMatchObject({ status: "Failed" });
    const found = end.error?.errors.find(({ code }) => code === "ImageVersionInUse");
    expect(found?.message).toContain(user);
    expect(found?.remediation).toContain("retry");
    expect(JSON.stringify(end)).not.toContain("ignoreUse");
    expect(puts(world)).toBe(0);
    expect(regionNames(await shownIn(world, id))).toContain("eastus2");

    await removeUsers(world);
    expect(await endOf(await byHand.retry(world, id))).toMatchObject({
      status: "Succeeded",
    });
  });

  test("in another region, the failed one is repaired", async () => {
    const accepted = await failing();
    await putUser(world, "virtualMachineScaleSets", "web", id);
    expect(await endOf(accepted)).toMatchObject({ status: "Succeeded" });
  });
});

describe("a region that could not be added back all the same", () => {
  const gone = async (): Promise<void> => {
    await untilAway();
    await world.simulator.control.removeResource(SET.id);
  };

  test("is told, and a retry adds it back as it was", async () => {
    const accepted = await failing();
    await gone();
    const end = await endOf(accepted);
    expect(end).toMatchObject({ status: "Failed" });
    expect(end.error?.message).toMatch(
      /eastus2 was removed for its repair, and could not be added back\..* retry/u,
    );
    expect(end.history.at(-1)?.message).toContain("eastus2 was removed");
    expect(inEastus2(end)).toMatchObject({ state: "Failed" });
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
    const told = facts(await world.takeEvents(), accepted);
    expect(told.filter((fact) => fact.endsWith("/removed"))).toEqual(["eastus2/removed"]);
    expect(told.at(-1)).toBe("failed");
    expect(await refusal(byHand.retry(world, id, ["northeurope"]))).toMatchObject({
      code: "InvalidRequest",
    });

    await putSet();
    const retry = await byHand.retry(world, id);
    expect(await endOf(retry)).toMatchObject({ status: "Succeeded" });
    expect(facts(await world.takeEvents(), retry).slice(-2)).toEqual([
      expect.stringMatching(/^eastus2\/completed/u) as string,
      "completed",
    ]);
    expect(regionIn(await shownIn(world, id), "eastus2").regionalReplicaCount).toBe(2);
    expect(await refusal(byHand.retry(world, id))).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test("leaves its key at risk until that is mended", async () => {
    id = `${await newDefinition(world)}/versions/1.0.0`;
    const accepted = await failing();
    expect(await guard()).toEqual([]);
    await untilAway();
    await putSet({ provisioningState: "Failed" });
    const told = await guard();
    expect(told).toEqual([expect.stringMatching(/^KeyAtRisk/u)]);
    expect(told[0]).toContain(SET.id);
    expect(await endOf(accepted)).toMatchObject({ status: "Failed" });
    expect(await guard()).toEqual([]);
    await putSet();
    expect(await guard()).toEqual([expect.stringMatching(/^KeySafe/u)]);
  });

  test("a cancellation names it", async () => {
    const accepted = await failing();
    await gone();
    await cancel(world, accepted);
    const end = await endOf(accepted);
    expect(end.status).toBe("Canceled");
    expect(end.history.at(-1)?.message).toMatch(
      /eastus2 was removed for its repair, and could not be added back\./u,
    );
    const told = facts(await world.takeEvents(), accepted);
    expect(told).toContain("eastus2/removed");
    expect(told.at(-1)).toBe("canceled");
  });

  test("a PUT adds it back, too, and then there is nothing to retry", async () => {
    const accepted = await failing();
    await gone();
    await endOf(accepted);
    await putSet();
    const again = operationIn(await put(world, id, keyed()));
    expect(await endOf(again)).toMatchObject({ status: "Succeeded" });
    expect(await refusal(byHand.retry(world, id))).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test.each([
    ["alone", {}],
    ["beside a tag", { tags: { a: "1" } }],
  ])("is lost no more once its removal is asked, %s", async (_, merge) => {
    const accepted = await failing();
    await gone();
    await endOf(accepted);
    await putSet();
    const removal = await patch(world, id, merge, {
      removeRegions: ["eastus2"],
    });
    expect(await endOf(operationIn(removal))).toMatchObject({
      status: "Succeeded",
    });
    expect(await refusal(byHand.retry(world, id))).toMatchObject({
      code: "ImageVersionConflict",
    });
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  });
});

test("a region that is away comes back though another's update beside it is refused", async () => {
  const creation = operationIn(await put(world, id, plain(undefined, { tags: { build: "1" } })));
  await world.runDue();
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 10,
  });
  await until(world, async () => !regionNames(await shownIn(world, id)).includes("eastus2"));
  const update = operationIn(await patch(world, id, { tags: { cost: "forbidden" } }));
  const { resourceManager } = world.deps;
  const { control } = world.simulator;
  const send = resourceManager.putImageVersion.bind(resourceManager);
  resourceManager.putImageVersion = async (one, body) => {
    const isForbidden = body.tags?.["cost"] !== undefined;
    await control.setPolicy(isForbidden ? { deny: "no tag cost" } : null);
    return send(one, body).finally(() => control.setPolicy(null));
  };
  expect(await ended(world, [creation, update])).toMatchObject([
    { status: "Succeeded" },
    { status: "Failed" },
  ]);
  expect(regionNames(await shownIn(world, id))).toContain("eastus2");
  resourceManager.putImageVersion = send;
});
