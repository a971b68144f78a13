/** A ban's words are its author's and an Admin's; a revoked version that is still the latest says where. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { banOf } from "../../../src/revocation/bans.js";
import { operationsOf, planRevocation } from "../../../src/revocation/revoke.js";
import { idOf, revocationOf, startInProcess, type InProcess } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { naming } from "../../support/naming.js";
import { refusal } from "../../support/refusal.js";
import { define, EASTUS2, inAzure, WESTUS } from "../image-version/rollbacks.js";
import { BY, REASON, Revocations } from "./support.js";

const ANN = { objectId: "ann", appId: "cli", name: "Ann Meyer" };
const BOB = { objectId: "bob", appId: "cli", name: "Bob Olsen" };
const HARMLESS = "It is harmless: keep using it.";
const KEPT = expect.objectContaining({
  code: "BanKept",
  pointer: "/reason",
  severity: "warning",
  message: naming(["Ann Meyer", "1.0.1", REASON]),
  remediation: naming(["Ann Meyer"]),
}) as unknown;

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
const ban = (number: string) => banOf(revocationOf(world.deps).revocations, id(number));
const cancel = ({ id: operationId }: OperationRecord) =>
  cancelOperation(operationsOf(revocationOf(world.deps)), operationId, BY.requestedBy);
const told = async ({ id: operationId }: OperationRecord) =>
  (await world.takeEvents())
    .filter((event) => event.id.startsWith(`${operationId}/`))
    .map(({ type }) => type.split(".").at(-1));

/** Condition `Revoked` of GET. */
async function condition(number: string) {
  const version = await getImageVersion(world.deps, id(number));
  const revocation = await ban(number);
  const { conditions } = viewImageVersion(version, world.deps.now(), {
    ...(revocation && { revocation }),
  }).sigil;
  return conditions?.find(({ type }) => type === "Revoked");
}

describe("of what another person has revoked", () => {
  beforeEach(async () => {
    await versions.publish("1.0.0");
    await versions.publish("1.0.1");
    await versions.revoked("1.0.1", {
      requestedBy: ANN,
      replacement: "1.0.0",
    });
    world.clock.advance(3_600_000);
    await world.takeEvents();
  });

  test("a Writer keeps reason, replacement, author and time, and is told so", async () => {
    const before = await ban("1.0.1");
    const operation = await versions.revoked("1.0.1", {
      requestedBy: BOB,
      reason: HARMLESS,
    });
    expect(operation).toMatchObject({ status: "Succeeded", warnings: [KEPT] });
    expect(JSON.stringify(operation.history)).toContain(HARMLESS);
    expect(await ban("1.0.1")).toEqual(before);
    expect(await told(operation)).toEqual(["RevocationCompleted"]);
    const again = await versions.revoke("1.0.1", {
      requestedBy: BOB,
      reason: HARMLESS,
    });
    expect(again.id).toBe(operation.id);
  });

  test("a dry run of other words says that the ban stays", async () => {
    const { findings } = await planRevocation(revocationOf(world.deps), {
      id: id("1.0.1"),
      requestedBy: BOB,
      reason: HARMLESS,
    });
    expect(findings).toContainEqual(KEPT);
  });

  test.each([
    ["the author", { requestedBy: { ...ANN, appId: "page" } }],
    ["an Admin", { requestedBy: BOB, mayReword: true }],
  ])("%s changes the words, and the time stays", async (_, by) => {
    const before = await ban("1.0.1");
    const operation = await versions.revoked("1.0.1", {
      ...by,
      reason: HARMLESS,
    });
    expect(await ban("1.0.1")).toEqual({
      reason: HARMLESS,
      revokedBy: by.requestedBy,
      revokedTime: before?.revokedTime,
    });
    expect(operation.warnings ?? []).not.toContainEqual(
      expect.objectContaining({ code: "BanKept" }),
    );
    expect(await told(operation)).toEqual(["Revoked", "RevocationCompleted"]);
  });

  test("an Admin who repeats a Writer's words sets them", async () => {
    await versions.revoked("1.0.1", { requestedBy: BOB, reason: HARMLESS });
    await versions.revoked("1.0.1", {
      requestedBy: BOB,
      mayReword: true,
      reason: HARMLESS,
    });
    expect(await ban("1.0.1")).toMatchObject({ reason: HARMLESS });
  });

  test.each([
    ["the application that Ann uses", { appId: "cli" }],
    ["the sender of a message", { source: "urn:ann" }],
  ])("%s is not its author", async (_, requestedBy) => {
    const { warnings } = await versions.revoke("1.0.1", {
      requestedBy,
      reason: HARMLESS,
    });
    expect(warnings).toContainEqual(KEPT);
  });

  test("unrevoked and revoked again, the ban is new", async () => {
    const before = await ban("1.0.1");
    await versions.unrevoke("1.0.1");
    await versions.revoked("1.0.1", { requestedBy: BOB, reason: HARMLESS });
    const after = await ban("1.0.1");
    expect(after).toMatchObject({ reason: HARMLESS, revokedBy: BOB });
    expect(after?.revokedTime).not.toBe(before?.revokedTime);
  });

  test("put back into latest in Azure, it is taken out by a Writer, for the first reason", async () => {
    await inAzure(world, { "1.0.1": { excludeFromLatest: false } }, image);
    expect(await latest()).toBe("1.0.1");
    const operation = await versions.revoked("1.0.1", {
      requestedBy: BOB,
      reason: HARMLESS,
    });
    expect(operation.status).toBe("Succeeded");
    expect(operation.warnings).toContainEqual(KEPT);
    expect(await latest()).toBe("1.0.0");
    expect(await ban("1.0.1")).toMatchObject({
      reason: REASON,
      revokedBy: ANN,
    });
  });
});

test("an application that revoked may say it otherwise", async () => {
  await versions.publish("1.0.0");
  await versions.publish("1.0.1");
  await versions.revoked("1.0.1");
  await versions.revoked("1.0.1", { reason: HARMLESS });
  expect(await ban("1.0.1")).toMatchObject({ reason: HARMLESS });
});

test("once its revocation is canceled, Revoked says where it is still the latest, until it is not", async () => {
  await versions.publish("1.0.0", [WESTUS]);
  await versions.publish("1.0.1", [WESTUS, EASTUS2]);
  await cancel(
    await versions.revoke("1.0.1", {
      replacement: "1.0.0",
      allowNoLatest: true,
    }),
  );
  expect(await condition("1.0.1")).toMatchObject({
    message: naming([REASON, "1.0.0", "eastus2", "westus"]),
    regions: ["eastus2", "westus"],
  });
  await versions.revoked("1.0.1", {
    replacement: "1.0.0",
    allowNoLatest: true,
  });
  const out = await condition("1.0.1");
  expect(out?.message).toEqual(naming([REASON, "1.0.0"]));
  expect(out).not.toHaveProperty("regions");
});

test("a revocation that was canceled is asked for again: it is another operation, with the same ban", async () => {
  await versions.publish("1.0.0");
  await versions.publish("1.0.1");
  const first = await versions.revoke("1.0.1");
  await cancel(first);
  const before = await ban("1.0.1");
  world.clock.advance(60_000);
  await world.takeEvents();
  const second = await versions.revoked("1.0.1");
  expect(second.id).not.toBe(first.id);
  expect(await latest()).toBe("1.0.0");
  expect(await ban("1.0.1")).toEqual(before);
  expect(await told(second)).toEqual(["RevocationCompleted"]);
});

test("a revocation is lifted while it runs as the refusal says: canceled first", async () => {
  await versions.publish("1.0.0");
  const running = await versions.revoked("1.0.0");
  const refused = await refusal(versions.unrevoke("1.0.0"));
  expect(refused).toMatchObject({
    code: "ImageVersionConflict",
    message: naming([running.id]),
    fields: { existingOperationId: running.id },
  });
  await cancel(running);
  expect(await versions.unrevoke("1.0.0")).toMatchObject({
    status: "Succeeded",
  });
});
