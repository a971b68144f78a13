/** One answer of Azure that it has no such version, while it lists the version: nothing is gone by that. */
import { beforeEach, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  etagOf,
  faultOn,
  inAzure,
  made,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  seen,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain(undefined, { tags: { a: "1" } });
const AGAIN = { code: "StateConflict", retryable: true };

beforeEach(async () => {
  await made(world, id, { ...BODY, sigil: { protected: true } });
  await pass(world, 3_600_000);
  faultOn(world, id, { method: "GET", status: 404, times: 1 });
});

/** It is still Sigil's, and protected. */
async function isAsBefore(): Promise<void> {
  world.simulator.control.clearFaults();
  world.clock.advance(60_000);
  expect(await seen(world, id)).toMatchObject({
    tags: { a: "1" },
    sigil: { managedBy: "Sigil", protected: true },
  });
  expect(puts(world)).toBe(0);
  expect(await refusal(byHand.remove(world, id))).toMatchObject({
    code: "ImageVersionProtected",
  });
}

test.each([
  ["the same body", BODY],
  ["another", plain(undefined, { tags: { a: "2" } })],
])("a PUT with If-None-Match of %s is to be sent again, and is refused then", async (_, body) => {
  const send = () => put(world, id, body, { ifNoneMatch: "*" });
  expect(await refusal(send())).toMatchObject(AGAIN);
  expect(await refusal(send())).toMatchObject({ code: "PreconditionFailed" });
  await isAsBefore();
});

test("a PUT without a condition goes by what was seen last", async () => {
  expect(await put(world, id, BODY)).toMatchObject({ kind: "accepted" });
  await isAsBefore();
});

test("a PATCH is to be sent again", async () => {
  const sent = patch(world, id, { tags: { a: "2" } });
  expect(await refusal(sent)).toMatchObject(AGAIN);
  await isAsBefore();
});

test("a DELETE is refused, as the version is protected", async () => {
  expect(await refusal(byHand.remove(world, id))).toMatchObject({
    code: "ImageVersionProtected",
  });
  await isAsBefore();
});

test("once it is gone from the list, too, it is gone", async () => {
  world.simulator.control.clearFaults();
  await outside(world, "DELETE", id);
  expect(await refusal(put(world, id, BODY))).toMatchObject({
    code: "ImageVersionGone",
  });
  expect(await refusal(seen(world, id))).toMatchObject({ code: "NotFound" });
  await putThrough(world, id, BODY, { ifNoneMatch: "*" });
  expect(await inAzure(world, id)).toBeDefined();
  expect(await etagOf(world, id)).toBeDefined();
});
