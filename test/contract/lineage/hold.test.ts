/** What is built on a revoked version is made, and does not enter latest, unless a person approves it. */
import { beforeEach, describe, expect, test } from "vitest";
import { approveImageVersion } from "../../../src/gate/approve.js";
import { gateWaits } from "../../../src/gate/objections.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import type { Requester } from "../../../src/operation/records.js";
import { idOf, revocationOf, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
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
  puts,
  seen,
} from "../image-version/truth/support.js";
import { Revocations } from "../revocation/support.js";
import { build, ofSnapshot, recordOf, snapshotOf } from "./support.js";

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

const CLOSED = expect.objectContaining({ code: "GateClosed" }) as unknown;
const id = (number: string) => `${app}/versions/${number}`;
const latest = (region = "westus") => latestIn(world.simulator, app, region);
const revoke = async () => {
  await bases.revoke("1.1.0");
  await bases.settled("1.1.0");
  world.clock.advance(1_000);
};
const approve = async (number: string, approvedBy: Requester = { objectId: "approver" }) => {
  world.clock.advance(1_000);
  await approveImageVersion(
    { ...world.deps, results: world.results },
    { id: idOf(id(number)), reason: "Not reachable.", approvedBy, traceparent: TRACEPARENT },
  );
};
const promoted = async (number: string) => {
  const [end] = await ended(world, [await byHand.promote(world, id(number))]);
  return end;
};
const waits = async (number: string) =>
  gateWaits(
    { ...world.deps, ...revocationOf(world.deps), results: world.results, gates: [] },
    await getImageVersion(world.deps, idOf(id(number))),
  );

test("none of five late children becomes the latest; an approval opens the one that it names", async () => {
  for (let n = 0; n < 5; n += 1) await build(world, id(`1.0.${n}`), base);
  await revoke();
  for (let n = 5; n < 10; n += 1) {
    const end = await build(world, id(`1.0.${n}`), base);
    expect(end?.status).toBe("Succeeded");
    expect(end?.warnings).toContainEqual(CLOSED);
  }
  expect(await latest()).toBe("1.0.4");
  for (let n = 5; n < 10; n += 1) {
    const { code, findings } = await refusal(byHand.promote(world, id(`1.0.${n}`)));
    expect([code, findings]).toEqual(["GateClosed", [CLOSED]]);
    expect((await waits(`1.0.${n}`)).map(({ region }) => region)).toEqual(["westus"]);
  }
  await approve("1.0.7");
  expect(await waits("1.0.7")).toEqual([]);
  await promoted("1.0.7");
  expect(await latest()).toBe("1.0.7");
  expect((await refusal(byHand.promote(world, id("1.0.9")))).code).toBe("GateClosed");
});

test("the creation is one write, which excludes it", async () => {
  await revoke();
  world.simulator.control.clearRequests();
  await build(world, id("1.0.0"), base);
  expect(puts(world)).toBe(1);
  expect(await latest()).toBeNull();
});

test("the sentence names the base, the reason and what to do", async () => {
  await revoke();
  await build(world, id("1.0.0"), base);
  const { message } = await refusal(byHand.promote(world, id("1.0.0")));
  for (const part of ["1.1.0, which is revoked", "CVE-2026-1234: openssl", "POST …/approve"])
    expect(message).toContain(part);
});

test("what others are built from in between holds as well", async () => {
  await build(world, id("1.0.0"), base);
  await revoke();
  await build(world, id("1.0.1"), id("1.0.0"));
  expect(await latest()).toBe("1.0.0");
  expect((await refusal(byHand.promote(world, id("1.0.1")))).code).toBe("GateClosed");
});

test("a base revoked and lifted again holds nothing; revoked anew it holds what is built then", async () => {
  await revoke();
  await build(world, id("1.0.0"), base);
  await bases.unrevoke("1.1.0");
  await promoted("1.0.0");
  expect(await latest()).toBe("1.0.0");
  await ended(world, [await byHand.demote(world, id("1.0.0"))]);
  await revoke();
  await promoted("1.0.0");
  expect(await latest()).toBe("1.0.0");
  await build(world, id("1.0.1"), base);
  expect(await latest()).toBe("1.0.0");
});

describe("a repeated revocation", () => {
  test("with other words keeps what is held held, and an approval given", async () => {
    await revoke();
    await build(world, id("1.0.0"), base);
    await build(world, id("1.0.1"), base);
    await approve("1.0.0");
    world.clock.advance(1_000);
    await bases.revoke("1.1.0", { reason: "CVE-2026-1234: openssl 3.0" });
    await promoted("1.0.0");
    expect((await refusal(byHand.promote(world, id("1.0.1")))).code).toBe("GateClosed");
  });
});

describe("what is declared", () => {
  test("holds like what is seen, and a parent that is both is shown once", async () => {
    await revoke();
    await snapshotOf(world, "lost", {}, true);
    const [end] = await ended(world, [
      operationIn(await put(world, id("1.0.0"), ofSnapshot("lost", { builtFrom: [base] }))),
    ]);
    expect(end).toMatchObject({ status: "Succeeded" });
    expect(end?.warnings).toContainEqual(CLOSED);
    expect(await latest()).toBeNull();
    await build(world, id("1.0.1"), base, { builtFrom: [base] });
    expect((await seen(world, id("1.0.1"))).sigil.parents).toEqual([{ id: base, how: "Seen" }]);
  });

  test("later, of a version that was there, holds from the declaration on", async () => {
    await made(world, id("1.0.0"), plain());
    await made(world, id("1.0.1"), plain(undefined, {}));
    await ended(world, [await byHand.demote(world, id("1.0.1"))]);
    await revoke();
    await approve("1.0.1");
    world.clock.advance(1_000);
    const declared = await patch(world, id("1.0.1"), { sigil: { builtFrom: [base] } });
    await ended(world, [operationIn(declared)]);
    expect((await refusal(byHand.promote(world, id("1.0.1")))).code).toBe("GateClosed");
    await approve("1.0.1");
    await promoted("1.0.1");
    expect(await latest()).toBe("1.0.1");
  });

  test("before the revocation it is told, not held", async () => {
    await made(world, id("1.0.0"), plain());
    const declared = await patch(world, id("1.0.0"), { sigil: { builtFrom: [base] } });
    await ended(world, [operationIn(declared)]);
    await ended(world, [await byHand.demote(world, id("1.0.0"))]);
    await revoke();
    await promoted("1.0.0");
    expect(await latest()).toBe("1.0.0");
  });
});

test("revoked between the proof and the write it is told; proven anew after a 429 it is held", async () => {
  await snapshotOf(world, "s1", { galleryImageReference: { id: base } });
  faultOn(world, id("1.0.0"), { method: "PUT", status: 429, times: 1 });
  const operation = operationIn(await put(world, id("1.0.0"), ofSnapshot("s1")));
  await pass(world, 1_000);
  expect(puts(world)).toBe(1);
  const before = (await recordOf(world, id("1.0.0")))?.parentage?.time ?? "";
  await bases.revoke("1.1.0");
  const [end] = await ended(world, [operation]);
  expect(end?.warnings).toContainEqual(CLOSED);
  expect(await latest()).toBeNull();
  const after = (await recordOf(world, id("1.0.0")))?.parentage?.time ?? "";
  expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
});

test("under a rule it waits for the approval, and goes on by itself", async () => {
  await revoke();
  await build(world, id("1.0.0"), base, { promotion: { when: "allRegionsReady" } });
  await pass(world, 600_000);
  await world.rollOut(id("1.0.0"));
  await pass(world, 600_000);
  expect(await latest()).toBeNull();
  await approve("1.0.0");
  await world.rollOut(id("1.0.0"));
  await pass(world, 600_000);
  expect(await latest()).toBe("1.0.0");
});

test("who had it created does not approve it", async () => {
  await revoke();
  await build(world, id("1.0.0"), base);
  const [publisher] = (await recordOf(world, id("1.0.0")))?.publishedBy ?? [];
  expect(publisher).toBeDefined();
  expect((await refusal(approve("1.0.0", publisher))).code).toBe("Forbidden");
});
