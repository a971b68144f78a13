/** A version was restored a few minutes ago, and a replica of Azure that is behind shows it deleted still: it is not gone by that. */
import { beforeEach, describe, expect, test } from "vitest";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import { planRollback } from "../../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  disableSoftDelete,
  enableSoftDelete,
} from "../../../support/soft-delete.js";
import { look, told } from "../drift/support.js";
import {
  BY,
  byHand,
  ended,
  faultOn,
  made,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  tagsIn,
} from "./support.js";

const HOUR_MS = 3_600_000;
const BODY = plain(undefined, { tags: { a: "1" } });
const OTHER = plain(undefined, { tags: { a: "2" } });
const AGAIN = { code: "StateConflict", retryable: true };

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const restore = () => restoreImageVersion(world.deps, { id: idOf(id), ...BY });

const asked = [
  [
    "a PUT with If-None-Match",
    () => put(world, id, OTHER, { ifNoneMatch: "*" }),
  ],
  ["a PATCH", () => patch(world, id, { tags: { a: "2" } })],
  ["another restore", restore],
] as const;

beforeEach(async () => {
  await enableSoftDelete(world);
  await made(world, id, BODY);
  world.clock.advance(HOUR_MS);
  await ended(world, [await byHand.remove(world, id)]);
  world.clock.advance(HOUR_MS);
});

/** No answer of Azure has it, nor one of what can be restored. */
async function hide(): Promise<void> {
  await disableSoftDelete(world);
  await outside(world, "DELETE", id);
}

async function isThere(): Promise<void> {
  const shown = await seen(world, id);
  expect(shown.tags).toEqual({ a: "1" });
  expect(shown.sigil.warnings).toMatchObject([{ code: "StateConflict" }]);
}

describe("by Sigil", () => {
  beforeEach(async () => {
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });

  test.each([0, 5, 8])(
    "%i minutes ago: GET shows it, and what is asked is to be sent again, though the lists lack it, too",
    async (minutes) => {
      world.clock.advance(minutes * 60_000);
      await hide();
      for (const [, ask] of asked)
        expect(await refusal(ask())).toMatchObject(AGAIN);
      await isThere();
    },
  );

  test.each(asked)("%s writes nothing", async (_, ask) => {
    faultOn(world, id, { method: "GET", status: 404, times: 1 });
    expect(await refusal(ask())).toMatchObject(AGAIN);
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });

  test("a rollback may lead to it", async () => {
    const to = idOf(id).versionName;
    const newer = id.replace(/[^/]+$/u, "90.0.0");
    await made(world, newer, plain());
    await hide();
    expect(
      await planRollback(world.deps, {
        ...BY,
        image: idOf(id),
        to,
      }),
    ).toMatchObject({ from: "90.0.0", to });
  });

  test("ten minutes later it is gone, where others have deleted it", async () => {
    await hide();
    world.clock.advance(600_000);
    for (const ask of [() => put(world, id, BODY), restore])
      expect(await refusal(ask())).toMatchObject({ code: "ImageVersionGone" });
    expect(await refusal(seen(world, id))).toMatchObject({ code: "NotFound" });
  });

  test("it is restored again at once where Azure says to have deleted it since", async () => {
    world.clock.advance(60_000);
    await outside(world, "DELETE", id);
    expect(await ended(world, [await restore()])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });
});

test("by others, and adopted: nor is it gone by that", async () => {
  await outside(world, "PUT", id, {
    location: "westus",
    properties: { restore: true },
  });
  world.clock.advance(HOUR_MS);
  await putThrough(world, id, BODY);
  await hide();
  expect(
    await refusal(put(world, id, OTHER, { ifNoneMatch: "*" })),
  ).toMatchObject(AGAIN);
  await isThere();
  await look(world);
  await pass(world, 150_000);
  await look(world);
  expect(await told(world, id)).not.toContain("DeletedOutside");
});

describe("restored by others, of which Sigil knows nothing yet", () => {
  beforeEach(async () => {
    await outside(world, "PUT", id, {
      location: "westus",
      properties: { restore: true },
    });
    world.clock.advance(60_000);
  });

  test.each([...asked, ["a DELETE", () => byHand.remove(world, id)] as const])(
    "%s by answers of before, while Azure lists it, is to be sent again",
    async (_, ask) => {
      faultOn(world, id, { method: "GET", status: 404, times: 2 });
      expect(await refusal(ask())).toMatchObject(AGAIN);
      expect(await refusal(ask())).toMatchObject(AGAIN);
      expect(await tagsIn(world, id)).toEqual({ a: "1" });
    },
  );
});
