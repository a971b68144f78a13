/** A version is deleted and made again within ten minutes, and a replica that is behind shows the life before. */
import { describe, expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { TRACEPARENT, type InProcess } from "../../../support/dependencies.js";
import { runDrift } from "../../../../src/drift/run-drift.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  ended,
  faultOn,
  inAzure,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  showAs,
  shownIn,
  type Shown,
} from "./support.js";

const BODY = plain(undefined, { tags: { a: "1" } });
const OTHER = plain(undefined, { tags: { a: "2" } });
const TAG = { tags: { t: "1" } };
const AGAIN = { ifNoneMatch: "*" } as const;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

/** The version is made and deleted; what Azure showed of it. */
async function deletedBy(whom: "Sigil" | "others"): Promise<Shown> {
  await made(world, id, BODY);
  const before = await shownIn(world, id);
  if (whom === "Sigil") await ended(world, [await byHand.remove(world, id)]);
  else await outside(world, "DELETE", id);
  expect(await inAzure(world, id)).toBeUndefined();
  await world.takeEvents();
  return before;
}

/** It has ended; what is so in Azure then, and what was told. */
async function endOf(
  one: OperationRecord,
): Promise<{ end?: OperationRecord; azure?: Shown; told: readonly string[] }> {
  const [end] = await ended(world, [one]);
  world.simulator.control.clearFaults();
  const azure = await inAzure(world, id);
  return {
    ...(end && { end }),
    ...(azure && { azure }),
    told: (await world.takeEvents()).map(({ id: event }) => event),
  };
}

describe.each(["Sigil", "others"] as const)("deleted by %s", (whom) => {
  test.each([
    ["the same body", BODY],
    ["another body", OTHER],
  ])(
    "it is made by %s, though the step's look shows the life before",
    async (_, body) => {
      const before = await deletedBy(whom);
      const again = operationIn(await put(world, id, body, AGAIN));
      showAs(world, id, before);
      const { end, azure } = await endOf(again);
      expect(end).toMatchObject({ status: "Succeeded" });
      expect(azure?.tags).toEqual(body.tags);
    },
  );

  test.each([
    ["the same body", BODY],
    ["another body", OTHER],
  ])(
    "it is no sooner ready, made by %s, than the new life is, and is Sigil's",
    async (_, body) => {
      const before = await deletedBy(whom);
      const again = operationIn(await put(world, id, body, AGAIN));
      // The step's own look is true; the first after the create request is behind.
      showAs(world, id, before, { times: 1, afterMatches: 1 });
      await pass(world, 60_000);
      expect(await world.takeEvents()).not.toContainEqual(
        expect.objectContaining({
          type: "Sigil.ImageVersion.RegionCompleted",
        }),
      );
      const { end, azure } = await endOf(again);
      expect(end).toMatchObject({ status: "Succeeded" });
      expect(azure?.properties.provisioningState).toBe("Succeeded");
      await pass(world, 1_800_000);
      expect((await seen(world, id)).sigil.managedBy).toBe("Sigil");
      const third = plain(undefined, { tags: { a: "3" } });
      expect(await putThrough(world, id, third)).toMatchObject({
        status: "Succeeded",
      });
    },
  );
});

describe("while a look shows a version that Sigil has deleted", () => {
  test.each([
    ["the same body", BODY],
    ["another body", OTHER],
  ])("it is not made again by %s without If-None-Match", async (_, body) => {
    showAs(world, id, await deletedBy("Sigil"));
    expect(await refusal(put(world, id, body))).toMatchObject({
      code: "ImageVersionGone",
    });
  });

  test("it is made again by If-None-Match: *", async () => {
    showAs(world, id, await deletedBy("Sigil"));
    const again = operationIn(await put(world, id, BODY, AGAIN));
    expect((await endOf(again)).azure?.tags).toEqual(BODY.tags);
  });

  test("nothing of it is patched", async () => {
    showAs(world, id, await deletedBy("Sigil"));
    expect(await refusal(patch(world, id, { tags: { z: "1" } }))).toMatchObject(
      { code: "NotFound" },
    );
  });
});

describe("replaced by others while an operation runs", () => {
  const regions = ["westus", "eastus2", "eastus"].map((name) => ({ name }));
  const added = plain(regions, TAG);
  const asks = {
    "a patch": async () => operationIn(await patch(world, id, TAG)),
    "a demotion": () => byHand.demote(world, id),
    "a body": async () => operationIn(await put(world, id, OTHER)),
    "an added region": async () => operationIn(await put(world, id, added)),
  };
  const moments = {
    "before its first step": () => Promise.resolve(),
    "after its first step": () => world.runDue(),
    "while its region replicates": () => pass(world, 60_000),
  };
  test.each(
    Object.entries(asks).flatMap(([name, ask]) =>
      Object.entries(moments)
        .slice(0, name === "an added region" ? 3 : 2)
        .map(([moment, reach]) => [name, moment, ask, reach] as const),
    ),
  )(
    "a version is told to be deleted, once: %s, %s",
    async (_, __, ask, reach) => {
      await made(world, id, BODY);
      world.clock.advance(3_600_000);
      await world.takeEvents();
      const asked = await ask();
      await reach();
      await outside(world, "DELETE", id);
      world.clock.advance(1_500);
      await outside(world, "PUT", id, plain(undefined, { tags: { b: "1" } }));
      expect(await ended(world, [asked])).toMatchObject([{ status: "Failed" }]);
      for (let looks = 0; looks < 3; looks += 1) {
        world.clock.advance(720_000);
        await runDrift(world.deps, TRACEPARENT);
      }
      const { properties } = await shownIn(world, id);
      const told = (await world.takeEvents()).filter(
        ({ type, subject }) => subject === id && /Outside$/u.test(type),
      );
      expect(told).toMatchObject([
        {
          type: "Sigil.ImageVersion.DeletedOutside",
          data: { publishedDate: properties.publishingProfile.publishedDate },
        },
      ]);
      expect((await seen(world, id)).sigil.managedBy).toBe("Others");
    },
  );
});

test("a deletion whose first look shows no version deletes none that others have made meanwhile", async () => {
  await made(world, id, BODY);
  await pass(world, 3_600_000);
  const deletion = await byHand.remove(world, id);
  await outside(world, "DELETE", id);
  world.clock.advance(1_500);
  await outside(world, "PUT", id, OTHER);
  faultOn(world, id, { method: "GET", status: 404, times: 1 });
  const { azure } = await endOf(deletion);
  expect(azure?.tags).toEqual(OTHER.tags);
});
