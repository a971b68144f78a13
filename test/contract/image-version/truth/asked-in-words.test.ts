/** Requests that say in words, or leave out, what others set at the same time; and what people are told of it. */
import { describe, expect, test } from "vitest";
import { retryImageVersion } from "../../../../src/image-version/commands/by-hand.js";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  faultOn,
  isExcluded,
  made,
  newDefinition,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  regionIn,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const MINUTE_MS = 60_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];
const READY = { promotion: { when: "allRegionsReady" } } as const;
const OUT = { excludeFromLatest: true };

describe("GET answers", () => {
  test.each([500, "reset"])(
    "while a canceled creation has no answer yet (%s)",
    async (what) => {
      faultOn(
        world,
        id,
        what === "reset"
          ? { method: "PUT", action: "reset", times: 5 }
          : { method: "PUT", status: 500, times: 5 },
      );
      const creation = operationIn(await put(world, id, plain()));
      await world.runDue();
      await cancel(world, creation);
      await expect(seen(world, id)).resolves.toBeDefined();
    },
  );
});

describe("a hold-back that was accepted while the creation runs is not overtaken by the rule", () => {
  test.each<[string, () => Promise<unknown>]>([
    [
      "PATCH",
      () => patch(world, id, { properties: { publishingProfile: OUT } }),
    ],
    [
      "PATCH with If-Match",
      () =>
        patch(
          world,
          id,
          { properties: { publishingProfile: OUT } },
          { ifMatch: "*" },
        ),
    ],
    ["PUT", () => put(world, id, plain(TWO, { publishing: OUT }))],
  ])("by %s", async (_, holdBack) => {
    await put(world, id, plain(TWO, { sigil: READY }));
    await pass(world, MINUTE_MS);
    await holdBack();
    await pass(world, 25 * MINUTE_MS);
    expect(
      (await world.takeEvents()).filter(({ type }) => /Promoted$/u.test(type)),
    ).toEqual([]);
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("a rollback tells that a newer version is about to be promoted by a request", () => {
  test.each(["POST promote", "PATCH"])("by %s", async (how) => {
    const image = await newDefinition(world);
    const v = (n: string) => `${image}/versions/${n}`;
    for (const n of ["1.0.0", "1.0.1"]) await made(world, v(n), plain(TWO));
    await made(world, v("1.0.2"), plain(TWO, { publishing: OUT }));
    const more = [...TWO, { name: "eastus" }];
    await put(world, v("1.0.2"), plain(more, { publishing: OUT }));
    await pass(world, MINUTE_MS);
    if (how === "PATCH")
      await patch(world, v("1.0.2"), {
        properties: { publishingProfile: { excludeFromLatest: false } },
      });
    else await byHand.promote(world, v("1.0.2"));
    const { versionName: _, ...names } = idOf(v("1.0.0"));
    const rollback = await rollBackImage(world.deps, {
      image: names,
      to: "1.0.0",
      ...BY,
    });
    const [end] = await ended(world, [rollback]);
    await pass(world, 20 * MINUTE_MS);
    expect(await isExcluded(world, v("1.0.2"))).toBe(false); // It is the latest.
    expect(end?.warnings).toMatchObject([{ code: "PromotionPending" }]);
  });
});

describe("of two accepted requests, the later one gives way, says so, or is refused", () => {
  test("a body that leaves out the count that a running one sets", async () => {
    await made(world, id, plain(TWO));
    const two = [{ name: "westus", regionalReplicaCount: 2 }, TWO[1]!];
    const first = operationIn(await put(world, id, plain(two)));
    const own = operationIn(
      await put(world, id, plain(TWO, { tags: { own: "1" } })),
    );
    await ended(world, [first, own]);
    expect(
      regionIn(await shownIn(world, id), "westus").regionalReplicaCount,
    ).toBe(2);
    expect(own.warnings).toMatchObject([{ code: "GivesWay" }]);
  });

  test("a body that says nothing else than what takes the count back is refused, as it is of a tag", async () => {
    await made(world, id, plain(TWO));
    const two = [{ name: "westus", regionalReplicaCount: 2 }, TWO[1]!];
    await put(world, id, plain(two));
    expect(await refusal(put(world, id, plain(TWO)))).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test("with If-Match: *, a body that leaves out the tag that a running one sets", async () => {
    await made(world, id, plain(TWO));
    const first = operationIn(
      await put(world, id, plain(TWO, { tags: { a: "1" } })),
    );
    const second = await put(world, id, plain(TWO, { tags: { n: "1" } }), {
      ifMatch: "*",
    }).catch(() => undefined);
    if (second === undefined) return; // Refused: well.
    const later = operationIn(second);
    await ended(world, [first, later]);
    if ((await shownIn(world, id)).tags?.["a"] !== undefined)
      expect(later.warnings).toMatchObject([{ code: "GivesWay" }]);
  });

  test("a body that repeats, in words, that the version is in latest, beside a demotion", async () => {
    const IN = { publishing: { excludeFromLatest: false } };
    await made(world, id, plain(TWO, IN));
    const demotion = await byHand.demote(world, id);
    const own = operationIn(
      await put(world, id, plain(TWO, { ...IN, tags: { own: "1" } })),
    );
    await ended(world, [demotion, own]);
    expect(await isExcluded(world, id)).toBe(true);
    // Beside a PATCH that excludes it, it is warned.
    expect(own.warnings).toMatchObject([{ code: "GivesWay" }]);
  });
});

test("a body that restates, with If-Match: *, that a version in latest is there is told of no contradiction with a rule beside it", async () => {
  const IN = { publishing: { excludeFromLatest: false } };
  await made(world, id, plain(TWO, IN));
  const rule = operationIn(
    await put(world, id, plain(TWO, { tags: { a: "1" }, sigil: READY })),
  );
  const own = operationIn(
    await put(world, id, plain(TWO, { ...IN, tags: { own: "1" } }), {
      ifMatch: "*",
    }),
  );
  await ended(world, [rule, own]);
  expect(await isExcluded(world, id)).toBe(false);
  expect((own.warnings ?? []).map(({ pointer }) => pointer)).not.toContain(
    "/properties/publishingProfile/excludeFromLatest",
  );
});

test("a body that takes the rule away and restates false is told that the version stays excluded", async () => {
  await made(
    world,
    id,
    plain(TWO, { sigil: { promotion: { when: "manual" } } }),
  );
  expect(
    await putThrough(
      world,
      id,
      plain(TWO, { publishing: { excludeFromLatest: false } }),
    ),
  ).toMatchObject({
    status: "Succeeded",
    warnings: [
      {
        code: "StaysExcluded",
        pointer: "/properties/publishingProfile/excludeFromLatest",
      },
    ],
  });
  expect(await isExcluded(world, id)).toBe(true);
});

test("a retry with an ETag that is past is 412, also while something runs", async () => {
  await made(world, id, plain(TWO));
  await put(world, id, plain(TWO, { tags: { a: "1" } }));
  expect(
    await refusal(
      retryImageVersion(world.deps, { id: idOf(id), ...BY, ifMatch: '"past"' }),
    ),
  ).toMatchObject({ code: "PreconditionFailed" });
});

test.each([500, "reset"])(
  "a promotion whose answer was lost (%s) is not sent again after a demotion was accepted",
  async (what) => {
    await made(world, id, plain(TWO, { publishing: OUT }));
    faultOn(
      world,
      id,
      what === "reset"
        ? { method: "PUT", action: "reset", times: 4 }
        : { method: "PUT", status: 500, times: 4 },
    );
    const promotion = await byHand.promote(world, id);
    await world.runDue();
    expect(await isExcluded(world, id)).toBe(true);
    world.simulator.control.clearFaults();
    const demotion = await byHand.demote(world, id);
    await ended(world, [promotion, demotion]);
    expect(
      (await world.takeEvents())
        .filter(({ subject }) => subject === id)
        .filter(({ type }) => /Promoted$/u.test(type)),
    ).toEqual([]);
  },
);

test("a promotion that Azure took and has not kept is not sent again after a demotion was accepted", async () => {
  await made(world, id, plain(TWO, { publishing: OUT }));
  const body = await shownIn(world, id);
  faultOn(world, id, { method: "PUT", status: 200, body, times: 1 });
  const promotion = await byHand.promote(world, id);
  await world.runDue();
  await pass(world, MINUTE_MS);
  const demotion = await byHand.demote(world, id);
  await ended(world, [promotion, demotion]);
  expect(
    (await world.takeEvents())
      .filter(({ subject }) => subject === id)
      .filter(({ type }) => /Promoted$/u.test(type)),
  ).toEqual([]);
});

test("a body that restates false, as az does, beside a creation under a rule promotes nothing before the rule is met", async () => {
  await put(world, id, plain(TWO, { sigil: READY }));
  await pass(world, MINUTE_MS);
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
  });
  const own = operationIn(
    await put(
      world,
      id,
      plain(TWO, {
        tags: { own: "1" },
        publishing: { excludeFromLatest: false },
      }),
    ),
  );
  expect(own.warnings).toMatchObject([
    { code: "GivesWay", pointer: expect.any(String) as string },
    {
      code: "GivesWay",
      pointer: "/properties/publishingProfile/excludeFromLatest",
    },
  ]);
  await pass(world, 60 * MINUTE_MS);
  expect(await isExcluded(world, id)).toBe(true);
});
