/** A look that is older than what was sent: no request is answered by it, and nothing that Azure has is undone. */
import { expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  facts,
  isExcluded,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  showAs,
  shownIn,
} from "./support.js";

const BEFORE = plain(undefined, { tags: { a: "1" } });
const AFTER = plain(undefined, { tags: { a: "2" } });
const LAG_MS = 60_000;
const HOUR_MS = 3_600_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const excluding = (excludeFromLatest: boolean): unknown => ({
  properties: { publishingProfile: { excludeFromLatest } },
});

const tagsInAzure = async (): Promise<unknown> =>
  (await shownIn(world, id)).tags;

const outsideTold = async (): Promise<unknown[]> =>
  (await world.takeEvents()).filter(
    ({ type, subject }) =>
      subject === id && type === "Sigil.ImageVersion.ChangedOutside",
  );

test("what was before an update that is canceled is sent, while looks do not show the update yet", async () => {
  await made(world, id, BEFORE);
  await world.simulator.control.setLag({ ms: LAG_MS });
  const update = operationIn(await put(world, id, AFTER));
  await world.runDue();
  await cancel(world, update);
  const again = operationIn(await put(world, id, BEFORE));
  expect(await ended(world, [update, again])).toMatchObject([
    { status: "Canceled" },
    { status: "Succeeded" },
  ]);
  await pass(world, 2 * LAG_MS);
  expect(await tagsInAzure()).toEqual({ a: "1" });
  expect(await outsideTold()).toEqual([]);
});

test("and while the PUT of the update is under way", async () => {
  await made(world, id, BEFORE);
  const update = operationIn(await put(world, id, AFTER));
  let again: OperationRecord | undefined;
  const { resourceManager } = world.deps;
  const deps: typeof world.deps = {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      putImageVersion: async (...args) => {
        if (again === undefined) {
          await cancel(world, update);
          again = operationIn(await put(world, id, BEFORE));
        }
        return resourceManager.putImageVersion(...args);
      },
    },
  };
  while (again === undefined)
    for (const message of await world.takeDue())
      await world.handle(message, deps);
  expect(await ended(world, [update, again])).toMatchObject([
    { status: "Canceled" },
    { status: "Succeeded" },
  ]);
  expect(await tagsInAzure()).toEqual({ a: "1" });
  expect(await outsideTold()).toEqual([]);
});

test("a version that a canceled patch has excluded is in latest again as the next patch says, while looks lag", async () => {
  await made(world, id, plain());
  await world.simulator.control.setLag({ ms: LAG_MS });
  const excluded = operationIn(await patch(world, id, excluding(true)));
  await world.runDue();
  await cancel(world, excluded);
  const included = operationIn(await patch(world, id, excluding(false)));
  expect(await ended(world, [excluded, included])).toMatchObject([
    { status: "Canceled" },
    { status: "Succeeded" },
  ]);
  await pass(world, 2 * LAG_MS);
  expect(await isExcluded(world, id)).toBe(false);
});

test.each<[string, () => Promise<OperationRecord>, object]>([
  [
    "tag",
    async () => operationIn(await patch(world, id, { tags: { a: "2" } })),
    { tags: { a: "2", b: "1" } },
  ],
  [
    "demotion",
    () => byHand.demote(world, id),
    {
      tags: { a: "1", b: "1" },
      properties: { publishingProfile: { excludeFromLatest: true } },
    },
  ],
])(
  "a %s that has Succeeded stays, though the next update is sent by looks that are behind",
  async (_, change, shown) => {
    await made(world, id, BEFORE);
    expect(await ended(world, [await change()])).toMatchObject([
      { status: "Succeeded" },
    ]);
    await world.takeEvents();
    const next = operationIn(await patch(world, id, { tags: { b: "1" } }));
    await world.simulator.control.lagNextReads({ versionId: id, reads: 2 });
    expect(await ended(world, [next])).toMatchObject([{ status: "Succeeded" }]);
    await pass(world, HOUR_MS);
    expect(await shownIn(world, id)).toMatchObject(shown);
    const told = await world.takeEvents();
    expect(facts(told, next).at(-1)).toBe("completed");
    expect(told.map(({ type }) => type)).not.toContain(
      "Sigil.ImageVersion.ChangedOutside",
    );
  },
);

test("a PUT that takes back what has Succeeded is sent, though the look before it does not show that", async () => {
  await made(world, id, BEFORE);
  await putThrough(world, id, AFTER);
  await world.simulator.control.lagNextReads({ versionId: id, reads: 1 });
  expect(await putThrough(world, id, BEFORE)).toMatchObject({
    status: "Succeeded",
  });
  expect(await tagsInAzure()).toEqual({ a: "1" });
});

test("a look of while it was created, at the step of an update once it is ready, takes back nothing that GET shows", async () => {
  const creation = operationIn(await put(world, id, BEFORE));
  await world.runDue();
  const creating = await shownIn(world, id);
  await ended(world, [creation]);
  const ready = await seen(world, id);
  expect(ready.properties.provisioningState).toBe("Succeeded");
  const update = operationIn(await patch(world, id, { tags: { a: "2" } }));
  showAs(world, id, creating);
  await world.runDue();
  const shown = await seen(world, id);
  expect(shown.properties.provisioningState).toBe("Succeeded");
  expect(shown.sigil.regions).toEqual(ready.sigil.regions);
  await ended(world, [update]);
  expect(await tagsInAzure()).toEqual({ a: "2" });
});
