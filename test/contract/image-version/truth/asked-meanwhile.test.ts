/** What is asked while something else is under way, or was done since: it is done, or refused, or said that it is not. */
import { describe, expect, test } from "vitest";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";
import { promoteImageVersion } from "../../../../src/image-version/commands/by-hand.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  etagOf,
  faultOn,
  isExcluded,
  made,
  operation,
  operationIn,
  outside,
  pass,
  patch,
  patchThrough,
  plain,
  profileOf,
  put,
  putThrough,
  regionIn,
  regionNames,
  seen,
  showAs,
  shownIn,
  stateOf,
  tagsIn,
  until,
  type Regions,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const MINUTE_MS = 60_000;
const REGIONS: Regions = [{ name: "westus" }, { name: "eastus2" }];
const INCLUDED = { excludeFromLatest: false };
const END = "2090-01-01T00:00:00Z";
const SUCCEEDED = { status: "Succeeded" };

const holdBack = (excludeFromLatest = true): Promise<unknown> =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest } },
  });
const resume = (): Promise<void> =>
  world.simulator.control.resumeRegion({ versionId: id, region: "eastus2" });
const patchProfile = (publishingProfile: object): Promise<OperationRecord> =>
  patchThrough(world, id, { properties: { publishingProfile } });
const changesTold = async (): Promise<readonly unknown[]> =>
  (await world.takeEvents()).flatMap(({ type, data }) =>
    type === "Sigil.ImageVersion.ChangedOutside"
      ? [(data as { changes: unknown }).changes]
      : [],
  );

async function stalled(): Promise<void> {
  await world.simulator.control.setSucceededWhen("homeRegion");
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
  });
}

describe("a canceled creation, and the body that says in words that its version is in latest", () => {
  const BODY = plain(REGIONS, { publishing: INCLUDED });

  test("sent again before the cancel has ended, is in latest", async () => {
    const first = operationIn(await put(world, id, BODY));
    await pass(world, MINUTE_MS);
    await cancel(world, first);
    const second = operationIn(await put(world, id, BODY));
    expect(second.id).not.toBe(first.id);
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Canceled" },
      SUCCEEDED,
    ]);
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("with If-Match: *, before the cancel has ended, is too", async () => {
    const first = operationIn(await put(world, id, BODY));
    await pass(world, MINUTE_MS);
    await cancel(world, first);
    const second = await put(world, id, BODY, { ifMatch: "*" });
    expect(await ended(world, [first, operationIn(second)])).toMatchObject([
      { status: "Canceled" },
      SUCCEEDED,
    ]);
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("sent again once the cancel has ended, is too", async () => {
    const first = operationIn(await put(world, id, BODY));
    await pass(world, MINUTE_MS);
    await cancel(world, first);
    await ended(world, [first]);
    expect(await putThrough(world, id, BODY)).toMatchObject(SUCCEEDED);
    expect(await isExcluded(world, id)).toBe(false);
  });
});

describe("others take off what a canceled creation has set, and whoever asks meanwhile repeats", () => {
  test.each(["its ETag", "If-Match: *", "no ETag"])(
    "with %s it is set, or refused as changed outside",
    async (which) => {
      const body = plain(REGIONS, { tags: { build: "18" } });
      const first = operationIn(await put(world, id, body));
      await until(
        world,
        async () => (await stateOf(world, id)) === "Replicating",
        0,
      );
      await cancel(world, first);
      const ifMatch =
        which === "its ETag"
          ? await etagOf(world, id)
          : which === "no ETag"
            ? undefined
            : "*";
      const second = operationIn(
        await put(world, id, body, ifMatch === undefined ? {} : { ifMatch }),
      );
      await world.simulator.control.editVersion({
        versionId: id,
        tags: { build: null },
      });
      const [, last] = await ended(world, [first, second]);
      expect(last).toMatchObject(
        which === "its ETag"
          ? { status: "Failed", error: { code: "ChangedOutside" } }
          : SUCCEEDED,
      );
      expect((await tagsIn(world, id))?.["build"]).toBe(
        which === "its ETag" ? undefined : "18",
      );
    },
  );
});

describe("a body leaves out what the one before it sets, which still runs", () => {
  const WRONG = plain(REGIONS, {
    tags: { a: "1", wrong: "1" },
    publishing: { endOfLifeDate: END },
  });
  const RIGHT = plain(REGIONS, { tags: { a: "1" } });
  const left = async (): Promise<unknown> => {
    const shown = await shownIn(world, id);
    return [shown.tags, profileOf(shown).endOfLifeDate];
  };

  test("at rest it is removed", async () => {
    await made(world, id, WRONG);
    expect(await putThrough(world, id, RIGHT)).toMatchObject(SUCCEEDED);
    expect(await left()).toEqual([{ a: "1" }, undefined]);
  });

  const pointers = ["/tags", "/properties/publishingProfile"];
  const isRefused = async (body = RIGHT): Promise<void> =>
    expect(await refusal(put(world, id, body))).toMatchObject({
      code: "ImageVersionConflict",
      findings: pointers.map((pointer) => ({ pointer })),
    });

  test("while the creation runs it is refused, with what contradicts it", async () => {
    const first = operationIn(await put(world, id, WRONG));
    await pass(world, MINUTE_MS);
    await isRefused();
    await ended(world, [first]);
    expect(await putThrough(world, id, RIGHT)).toMatchObject(SUCCEEDED);
    expect(await left()).toEqual([{ a: "1" }, undefined]);
  });

  test("while the update runs it is, too", async () => {
    await made(world, id, RIGHT);
    const first = operationIn(await put(world, id, WRONG));
    await isRefused();
    await ended(world, [first]);
  });

  test("with something of its own it is accepted, and told in what it gives way", async () => {
    await made(world, id, RIGHT);
    const first = operationIn(await put(world, id, WRONG));
    const own = plain([...REGIONS, { name: "southcentralus" }], {
      tags: { a: "1" },
    });
    const second = operationIn(await put(world, id, own));
    expect(second.warnings).toMatchObject(
      pointers.map((pointer) => ({ code: "GivesWay", pointer })),
    );
    const { findings } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: plain([...REGIONS, { name: "centralus" }], { tags: { a: "1" } }),
    });
    expect(findings.filter(({ code }) => code === "GivesWay")).toHaveLength(2);
    await ended(world, [first, second]);
    expect(regionNames(await shownIn(world, id))).toContain("southcentralus");
  });

  test.each([
    ["tags", { tags: { a: "1" } }, { tags: null }],
    [
      "safetyProfile",
      { properties: { safetyProfile: { blockDeletionBeforeEndOfLife: true } } },
      { properties: { safetyProfile: null } },
    ],
  ])(
    "a patch says null for the whole of %s, in words: it is refused meanwhile",
    async (_, sets, clears) => {
      await made(world, id, plain());
      const first = operationIn(await patch(world, id, sets));
      expect(await refusal(patch(world, id, clears))).toMatchObject({
        code: "ImageVersionConflict",
      });
      await ended(world, [first]);
      expect(await patchThrough(world, id, clears)).toMatchObject(SUCCEEDED);
      const { tags, properties } = await shownIn(world, id);
      expect([
        tags ?? {},
        properties.safetyProfile?.["blockDeletionBeforeEndOfLife"] ?? false,
      ]).toEqual([{}, false]);
    },
  );
});

describe("the same body again, while its operation still follows a region, after a patch through Sigil has ended", () => {
  const profile = { ...INCLUDED, endOfLifeDate: END };
  const more = { tags: { team: "images" }, publishing: profile };
  const BODY = plain(REGIONS, more);

  async function adding(): Promise<void> {
    await made(world, id, plain([{ name: "westus" }], more));
    await stalled();
    operationIn(await put(world, id, BODY));
    await pass(world, 15 * MINUTE_MS);
  }
  async function again(): Promise<OperationRecord> {
    const second = operationIn(await put(world, id, BODY));
    await resume();
    expect(await ended(world, [second])).toMatchObject([SUCCEEDED]);
    return second;
  }

  test("that has excluded it: it stays so, whatever tools say in every body, and that is told", async () => {
    await adding();
    expect(await patchProfile({ excludeFromLatest: true })).toMatchObject(
      SUCCEEDED,
    );
    expect((await again()).warnings).toMatchObject([{ code: "StaysExcluded" }]);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("that has put off its end of life: the body says when that is", async () => {
    await adding();
    await patchProfile({ endOfLifeDate: "2099-01-01T00:00:00Z" });
    await again();
    expect(profileOf(await shownIn(world, id)).endOfLifeDate).toMatch(/^2090/u);
  });

  test("that has taken away its end of life: the body has one", async () => {
    await adding();
    await patchProfile({ endOfLifeDate: null });
    await again();
    expect(profileOf(await shownIn(world, id)).endOfLifeDate).toMatch(/^2090/u);
  });

  test("that has added a tag: the body leaves it out", async () => {
    await adding();
    await patchThrough(world, id, { tags: { more: "1" } });
    await again();
    expect((await shownIn(world, id)).tags).toEqual({ team: "images" });
  });

  test("that has asked for a promotion rule: the body has none", async () => {
    await adding();
    await patchThrough(world, id, { sigil: { promotion: { when: "manual" } } });
    await again();
    expect((await seen(world, id)).sigil.promotion).toBeUndefined();
  });

  test("a patch with a list, after another has changed what that says of a region", async () => {
    const of = (regionalReplicaCount: number): unknown => ({
      properties: {
        publishingProfile: {
          targetRegions: [
            { name: "westus", regionalReplicaCount },
            { name: "eastus2" },
          ],
        },
      },
    });
    await made(world, id, plain([{ name: "westus", regionalReplicaCount: 2 }]));
    await stalled();
    operationIn(await patch(world, id, of(2)));
    await pass(world, 15 * MINUTE_MS);
    expect(await patchThrough(world, id, of(3))).toMatchObject(SUCCEEDED);
    const last = operationIn(await patch(world, id, of(2)));
    await resume();
    expect(await ended(world, [last])).toMatchObject([SUCCEEDED]);
    expect(
      regionIn(await shownIn(world, id), "westus").regionalReplicaCount,
    ).toBe(2);
  });
});

describe("with If-Match a body asks for another thing than without", () => {
  const BODY = plain(REGIONS, { publishing: INCLUDED, tags: { build: "2" } });

  test.each(["the ETag of GET", "*"])(
    "it includes what the portal holds back, while the same body runs without, where it names what was read (%s)",
    async (which) => {
      await made(world, id, plain(REGIONS, { publishing: INCLUDED }));
      await pass(world, 12 * MINUTE_MS);
      await holdBack();
      await pass(world, MINUTE_MS);
      operationIn(await put(world, id, BODY));
      const ifMatch = which === "*" ? which : await etagOf(world, id);
      const second = operationIn(await put(world, id, BODY, { ifMatch }));
      expect(await ended(world, [second])).toMatchObject([SUCCEEDED]);
      expect(await isExcluded(world, id)).toBe(which === "*");
    },
  );

  test("with nothing running", async () => {
    await made(world, id, BODY);
    await pass(world, 12 * MINUTE_MS);
    await holdBack();
    await pass(world, MINUTE_MS);
    const ifMatch = await etagOf(world, id);
    expect(await putThrough(world, id, BODY, { ifMatch })).toMatchObject(
      SUCCEEDED,
    );
    expect(await isExcluded(world, id)).toBe(false);
  });
});

test("a version that others include for one poll, and hold back again, is not promoted by its rule", async () => {
  await stalled();
  operationIn(
    await put(
      world,
      id,
      plain(REGIONS, { sigil: { promotion: { when: "allRegionsReady" } } }),
    ),
  );
  await pass(world, 30 * MINUTE_MS);
  await world.takeEvents();
  await holdBack(false);
  await until(world, async () =>
    (await world.takeEvents()).some(({ type }) => type.endsWith(".Promoted")),
  );
  await holdBack();
  await pass(world, 15 * MINUTE_MS);
  expect((await world.takeEvents()).map(({ type }) => type)).toContain(
    "Sigil.ImageVersion.Demoted",
  );
  await resume();
  await pass(world, 15 * MINUTE_MS);
  expect(await isExcluded(world, id)).toBe(true);
});

describe("others change a tag back", () => {
  test("that Sigil has sent: each is told", async () => {
    await stalled();
    operationIn(await put(world, id, plain(REGIONS, { tags: { a: "1" } })));
    await pass(world, 30 * MINUTE_MS);
    await world.takeEvents();
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: "2" },
    });
    await pass(world, 15 * MINUTE_MS);
    expect(await changesTold()).toMatchObject([[{ after: "2" }]]);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: "1" },
    });
    await pass(world, 15 * MINUTE_MS);
    expect(await changesTold()).toMatchObject([[{ after: "1" }]]);
  });

  test("that Sigil has not sent: each is told", async () => {
    await stalled();
    operationIn(await put(world, id, plain(REGIONS)));
    await pass(world, 30 * MINUTE_MS);
    await world.takeEvents();
    for (const p of ["1", "2", "1"]) {
      await world.simulator.control.editVersion({ versionId: id, tags: { p } });
      await pass(world, 15 * MINUTE_MS);
      expect(await changesTold()).toMatchObject([[{ after: p }]]);
    }
  });
});

test("a region that fails again soon after its repair holds up no demotion", async () => {
  await world.simulator.control.setSucceededWhen("homeRegion");
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
    times: 2,
  });
  const creation = operationIn(await put(world, id, plain(REGIONS)));
  await until(world, async () =>
    (await operation(world, creation)).history.some(({ message }) =>
      /is added back to/u.test(message),
    ),
  );
  await until(world, async () => {
    const { provisioningState, replicationStatus } = (await shownIn(world, id))
      .properties;
    return (
      provisioningState === "Succeeded" &&
      replicationStatus?.summary.some(({ state }) => state === "Failed") ===
        true
    );
  });
  const start = world.clock.now();
  await byHand.demote(world, id);
  await until(world, () => isExcluded(world, id));
  expect((world.clock.now() - start) / MINUTE_MS).toBeLessThan(5);
});

test("the same body again, after the removal of a region that it names was accepted, is 409 as any other that names it", async () => {
  await made(world, id, plain(REGIONS));
  const body = plain(REGIONS, { tags: { a: "1" } });
  operationIn(await put(world, id, body));
  await put(world, id, plain([{ name: "westus" }]), {
    removeRegions: ["eastus2"],
  });
  const other = plain(REGIONS, { tags: { a: "1", b: "1" } });
  expect(await refusal(put(world, id, other))).toMatchObject({
    code: "ImageVersionConflict",
  });
  expect(await refusal(put(world, id, body))).toMatchObject({
    code: "ImageVersionConflict",
  });
});

describe("an ETag that is not the version's is 412, and nothing is done", () => {
  const ifMatch = '"another"';
  const code = "PreconditionFailed";

  test("though the same body is being done", async () => {
    await made(world, id, plain());
    const body = plain(undefined, { tags: { a: "1" } });
    await put(world, id, body);
    expect(await refusal(put(world, id, body, { ifMatch }))).toMatchObject({
      code,
    });
  });

  test("though the version was promoted already", async () => {
    await made(
      world,
      id,
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    await ended(world, [await byHand.promote(world, id)]);
    const again = promoteImageVersion(world.deps, {
      id: idOf(id),
      ...BY,
      ifMatch,
    });
    expect(await refusal(again)).toMatchObject({ code });
  });
});

describe("one look is behind", () => {
  test("others' version was seen at the first look, and none at the second: it is not written over", async () => {
    const first = operationIn(
      await put(world, id, plain(REGIONS, { tags: { mine: "1" } })),
    );
    await outside(world, "PUT", id, plain(REGIONS, { tags: { theirs: "1" } }));
    await world.runDue(); // Its step sees theirs.
    expect((await operation(world, first)).waitReason).toMatch(/of others/u);
    faultOn(world, id, {
      method: "GET",
      status: 404,
      body: { error: { code: "ResourceNotFound", message: "not found" } },
      times: 1,
    });
    await ended(world, [first]);
    expect(await tagsIn(world, id)).toEqual({ theirs: "1" });
  });

  test("a change by others was told, and the look at which a body that takes it back is accepted is from before it: it is done", async () => {
    const body = (tags: Record<string, string>) => plain(REGIONS, { tags });
    await made(world, id, body({ a: "1" }));
    await pass(world, 12 * MINUTE_MS);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: "2" },
    });
    await patchThrough(world, id, { tags: { z: "1" } });
    expect(await changesTold()).toMatchObject([[{ after: "2" }]]);
    await pass(world, MINUTE_MS);
    const tags = { a: "1", z: "1" };
    showAs(world, id, { ...(await shownIn(world, id)), tags });
    const answer = await put(world, id, body(tags));
    if (answer.kind === "accepted") await ended(world, [answer.operation]);
    expect(await tagsIn(world, id)).toEqual(tags);
  });
});

describe("a body is sent again to take back an update that runs, and that another body has asked", () => {
  const tagged = (a: string) => plain(REGIONS, { tags: { a } });

  test("is refused", async () => {
    await made(world, id, tagged("1"));
    const other = operationIn(await put(world, id, tagged("2")));
    expect(await refusal(put(world, id, tagged("1")))).toMatchObject({
      code: "ImageVersionConflict",
      findings: [{ pointer: "/tags/a" }],
    });
    await ended(world, [other]);
  });

  test("as a body with any other value is", async () => {
    await made(world, id, tagged("1"));
    operationIn(await put(world, id, tagged("2")));
    expect(await refusal(put(world, id, tagged("3")))).toMatchObject({
      code: "ImageVersionConflict",
    });
  });
});
