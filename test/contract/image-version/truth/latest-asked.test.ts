/** Where a version is in latest is what facts have shown, with what is asked of it: no request reads less than that. */
import { beforeEach, describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  isExcluded,
  made,
  operationIn,
  outside,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  putThrough,
  seen,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const HELD = { publishing: { excludeFromLatest: true } };
const RULED = { sigil: { promotion: { when: "testsPassed" } } } as never;
const WEST = [{ name: "westus" }];
const latestIn = async (): Promise<readonly string[]> => (await seen(world, id)).sigil.latestIn;
const warned = (operation: {
  readonly warnings?: readonly { readonly code: string }[];
}): readonly string[] => (operation.warnings ?? []).map(({ code }) => code);
const listing = (...targetRegions: readonly object[]): object => ({
  properties: { publishingProfile: { targetRegions } },
});

describe("two requests that create the version", () => {
  test.each([
    ["held back", HELD],
    ["under a rule", RULED],
  ])("%s: the first is canceled, and it stays out of latest", async (_, how) => {
    const first = operationIn(await put(world, id, plain(WEST, how)));
    const second = operationIn(await put(world, id, plain(undefined, how)));
    await cancel(world, first);
    await ended(world, [first, second]);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("held back: the first fails its checks, and it stays out of latest", async () => {
    const osDiskImage = {
      diskEncryptionSetId: `${id.split("/").slice(0, 5).join("/")}/providers/Microsoft.Compute/diskEncryptionSets/none`,
    };
    const regions = [{ name: "westus" }, { name: "eastus2", encryption: { osDiskImage } }];
    const first = operationIn(await put(world, id, plain(regions, HELD)));
    const second = operationIn(await put(world, id, plain(WEST, HELD)));
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Failed" },
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("the second holds back what the first does not: it is told that it stays in latest", async () => {
    const first = operationIn(await put(world, id, plain(WEST)));
    const second = operationIn(await put(world, id, plain(undefined, HELD)));
    const [, told] = await ended(world, [first, second]);
    expect(told && warned(told)).toContain("StaysIncluded");
  });
});

test("a creation that holds back what others have made is told that it stays in latest", async () => {
  await outside(world, "PUT", id, plain());
  await pass(world, 3_600_000);
  const told = await putThrough(world, id, plain(undefined, HELD));
  expect(told.status).toBe("Succeeded");
  expect(warned(told)).toContain("StaysIncluded");
});

test("what cannot be held back by a PUT is refused where that has an ETag, and no warning would be seen", async () => {
  await made(world, id, plain());
  const held = (ifMatch: string) =>
    put(world, id, plain(undefined, { ...HELD, tags: { a: "1" } }), {
      ifMatch,
    });
  expect(await refusal(held(await etagOf(world, id)))).toMatchObject({
    code: "StaysIncluded",
    findings: [{ code: "StaysIncluded", severity: "error" }],
  });
  expect(warned(operationIn(await held("*")))).toContain("StaysIncluded");
});

test("a creation under a rule that was canceled, and is asked again, is under the rule again", async () => {
  const body = plain(undefined, RULED);
  const first = operationIn(await put(world, id, body));
  await world.runDue();
  await cancel(world, first);
  await ended(world, [first]);
  await ended(world, [operationIn(await put(world, id, body))]);
  expect(await isExcluded(world, id)).toBe(true);
  expect((await seen(world, id)).sigil.promotion).toBeDefined();
});

describe("a PATCH that lists regions", () => {
  test("says nothing of a region without a flag that is held back", async () => {
    await made(
      world,
      id,
      plain([{ name: "westus", excludeFromLatest: true }, { name: "eastus2" }, { name: "eastus" }]),
    );
    await patchThrough(
      world,
      id,
      listing({ name: "westus" }, { name: "eastus2", excludeFromLatest: true }, { name: "eastus" }),
    );
    expect(await latestIn()).toEqual(["eastus"]);
  });

  test.each([
    [false, ["eastus", "eastus2"]],
    [true, ["eastus"]],
  ])("says nothing of regions that it leaves out (%s)", async (excludeFromLatest, expected) => {
    await made(
      world,
      id,
      plain([
        { name: "westus", excludeFromLatest: true },
        { name: "eastus2", excludeFromLatest: !excludeFromLatest },
        { name: "eastus" },
      ]),
    );
    await patchThrough(world, id, listing({ name: "eastus2", excludeFromLatest }));
    expect((await latestIn()).toSorted()).toEqual(expected);
  });

  test("says nothing of what the one before it, not sent yet, has said of another region", async () => {
    await made(world, id, plain());
    const tag = operationIn(await patch(world, id, { tags: { a: "1" } }));
    await world.runDue();
    const held = { excludeFromLatest: true };
    const each = [
      listing({ name: "westus" }, { name: "eastus2", ...held }),
      listing({ name: "westus", ...held }, { name: "eastus2" }),
    ];
    const both = [];
    for (const one of each) both.push(operationIn(await patch(world, id, one)));
    await ended(world, [tag, ...both]);
    expect(await latestIn()).toEqual([]);
  });
});

describe("a demotion that waits for Azure", () => {
  beforeEach(async () => {
    await made(world, id, plain());
    await patch(world, id, { tags: { a: "1" } });
    await world.runDue();
  });

  test.each([
    ["takes the rule away", { promotion: null }],
    ["gives a rule", { promotion: { when: "testsPassed" } }],
  ])("is not undone by a PATCH that %s", async (_, sigil) => {
    const demotion = await byHand.demote(world, id);
    const answer = await patch(world, id, { sigil });
    await ended(world, [demotion, ...(answer.kind === "accepted" ? [answer.operation] : [])]);
    expect(await isExcluded(world, id)).toBe(true);
  });
});

test("what others exclude before the first look holds for a region that comes later", async () => {
  const creation = operationIn(await put(world, id, plain()));
  await world.runDue();
  await world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest: true } },
  });
  await ended(world, [creation]);
  await pass(world, 3_600_000);
  await putThrough(world, id, plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }]));
  expect(await latestIn()).toEqual([]);
});

test("a demotion that is asked again after others have included the version is no repeat", async () => {
  await made(world, id, plain());
  await pass(world, 3_600_000);
  const first = await byHand.demote(world, id);
  await ended(world, [first]);
  await pass(world, 60_000);
  await outside(world, "PATCH", id, {
    properties: { publishingProfile: { excludeFromLatest: false } },
  });
  const again = await byHand.demote(world, id);
  expect(again.id).not.toBe(first.id);
});
