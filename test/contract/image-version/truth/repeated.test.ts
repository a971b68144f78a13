/** The same request again, a version pasted back, and a creation that shall not find the version there. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  ended,
  etagOf,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  puts,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain();
const A = plain(undefined, { tags: { a: "1" } });
const B = plain(undefined, { tags: { a: "2" } });

describe("the same request again is the same operation", () => {
  test("but not once a patch has changed one of its fields, and has ended", async () => {
    const { control } = world.simulator;
    await control.setSucceededWhen("homeRegion");
    await control.stallRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 20,
    });
    const a = operationIn(await put(world, id, A));
    await pass(world, 900_000);
    await ended(world, [operationIn(await patch(world, id, { tags: { a: "2" } }))]);
    const again = operationIn(await put(world, id, A));
    expect(again.id).not.toBe(a.id);
    await control.resumeRegion({ versionId: id, region: "eastus2" });
    await ended(world, [a, again]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });

  test.each([
    [
      "is replicated anew",
      async () => {
        await outside(
          world,
          "PUT",
          id,
          plain([{ name: "westus" }], {
            safety: { allowDeletionOfReplicatedLocations: true },
          }),
        );
        const { deps } = world;
        const { parseImageVersionId } = await import("../../../../src/resource-id.js");
        const parsed = parseImageVersionId(id);
        if (parsed !== undefined) await deps.resourceManager.putImageVersion(parsed, BODY);
      },
    ],
    [
      "has failed",
      () =>
        world.simulator.control.setRegionState({
          versionId: id,
          region: "eastus2",
          state: "Failed",
        }),
    ],
  ] as const)("but not once a region %s", async (_, change) => {
    await made(world, id, BODY);
    await change();
    world.clock.advance(60_000);
    const again = operationIn(await put(world, id, BODY));
    expect(again.status).toBe("NotStarted");
    expect(await ended(world, [again])).toMatchObject([{ status: "Succeeded" }]);
    const { replicationStatus } = (await shownIn(world, id)).properties;
    expect(replicationStatus?.summary.every(({ state }) => state === "Completed")).toBe(true);
  });
});

test("what changes nothing and leaves a region out is told that the region is kept", async () => {
  await made(world, id, BODY);
  expect(await put(world, id, plain([{ name: "westus" }]))).toMatchObject({
    kind: "unchanged",
    version: { warnings: [{ code: "RegionKept" }] },
  });
});

test("what is to remove a region that is not there is told that nothing is removed", async () => {
  await made(world, id, BODY);
  expect(await put(world, id, BODY, { removeRegions: ["eastus22"] })).toMatchObject({
    kind: "unchanged",
    version: { warnings: [{ code: "RegionNotInVersion" }] },
  });
});

describe("a version pasted back without a change is answered", () => {
  const paste = async (): Promise<string> =>
    (await put(world, id, (await seen(world, id)) as never, { pasted: true })).kind;

  test.each([
    ["before Azure has it", 0],
    ["while it replicates", 200_000],
  ])("%s", async (_, ms) => {
    const rule = { promotion: { when: "manual" as const } };
    const a = operationIn(
      await put(world, id, plain(undefined, { tags: { a: "1" }, sigil: rule })),
    );
    if (ms > 0) await pass(world, ms);
    expect(await paste()).toBe("unchanged");
    await ended(world, [a]);
  });

  test("while a change of it is under way, which it does not undo", async () => {
    await made(world, id, A);
    const b = operationIn(await put(world, id, B));
    expect(await paste()).toBe("unchanged");
    await ended(world, [b]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "2" });
  });

  test("though a region of it has failed", async () => {
    await made(world, id, BODY);
    await world.simulator.control.setRegionState({
      versionId: id,
      region: "eastus2",
      state: "Failed",
    });
    world.clock.advance(60_000);
    expect(await paste()).toBe("unchanged");
  });
});

describe("a version of others, read and sent back,", () => {
  const ETAG = { ifMatch: "" };
  test.each<[string, object]>([
    ["without a condition", { pasted: true }],
    ["with its ETag", { pasted: true, ...ETAG }],
    ["without read-only properties, with its ETag", ETAG],
    ["with any ETag", { pasted: true, ifMatch: "*" }],
  ])("%s is adopted: all of it is Sigil's, and then it changes nothing", async (_, more) => {
    await outside(world, "PUT", id, plain(undefined, { tags: { a: "1" } }));
    await pass(world, 1_200_000);
    const before = puts(world);
    const send = async () => {
      const { ifMatch } = more as { readonly ifMatch?: string };
      return put(world, id, (await seen(world, id)) as never, {
        ...more,
        ...(ifMatch === "" && { ifMatch: await etagOf(world, id) }),
      });
    };
    const adoption = operationIn(await send());
    expect(await ended(world, [adoption])).toMatchObject([
      { status: "Succeeded", regions: [{}, {}] },
    ]);
    const { spec } = (await world.read(id)).record;
    expect(spec).toMatchObject({ "/tags/a": "1", "/location": "westus" });
    const again = await send();
    if (again.kind === "accepted") expect(again.operation.id).toBe(adoption.id);
    expect(puts(world)).toBe(before);
  });
});

describe("If-None-Match", () => {
  test("is refused while another creation is not over", async () => {
    const a = operationIn(await put(world, id, A, { ifNoneMatch: "*" }));
    expect(operationIn(await put(world, id, A, { ifNoneMatch: "*" })).id).toBe(a.id);
    expect(await refusal(put(world, id, B, { ifNoneMatch: "*" }))).toMatchObject({
      code: "PreconditionFailed",
    });
    await ended(world, [a]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });

  test("is refused once Azure has accepted a creation, though it shows none yet", async () => {
    const a = operationIn(await put(world, id, A));
    await world.simulator.control.setLag({ versionId: id, ms: 60_000 });
    await world.runDue();
    expect(await refusal(put(world, id, B, { ifNoneMatch: "*" }))).toMatchObject({
      code: "PreconditionFailed",
    });
    await ended(world, [a]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });
});

describe("a region that is being removed", () => {
  test("is not asked for meanwhile by a body that names it: 409 says where", async () => {
    await made(world, id, BODY);
    const removal = operationIn(
      await put(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["eastus2"],
      }),
    );
    expect(await refusal(put(world, id, plain(undefined, { tags: { b: "1" } })))).toMatchObject({
      code: "ImageVersionConflict",
      findings: [{ pointer: "/properties/publishingProfile/targetRegions/1/name" }],
    });
    await ended(world, [removal]);
  });
});
