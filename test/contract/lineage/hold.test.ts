/** What is built on a revoked version is made, and does not enter latest, unless a person approves it. */
import { beforeEach, describe, expect, test } from "vitest";
import { approveImageVersion } from "../../../src/gate/approve.js";
import { gateWaits } from "../../../src/gate/objections.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { forecastImageVersion } from "../../../src/image-version/commands/forecast.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { revocationKeyOf } from "../../../src/revocation/record.js";
import { inheritedBans, viewInherited } from "../../../src/revocation/inherited.js";
import { planRevocation } from "../../../src/revocation/revoke.js";
import type { Requester } from "../../../src/operation/records.js";
import { idOf, revocationOf, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { define } from "../image-version/rollbacks.js";
import {
  BY,
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

const HOME = [{ name: "westus" }];
const CLOSED = expect.objectContaining({ code: "GateClosed" }) as unknown;
const id = (number: string) => `${app}/versions/${number}`;
const latest = (region = "westus") => latestIn(world.simulator, app, region);
const ADMIN = { mayReword: true, requestedBy: { objectId: "admin" } };
const revoke = async (more: Parameters<Revocations["revoke"]>[1] = {}) => {
  await bases.revoke("1.1.0", more);
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
const bansOn = async (number: string) => {
  const record = await recordOf(world, id(number));
  return record ? inheritedBans({ ...world.deps, ...revocationOf(world.deps) }, record) : [];
};
const waits = async (number: string) =>
  gateWaits(
    { ...world, now: world.deps.now, gates: [] },
    await getImageVersion(world.deps, idOf(id(number))),
    await bansOn(number),
  );
/** As GET shows it. */
const shown = async (number: string) => {
  const inherited = (await bansOn(number)).map(viewInherited);
  const version = await getImageVersion(world.deps, idOf(id(number)));
  return viewImageVersion(version, world.deps.now(), { inherited }).sigil;
};

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

describe("with holdDescendants", () => {
  const HOLD = { ...ADMIN, holdDescendants: true };
  const banned = async () =>
    (await revocationOf(world.deps).revocations.readRecord(revocationKeyOf(base)))?.ban;

  test("what was there before does not come into latest either, and what is in latest stays", async () => {
    await build(world, id("1.0.0"), base);
    await build(world, id("1.0.1"), base);
    await ended(world, [await byHand.demote(world, id("1.0.1"))]);
    await revoke(HOLD);
    expect(await latest()).toBe("1.0.0");
    expect((await refusal(byHand.promote(world, id("1.0.1")))).code).toBe("GateClosed");
    await approve("1.0.1");
    await promoted("1.0.1");
    expect(await latest()).toBe("1.0.1");
  });

  test("an approval of before does not open it, and one of between a hold and its repeat does", async () => {
    await build(world, id("1.0.0"), base);
    await ended(world, [await byHand.demote(world, id("1.0.0"))]);
    await approve("1.0.0");
    await revoke(HOLD);
    expect((await refusal(byHand.promote(world, id("1.0.0")))).code).toBe("GateClosed");
    await approve("1.0.0");
    await revoke({ ...HOLD, reason: "CVE-2026-1234: other words" });
    await promoted("1.0.0");
  });

  test("an approval of a late child, then the hold: closed again", async () => {
    await revoke();
    await build(world, id("1.0.0"), base);
    await approve("1.0.0");
    await revoke(HOLD);
    expect((await refusal(byHand.promote(world, id("1.0.0")))).code).toBe("GateClosed");
  });

  test("is asked for by the same words with it, stays when left out, and ends by false", async () => {
    const first = await bases.revoke("1.1.0");
    await bases.settled("1.1.0");
    const { revokedTime, revokedBy } = (await banned()) ?? {};
    world.clock.advance(60_000);
    const held = await bases.revoke("1.1.0", HOLD);
    expect(held.id).not.toBe(first.id);
    await bases.settled("1.1.0");
    const { holdTime } = (await banned()) ?? {};
    expect(Date.parse(holdTime ?? "")).toBeGreaterThan(Date.parse(revokedTime ?? ""));
    world.clock.advance(60_000);
    expect((await bases.revoke("1.1.0", HOLD)).id).toBe(held.id);
    await revoke({ ...ADMIN, reason: "Other words" });
    expect(await banned()).toEqual({
      reason: "Other words",
      revokedBy: ADMIN.requestedBy,
      revokedTime,
      holdTime,
    });
    await revoke({ ...ADMIN, reason: "Other words", holdDescendants: false });
    expect((await banned())?.holdTime).toBeUndefined();
    expect(revokedBy).toEqual({ appId: "responder" });
  });

  test("is an Admin's: 403 at its pointer, and nothing is stored", async () => {
    for (const holdDescendants of [true, false]) {
      const { code, findings } = await refusal(bases.revoke("1.1.0", { holdDescendants }));
      expect([code, findings.map(({ pointer }) => pointer)]).toEqual([
        "Forbidden",
        ["/holdDescendants"],
      ]);
    }
    expect(await banned()).toBeUndefined();
  });

  test("who repeats it without being an Admin changes neither words nor hold", async () => {
    await revoke(HOLD);
    const before = await banned();
    await revoke({ reason: "harmless: keep using it" });
    expect(await banned()).toEqual(before);
  });
});

describe("another version is demoted, and a held one is the latest then", () => {
  beforeEach(async () => {
    await build(world, id("1.0.0"), base);
    await build(world, id("1.0.1"), base);
    await made(world, id("1.1.0"), plain(HOME));
  });

  test("it is not refused, and named: by a demotion, its forecast and a revocation", async () => {
    await revoke({ ...ADMIN, holdDescendants: true });
    const named = { code: "ParentRevoked", severity: "warning", message: naming(["1.0.1"]) };
    const forecast = await forecastImageVersion(world.deps, idOf(id("1.1.0")), "demote");
    expect(forecast.findings).toContainEqual(expect.objectContaining(named));
    const apps = new Revocations(world, app);
    const plan = await planRevocation(revocationOf(world.deps), {
      id: idOf(id("1.1.0")),
      reason: "bad",
      requestedBy: { appId: "responder" },
    });
    expect(plan.findings).toContainEqual(expect.objectContaining(named));
    const demotion = await byHand.demote(world, id("1.1.0"));
    expect(demotion.warnings).toContainEqual(expect.objectContaining(named));
    await ended(world, [demotion]);
    expect(await latest()).toBe("1.0.1");
    // Story 6b: both are held and included.
    await apps.revoke("1.0.1");
    await apps.settled("1.0.1");
    expect(await latest()).toBe("1.0.0");
  });

  test("a rollback to it is refused at /to until it is approved, and one without a target skips it", async () => {
    const roll = (to?: string) =>
      rollBackImage(world.deps, {
        image: idOf(id("1.0.0")),
        ...BY,
        ...(to !== undefined && { to }),
      });
    await revoke({ ...ADMIN, holdDescendants: true });
    expect((await refusal(roll())).code).toBe("RollbackRefused");
    const { findings } = await refusal(roll("1.0.1"));
    expect(findings).toEqual([expect.objectContaining({ code: "GateClosed", pointer: "/to" })]);
    await made(world, id("1.2.0"), plain(HOME));
    await ended(world, [await roll()]);
    expect(await latest()).toBe("1.1.0");
    await approve("1.0.1");
    await ended(world, [await roll("1.0.1")]);
    expect(await latest()).toBe("1.0.1");
  });
});

test("GET says of each parent, and as a condition, that it is revoked; of a child of a child the condition alone", async () => {
  await build(world, id("1.0.0"), base);
  await build(world, id("1.0.1"), id("1.0.0"));
  expect((await shown("1.0.0")).conditions).toBeUndefined();
  await revoke({ replacement: "1.2.0" });
  await build(world, id("1.0.2"), base);
  const revocation = { reason: "CVE-2026-1234: openssl", replacement: "1.2.0" };
  const condition = {
    type: "ParentRevoked",
    message: naming(["1.1.0", "CVE-2026-1234: openssl", "use 1.2.0"]),
    whatToDo: { request: `GET /api${id("1.0.1")}/descendants` },
  };
  expect((await shown("1.0.0")).parents).toMatchObject([
    { id: base, revocation: { ...revocation, holds: false } },
  ]);
  expect((await shown("1.0.2")).parents).toMatchObject([
    { id: base, revocation: { ...revocation, holds: true } },
  ]);
  const { parents, conditions } = await shown("1.0.1");
  expect(parents).toEqual([{ id: id("1.0.0"), how: "Seen" }]);
  expect(conditions).toMatchObject([condition]);
  await bases.unrevoke("1.1.0");
  expect((await shown("1.0.1")).conditions).toBeUndefined();
});
