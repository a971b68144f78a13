/** One answer of Azure that it has no such version, while it lists the version: nothing is gone by that. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";
import { commandOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  ended,
  etagOf,
  faultOn,
  inAzure,
  isExcluded,
  made,
  operationIn,
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
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
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
])(
  "a PUT with If-None-Match of %s is to be sent again, and is refused then",
  async (_, body) => {
    const send = () => put(world, id, body, { ifNoneMatch: "*" });
    expect(await refusal(send())).toMatchObject(AGAIN);
    expect(await refusal(send())).toMatchObject({ code: "PreconditionFailed" });
    await isAsBefore();
  },
);

test("a PUT without a condition goes by what was seen last", async () => {
  expect(await put(world, id, BODY)).toMatchObject({ kind: "accepted" });
  await isAsBefore();
});

test("a PATCH is to be sent again", async () => {
  const sent = patch(world, id, { tags: { a: "2" } });
  expect(await refusal(sent)).toMatchObject(AGAIN);
  await isAsBefore();
});

test.each(["promote", "demote"] as const)(
  "%s goes by what was seen last",
  async (command) => {
    const accepted = await byHand[command](world, id);
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(command === "demote");
    expect((await seen(world, id)).sigil).toMatchObject({ protected: true });
  },
);

test("a DELETE is refused, as the version is protected", async () => {
  expect(await refusal(byHand.remove(world, id))).toMatchObject({
    code: "ImageVersionProtected",
  });
  await isAsBefore();
});

test("GET shows it as it was, and says so", async () => {
  const shown = await seen(world, id);
  expect(shown).toMatchObject({ tags: { a: "1" } });
  expect(shown.sigil.warnings).toMatchObject([{ code: "StateConflict" }]);
  await isAsBefore();
});

test("a plan does not say that it is gone", async () => {
  const planned = planImageVersion(world.deps, commandOf(id, BODY));
  expect(await refusal(planned)).toMatchObject(AGAIN);
  await isAsBefore();
});

describe.each([
  [
    "a PATCH",
    async () => operationIn(await patch(world, id, { tags: { b: "1" } })),
  ],
  ["a demotion", () => byHand.demote(world, id)],
] as const)("while %s that was accepted is to be sent", (_, accept) => {
  let accepted: Awaited<ReturnType<typeof accept>>;

  beforeEach(async () => {
    world.simulator.control.clearFaults();
    accepted = await accept();
    faultOn(world, id, { method: "GET", status: 404, times: 1 });
  });

  test("a PUT with If-None-Match is to be sent again, and is refused then", async () => {
    const send = () =>
      put(world, id, plain(undefined, { tags: { a: "2" } }), {
        ifNoneMatch: "*",
      });
    expect(await refusal(send())).toMatchObject(AGAIN);
    expect(await refusal(send())).toMatchObject({ code: "PreconditionFailed" });
  });

  test("a PATCH is to be sent again", async () => {
    const sent = patch(world, id, { tags: { a: "2" } });
    expect(await refusal(sent)).toMatchObject(AGAIN);
  });

  test("GET shows it as it was, and says so", async () => {
    world.clock.advance(60_000);
    const shown = await seen(world, id);
    expect(shown).toMatchObject({ tags: { a: "1" } });
    expect(shown.sigil.warnings).toMatchObject([{ code: "StateConflict" }]);
  });

  test("a promotion goes by what was seen last", async () => {
    const promotion = await byHand.promote(world, id);
    const all = await ended(world, [accepted, promotion]);
    expect(all.map(({ status }) => status)).not.toContain("Failed");
  });

  afterEach(async () => {
    await ended(world, [accepted]);
    expect(await seen(world, id)).toMatchObject({
      tags: { a: "1" },
      sigil: { managedBy: "Sigil", protected: true },
    });
  });
});

test.each([1, 5, 8])(
  "nor is a version gone that was made %i minutes ago, though the list lacks it, too",
  async (minutes) => {
    world.simulator.control.clearFaults();
    const young = id.replace(/[^/]+$/u, `2.0.${minutes}`);
    await made(world, young, BODY);
    world.clock.advance(minutes * 60_000);
    await outside(world, "DELETE", young);
    for (const ask of [
      () => put(world, young, BODY, { ifNoneMatch: "*" }),
      () => patch(world, young, { tags: { a: "2" } }),
    ])
      expect(await refusal(ask())).toMatchObject(AGAIN);
    const shown = await seen(world, young);
    expect(shown.sigil.warnings).toMatchObject([{ code: "StateConflict" }]);
    world.clock.advance(600_000);
    expect(await refusal(seen(world, young))).toMatchObject({
      code: "NotFound",
    });
  },
);

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
