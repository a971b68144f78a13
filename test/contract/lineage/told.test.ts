/** Versions hear, once each, that one they were built from is revoked. */
import { beforeEach, expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { ServiceError } from "../../../src/errors.js";
import type { InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { define } from "../image-version/rollbacks.js";
import {
  byHand,
  ended,
  faultOn,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
} from "../image-version/truth/support.js";
import { Revocations } from "../revocation/support.js";
import { build, ofSnapshot, snapshotOf } from "./support.js";

let world: InProcess;
let bases: Revocations;
let base: string;
let app: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});
beforeEach(async () => {
  bases = new Revocations(world, await define(world));
  base = bases.id("1.1.0");
  app = await define(world);
  await made(world, base, plain());
  await made(world, bases.id("1.2.0"), plain());
});

const id = (number: string) => `${app}/versions/${number}`;
const revoke = async (more: Parameters<Revocations["revoke"]>[1] = {}) => {
  await bases.revoke("1.1.0", more);
  await bases.settled("1.1.0");
  world.clock.advance(1_000);
};
/** Each with the number that it tells, once an id, as a topic with duplicate detection has them. */
const told = async () => {
  const events = (await world.takeEvents()).filter(({ type }) => type.endsWith(".ParentRevoked"));
  const once = new Map(events.map((one) => [one.id, one]));
  return [...once.values()]
    .map(({ subject, data }) => ({ ...(data as object), of: subject?.split("/").at(-1) }))
    .sort((a, b) => String(a.of).localeCompare(String(b.of)));
};

test("all that are built from it, directly or through others, and where each is the latest", async () => {
  await build(world, id("1.0.0"), base);
  await build(world, id("1.0.1"), id("1.0.0"));
  await revoke({ replacement: "1.2.0" });
  const common = { parent: base, reason: "CVE-2026-1234: openssl", replacement: "1.2.0" };
  const request = (number: string) => ({ request: `GET /api${id(number)}/descendants` });
  expect(await told()).toMatchObject([
    { of: "1.0.0", ...common, holds: false, latestIn: [], whatToDo: request("1.0.0") },
    { of: "1.0.1", ...common, holds: false, latestIn: ["westus"], whatToDo: request("1.0.1") },
  ]);
  await bases.revoke("1.1.0", { reason: "Other words" });
  await bases.settled("1.1.0");
  await build(world, id("1.0.2"), id("1.0.1"));
  expect(await told()).toMatchObject([{ of: "1.0.2", holds: true, latestIn: [], known: false }]);
});

test("a version that is created while its base is revoked, once, whoever comes first", async () => {
  await snapshotOf(world, "s1", { galleryImageReference: { id: base } });
  faultOn(world, id("1.0.0"), { method: "PUT", status: 429, times: 1 });
  const operation = operationIn(await put(world, id("1.0.0"), ofSnapshot("s1")));
  await pass(world, 1_000);
  await revoke();
  await ended(world, [operation]);
  expect(await told()).toMatchObject([{ of: "1.0.0" }]);
});

test("one that declares it later; none of a revocation that is lifted", async () => {
  await made(world, id("1.0.0"), plain());
  await revoke();
  const declare = async (number: string) =>
    ended(world, [operationIn(await patch(world, id(number), { sigil: { builtFrom: [base] } }))]);
  await declare("1.0.0");
  expect(await told()).toMatchObject([{ of: "1.0.0", holds: true }]);
  await bases.unrevoke("1.1.0");
  await build(world, id("1.0.1"), base);
  expect(await told()).toEqual([]);
  await revoke();
  expect((await told()).map(({ of }) => of)).toEqual(["1.0.0", "1.0.1"]);
});

test("of a revocation that is canceled at once", async () => {
  await build(world, id("1.0.0"), base);
  const { id: operationId } = await bases.revoke("1.1.0");
  await cancelOperation(world.deps, operationId, { objectId: "admin" });
  await pass(world, 60_000);
  expect(await told()).toMatchObject([{ of: "1.0.0" }]);
});

test("where Azure does not list their versions it says that it does not know", async () => {
  await build(world, id("1.0.0"), base);
  await bases.revoke("1.1.0");
  faultOn(world, `${app}/versions`, { method: "GET", status: 500, times: 1_000 });
  world.clock.advance(60_000);
  await world.runDue();
  expect(await told()).toMatchObject([{ of: "1.0.0", latestIn: [], known: false }]);
});

test("what cannot be told now holds nothing up, and is told later", async () => {
  await build(world, id("1.0.0"), base);
  await ended(world, [await byHand.demote(world, id("1.0.0"))]);
  const { tellOthers } = world.deps;
  let isDown = true;
  const hears = {
    tellOthers: (stored: Parameters<NonNullable<typeof tellOthers>>[0]) =>
      isDown
        ? Promise.reject(new ServiceError("StateConflict", "The tables are down."))
        : (tellOthers?.(stored) ?? Promise.resolve()),
  };
  Object.assign(world.deps, hears);
  await revoke();
  expect((await bases.settled("1.1.0")).status).toBe("Succeeded");
  expect(await told()).toEqual([]);
  isDown = false;
  await reconcile(world.deps);
  expect(await told()).toMatchObject([{ of: "1.0.0" }]);
});
