/** What a request says, leaves out or repeats, and what Azure has of it afterwards. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { seedRegion } from "../../../support/requests.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  type Shown,
  profileOf,
  FULL,
  PARTS,
  etagOf,
  made,
  patchThrough,
  plain,
  put,
  putThrough,
  puts,
  regionIn,
  regionNames,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const { tags: TAGS, publishing: PUBLISHING, safety: SAFETY } = PARTS;
const REGIONS = FULL.properties.publishingProfile?.targetRegions;
const WITH_SETS = plain([
  {
    name: "westus",
    additionalReplicaSets: [{ storageAccountType: "Premium_LRS", regionalReplicaCount: 2 }],
  },
  { name: "eastus2" },
]);

describe("what a request leaves out", () => {
  test.each<[string, ImageVersionRequest, ImageVersionRequest, (shown: Shown) => unknown, unknown]>(
    [
      [
        "a tag is gone",
        FULL,
        plain(REGIONS, { ...PARTS, tags: { build: "1" } }),
        ({ tags }) => tags,
        { build: "1" },
      ],
      [
        "all tags are gone",
        FULL,
        plain(REGIONS, { publishing: PUBLISHING, safety: SAFETY }),
        ({ tags = {} }) => tags,
        {},
      ],
      [
        "an end of life is gone",
        FULL,
        plain(REGIONS, { tags: TAGS, safety: SAFETY }),
        (shown) => profileOf(shown).endOfLifeDate,
        undefined,
      ],
      [
        "the guard against deletion is gone",
        FULL,
        plain(REGIONS, { tags: TAGS, publishing: PUBLISHING }),
        ({ properties: { safetyProfile = {} } }) =>
          safetyProfile["blockDeletionBeforeEndOfLife"] ?? false,
        false,
      ],
      [
        "a replica count is Azure's own again",
        FULL,
        plain(undefined, PARTS),
        (shown) => regionIn(shown, "westus").regionalReplicaCount,
        1,
      ],
      [
        "a replica set that was added is gone",
        WITH_SETS,
        plain(),
        (shown) => regionIn(shown, "westus").additionalReplicaSets ?? [],
        [],
      ],
    ],
  )("%s in Azure", async (_, before, after, part, left) => {
    await made(world, id, before);
    expect(part(await shownIn(world, id))).not.toEqual(left);
    expect(await putThrough(world, id, after)).toMatchObject({
      status: "Succeeded",
    });
    expect(part(await shownIn(world, id))).toEqual(left);
    const { tags, properties } = await seen(world, id);
    expect(part({ tags, properties } as unknown as Shown)).toEqual(left);
  });

  test("what Azure keeps though it was to be taken away ends Failed with NotShown", async () => {
    await made(world, id, FULL);
    await world.simulator.control.setOmission({ mode: "keep" });
    const operation = await putThrough(world, id, {
      ...FULL,
      tags: { build: "1" },
    });
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "NotShown" },
    });
    expect((await shownIn(world, id)).tags).toMatchObject({ team: "images" });
    expect((await seen(world, id)).tags).toMatchObject({ team: "images" });
  });

  test("the source of an update may be left out", async () => {
    await made(world, id, plain());
    const body = plain(undefined, { tags: { a: "1" } });
    const without = {
      ...body,
      properties: { ...body.properties, storageProfile: {} },
    };
    expect(await putThrough(world, id, without)).toMatchObject({
      status: "Succeeded",
    });
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });
});

describe("what cannot be changed", () => {
  test("confidentialVMEncryptionType of a region is refused by name, and Azure is left as it is", async () => {
    await made(
      world,
      id,
      plain([seedRegion("westus", "WestUS"), seedRegion("eastus2", "EastUS2")]),
    );
    const region = seedRegion("westus", "WestUS");
    const os = region.encryption?.osDiskImage;
    const end = await putThrough(
      world,
      id,
      plain([
        {
          ...region,
          encryption: {
            ...region.encryption,
            osDiskImage: {
              ...os,
              securityProfile: {
                confidentialVMEncryptionType: "EncryptedVMGuestStateOnlyWithPmk",
              },
            },
          },
        },
        seedRegion("eastus2", "EastUS2"),
      ]),
    );
    expect(end).toMatchObject({
      status: "Failed",
      error: { errors: [{ code: "SecurityTypeMismatch" }] },
    });
    expect(JSON.stringify(regionIn(await shownIn(world, id), "westus").encryption)).not.toContain(
      "confidentialVMEncryptionType",
    );
  });
});

describe("what is pasted back", () => {
  test("Azure's own answer changes nothing, with and without a change in it", async () => {
    await made(world, id, FULL);
    const shown = await shownIn(world, id);
    expect(
      await put(world, id, shown as unknown as ImageVersionRequest, {
        pasted: true,
      }),
    ).toMatchObject({ kind: "unchanged" });
    expect(puts(world)).toBe(0);
    expect(
      await putThrough(
        world,
        id,
        {
          ...(shown as unknown as ImageVersionRequest),
          tags: { ...shown.tags, more: "1" },
        },
        { pasted: true },
      ),
    ).toMatchObject({ status: "Succeeded" });
    expect((await shownIn(world, id)).tags).toEqual({
      build: "1",
      team: "images",
      more: "1",
    });
  });

  test("Sigil's own answer changes nothing, with and without a change in it", async () => {
    await made(world, id, FULL);
    const own = (await seen(world, id)) as unknown as ImageVersionRequest;
    expect(await put(world, id, own, { pasted: true })).toMatchObject({
      kind: "unchanged",
    });
    const { tags: _, ...without } = own;
    expect(
      await putThrough(world, id, without, {
        pasted: true,
        ifMatch: await etagOf(world, id),
      }),
    ).toMatchObject({ status: "Succeeded" });
    expect((await shownIn(world, id)).tags ?? {}).toEqual({});
  });

  test("an answer with what others have added takes nothing of theirs away, and Sigil asks for it no more than before", async () => {
    await made(world, id, plain(undefined, { tags: { mine: "1" } }));
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { policy: "p" },
    });
    world.clock.advance(60_000);
    const pasted = (await seen(world, id)) as unknown as ImageVersionRequest;
    expect(
      await putThrough(
        world,
        id,
        { ...pasted, tags: { ...pasted.tags, mine: "2" } },
        { pasted: true, ifMatch: await etagOf(world, id) },
      ),
    ).toMatchObject({ status: "Succeeded" });
    expect((await shownIn(world, id)).tags).toEqual({ mine: "2", policy: "p" });
    // What was pasted was seen, and not asked for: the caller's own body does not take it away.
    expect(await putThrough(world, id, plain(undefined, { tags: { mine: "3" } }))).toMatchObject({
      status: "Succeeded",
    });
    expect((await shownIn(world, id)).tags).toEqual({ mine: "3", policy: "p" });
  });
});

describe("an end of life that is past", () => {
  test("hinders no region that is added with the version's own body", async () => {
    const soon = new Date(world.clock.now() + 3_600_000).toISOString();
    const publishing = { endOfLifeDate: soon };
    await made(world, id, plain([{ name: "westus" }], { publishing }));
    world.clock.advance(2 * 3_600_000);
    expect(
      await putThrough(world, id, plain([{ name: "westus" }, { name: "eastus2" }], { publishing })),
    ).toMatchObject({ status: "Succeeded" });
    expect(regionNames(await shownIn(world, id))).toEqual(["westus", "eastus2"]);
  });

  test("is taken, with a warning, where it is asked for anew: Azure takes it", async () => {
    await made(world, id, plain());
    const { warnings } = await patchThrough(world, id, {
      properties: {
        publishingProfile: { endOfLifeDate: "2020-01-01T00:00:00Z" },
      },
    });
    expect(warnings).toMatchObject([{ code: "EndOfLifeDateInPast" }]);
  });
});
