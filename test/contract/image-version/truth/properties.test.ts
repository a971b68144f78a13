/** What a request says, leaves out or repeats, and what Azure has of it afterwards. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { seedRegion } from "../../../support/requests.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  profileOf,
  FULL,
  ended,
  etagOf,
  made,
  operationIn,
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

describe("what a request leaves out", () => {
  test("a tag is gone from Azure", async () => {
    await made(world, id, FULL);
    expect(
      await putThrough(world, id, { ...FULL, tags: { build: "1" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect((await shownIn(world, id)).tags).toEqual({ build: "1" });
    expect((await seen(world, id)).tags).toEqual({ build: "1" });
  });

  test("all tags are gone from Azure", async () => {
    await made(world, id, FULL);
    const { tags: _, ...without } = FULL;
    expect(await putThrough(world, id, without)).toMatchObject({
      status: "Succeeded",
    });
    expect((await shownIn(world, id)).tags ?? {}).toEqual({});
  });

  test("an end of life is gone from Azure", async () => {
    await made(world, id, FULL);
    const body = plain(FULL.properties.publishingProfile?.targetRegions, {
      tags: { build: "1", team: "images" },
      safety: { blockDeletionBeforeEndOfLife: true },
    });
    expect(await putThrough(world, id, body)).toMatchObject({
      status: "Succeeded",
    });
    expect(profileOf(await shownIn(world, id)).endOfLifeDate).toBeUndefined();
    expect(
      (await seen(world, id)).properties.publishingProfile?.endOfLifeDate,
    ).toBeUndefined();
  });

  test("the guard against deletion is gone from Azure", async () => {
    await made(world, id, FULL);
    const { safetyProfile: _, ...properties } = FULL.properties;
    expect(await putThrough(world, id, { ...FULL, properties })).toMatchObject({
      status: "Succeeded",
    });
    expect(
      (await shownIn(world, id)).properties.safetyProfile?.[
        "blockDeletionBeforeEndOfLife"
      ] ?? false,
    ).toBe(false);
  });

  test("a replica count is Azure's own again", async () => {
    await made(world, id, FULL);
    expect(
      await putThrough(
        world,
        id,
        plain(undefined, {
          tags: { build: "1", team: "images" },
          publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
          safety: { blockDeletionBeforeEndOfLife: true },
        }),
      ),
    ).toMatchObject({ status: "Succeeded" });
    expect(
      regionIn(await shownIn(world, id), "westus").regionalReplicaCount,
    ).toBe(1);
  });

  test("a replica set that was added is gone from Azure when it is left out", async () => {
    const sets = [
      {
        storageAccountType: "Premium_LRS" as const,
        regionalReplicaCount: 2,
      },
    ];
    await made(world, id, plain());
    const withSets = plain([
      { name: "westus", additionalReplicaSets: sets },
      { name: "eastus2" },
    ]);
    expect(await putThrough(world, id, withSets)).toMatchObject({
      status: "Succeeded",
    });
    expect(
      regionIn(await shownIn(world, id), "westus").additionalReplicaSets,
    ).toEqual(sets);
    expect(await putThrough(world, id, plain())).toMatchObject({
      status: "Succeeded",
    });
    expect(
      regionIn(await shownIn(world, id), "westus").additionalReplicaSets ?? [],
    ).toEqual([]);
  });

  test("a region is kept, with a warning that names it", async () => {
    await made(world, id, plain());
    const answer = await put(
      world,
      id,
      plain([{ name: "westus" }], { tags: { a: "1" } }),
    );
    const accepted = operationIn(answer);
    expect(accepted.warnings?.map(({ code }) => code)).toContain("RegionKept");
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(regionNames(await shownIn(world, id))).toEqual([
      "westus",
      "eastus2",
    ]);
  });

  test("a region is gone where removeRegions names it, and ARM may remove no more afterwards", async () => {
    await made(world, id, plain());
    expect(
      await putThrough(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["East US 2"],
      }),
    ).toMatchObject({ status: "Succeeded" });
    const shown = await shownIn(world, id);
    expect(regionNames(shown)).toEqual(["westus"]);
    expect(
      shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"],
    ).toBe(false);
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
                confidentialVMEncryptionType:
                  "EncryptedVMGuestStateOnlyWithPmk",
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
    expect(
      JSON.stringify(regionIn(await shownIn(world, id), "westus").encryption),
    ).not.toContain("confidentialVMEncryptionType");
  });

  test("another location, source or storage type is refused, naming both values", async () => {
    await made(
      world,
      id,
      plain([{ name: "westus", storageAccountType: "Standard_LRS" }]),
    );
    const error = await refusal(
      put(
        world,
        id,
        plain([{ name: "westus", storageAccountType: "Premium_LRS" }]),
      ),
    );
    expect(error).toMatchObject({ code: "ImageVersionConflict" });
    expect(error.findings[0]?.message).toMatch(/Standard_LRS.*Premium_LRS/su);
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
    expect(
      await putThrough(world, id, plain(undefined, { tags: { mine: "3" } })),
    ).toMatchObject({ status: "Succeeded" });
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
      await putThrough(
        world,
        id,
        plain([{ name: "westus" }, { name: "eastus2" }], { publishing }),
      ),
    ).toMatchObject({ status: "Succeeded" });
    expect(regionNames(await shownIn(world, id))).toEqual([
      "westus",
      "eastus2",
    ]);
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
