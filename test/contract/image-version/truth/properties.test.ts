/** What a request says, leaves out or repeats, and what Azure has of it afterwards. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { seedRegion } from "../../../support/requests.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  facts,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  regionIn,
  regionNames,
  seen,
  shownIn,
  type Shown,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const azure = (): Promise<Shown> => shownIn(world, id);
const profileOf = ({ properties }: Shown) => properties.publishingProfile;

const FULL = plain(
  [{ name: "westus", regionalReplicaCount: 2 }, { name: "eastus2" }],
  {
    tags: { build: "1", team: "images" },
    publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
    safety: { blockDeletionBeforeEndOfLife: true },
  },
);

describe("what a request leaves out", () => {
  test("a tag is gone from Azure", async () => {
    await made(world, id, FULL);
    expect(
      await putThrough(world, id, { ...FULL, tags: { build: "1" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect((await azure()).tags).toEqual({ build: "1" });
    expect((await seen(world, id)).tags).toEqual({ build: "1" });
  });

  test("all tags are gone from Azure", async () => {
    await made(world, id, FULL);
    const { tags: _, ...without } = FULL;
    expect(await putThrough(world, id, without)).toMatchObject({
      status: "Succeeded",
    });
    expect((await azure()).tags ?? {}).toEqual({});
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
    expect(profileOf(await azure()).endOfLifeDate).toBeUndefined();
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
      (await azure()).properties.safetyProfile?.[
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
    expect(regionIn(await azure(), "westus").regionalReplicaCount).toBe(1);
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
    expect(regionIn(await azure(), "westus").additionalReplicaSets).toEqual(
      sets,
    );
    expect(await putThrough(world, id, plain())).toMatchObject({
      status: "Succeeded",
    });
    expect(
      regionIn(await azure(), "westus").additionalReplicaSets ?? [],
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
    expect(regionNames(await azure())).toEqual(["westus", "eastus2"]);
  });

  test("a region is gone where removeRegions names it, and ARM may remove no more afterwards", async () => {
    await made(world, id, plain());
    expect(
      await putThrough(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["East US 2"],
      }),
    ).toMatchObject({ status: "Succeeded" });
    const shown = await azure();
    expect(regionNames(shown)).toEqual(["westus"]);
    expect(
      shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"],
    ).toBe(false);
  });

  test("what Azure keeps though it was to be taken away ends Failed with RemovalIgnored", async () => {
    await made(world, id, FULL);
    await world.simulator.control.setOmission({ mode: "keep" });
    const operation = await putThrough(world, id, {
      ...FULL,
      tags: { build: "1" },
    });
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "RemovalIgnored" },
    });
    expect((await azure()).tags).toMatchObject({ team: "images" });
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
    expect((await azure()).tags).toEqual({ a: "1" });
  });
});

describe("the permission to remove regions", () => {
  const OPEN = plain(undefined, {
    safety: { allowDeletionOfReplicatedLocations: true },
  });
  const isOpen = async (): Promise<unknown> =>
    (await azure()).properties.safetyProfile?.[
      "allowDeletionOfReplicatedLocations"
    ];
  const shutInPortal = (): Promise<void> =>
    world.simulator.control.editVersion({
      versionId: id,
      properties: {
        safetyProfile: { allowDeletionOfReplicatedLocations: false },
      },
    });
  const change = async (): Promise<void> => {
    const changing = operationIn(await patch(world, id, { tags: { a: "1" } }));
    expect(await ended(world, [changing])).toMatchObject([
      { status: "Succeeded" },
    ]);
  };

  test("that a caller has given stays, whatever else is changed, and after a removal", async () => {
    await made(world, id, OPEN);
    await change();
    expect(await isOpen()).toBe(true);
    const removal = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus2"] }),
    );
    expect(await ended(world, [removal])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isOpen()).toBe(true);
  });

  test("is not given again where others have shut it, and that they have is told", async () => {
    await made(world, id, OPEN);
    world.clock.advance(600_000);
    await shutInPortal();
    await change();
    expect(await isOpen()).toBe(false);
    const outside = (await world.takeEvents()).filter(
      ({ type }) => type === "Sigil.ImageVersion.ChangedOutside",
    );
    expect(JSON.stringify(outside.map(({ data }) => data))).toContain(
      "allowDeletionOfReplicatedLocations",
    );
    expect(outside).toHaveLength(1);
    // A body that says so gives it again.
    expect(await putThrough(world, id, OPEN)).toMatchObject({
      status: "Succeeded",
    });
    expect(await isOpen()).toBe(true);
  });

  test("is taken for a removal that is asked for, and given back, where others have shut it", async () => {
    await made(world, id, OPEN);
    await shutInPortal();
    const removal = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus2"] }),
    );
    expect(await ended(world, [removal])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(regionNames(await azure())).toEqual(["westus"]);
    expect(await isOpen()).toBe(false);
    expect(
      (await world.takeEvents()).filter(
        ({ type, data }) =>
          type === "Sigil.ImageVersion.ChangedOutside" &&
          JSON.stringify(data).includes(`"after":true`),
      ),
    ).toEqual([]);
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
      JSON.stringify(regionIn(await azure(), "westus").encryption),
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
    const shown = await azure();
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
    expect((await azure()).tags).toEqual({
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
    expect((await azure()).tags ?? {}).toEqual({});
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
    expect((await azure()).tags).toEqual({ mine: "2", policy: "p" });
    // What was pasted was seen, and not asked for: the caller's own body does not take it away.
    expect(
      await putThrough(world, id, plain(undefined, { tags: { mine: "3" } })),
    ).toMatchObject({ status: "Succeeded" });
    expect((await azure()).tags).toEqual({ mine: "3", policy: "p" });
  });
});

describe("what others have changed", () => {
  test("a hold-back by hand survives the caller's own body with another change, and a retry", async () => {
    const body = plain(undefined, { publishing: { excludeFromLatest: false } });
    await made(world, id, body);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    expect(
      await putThrough(world, id, { ...body, tags: { a: "1" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await azure()).excludeFromLatest).toBe(true);
  });

  test("a hold-back by hand survives a body with If-Match that is silent about it, and a patch says it in words", async () => {
    await made(world, id, plain());
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    world.clock.advance(30_000);
    expect(
      await putThrough(world, id, plain(undefined, { tags: { a: "1" } }), {
        ifMatch: await etagOf(world, id),
      }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await azure()).excludeFromLatest).toBe(true);
    const answer = await patch(world, id, {
      properties: { publishingProfile: { excludeFromLatest: null } },
    });
    await ended(world, [operationIn(answer)]);
    expect(profileOf(await azure()).excludeFromLatest).toBe(false);
  });

  test("an end of life that was put off in the portal survives the caller's own body with another change", async () => {
    await made(world, id, FULL);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: {
        publishingProfile: { endOfLifeDate: "2095-01-01T00:00:00Z" },
      },
    });
    expect(
      await putThrough(world, id, { ...FULL, tags: { build: "2" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await azure()).endOfLifeDate).toMatch(/^2095/u);
    expect((await azure()).tags).toEqual({ build: "2" });
  });

  test("a tag by policy does not fail an update, and stays", async () => {
    await world.simulator.control.setPolicy({ addTags: { cost: "c1" } });
    expect(
      await putThrough(world, id, plain(undefined, { tags: { a: "1" } })),
    ).toMatchObject({ status: "Succeeded" });
    for (const value of ["2", "3", "4"])
      expect(
        await putThrough(world, id, plain(undefined, { tags: { a: value } })),
      ).toMatchObject({ status: "Succeeded" });
    expect((await azure()).tags).toEqual({ a: "4", cost: "c1" });
  });

  test("a policy that overwrites the caller's tag ends the operation OverriddenByAzure after three writes", async () => {
    await made(world, id, plain(undefined, { tags: { cost: "c0" } }));
    await world.simulator.control.setPolicy({ addTags: { cost: "c1" } });
    world.simulator.control.clearRequests();
    expect(
      await putThrough(world, id, plain(undefined, { tags: { cost: "mine" } })),
    ).toMatchObject({
      status: "Failed",
      error: { code: "OverriddenByAzure" },
    });
    expect(puts(world)).toBe(3);
    expect((await seen(world, id)).tags).toEqual({ cost: "c1" });
  });

  test("a tag that was removed outside is written again by the same body, as an operation of its own", async () => {
    const body = plain(undefined, { tags: { a: "1" } });
    await made(world, id, body);
    const first = (await world.read(id)).operation.id;
    world.clock.advance(15 * 60_000);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: null },
    });
    const again = await putThrough(world, id, body);
    expect(again).toMatchObject({ status: "Succeeded" });
    expect(again.id).not.toBe(first);
    expect((await azure()).tags).toEqual({ a: "1" });
    expect(facts(await world.takeEvents(), again)).toContainEqual(
      expect.stringMatching(/^outside\//u),
    );
  });

  test("the same body again, as long as Azure shows it, is the same operation", async () => {
    const body = plain(undefined, { tags: { a: "1" } });
    await made(world, id, body);
    const first = (await world.read(id)).operation.id;
    expect(operationIn(await put(world, id, body)).id).toBe(first);
    expect(puts(world)).toBe(0);
  });

  test("a region that was removed and has come back is removed by the same request again", async () => {
    await made(world, id, plain());
    const less = plain([{ name: "westus" }]);
    const more = { removeRegions: ["eastus2"] };
    const first = await putThrough(world, id, less, more);
    expect(first).toMatchObject({ status: "Succeeded" });
    await outside(world, "PUT", id, plain());
    const again = await putThrough(world, id, less, more);
    expect(again).toMatchObject({ status: "Succeeded" });
    expect(again.id).not.toBe(first.id);
    expect(regionNames(await azure())).toEqual(["westus"]);
  });

  test("a tag that was taken away and that others have added since is theirs", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1", b: "1" } }));
    const less = plain(undefined, { tags: { a: "1" } });
    const first = await putThrough(world, id, less);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { b: "2" },
    });
    expect(operationIn(await put(world, id, less)).id).toBe(first.id);
    expect((await azure()).tags).toEqual({ a: "1", b: "2" });
  });
});

describe("PATCH", () => {
  test("changes one thing, and nothing else", async () => {
    await made(world, id, FULL);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { theirs: "t" },
    });
    const answer = await patch(world, id, {
      tags: { team: null, more: "1" },
      properties: { publishingProfile: { endOfLifeDate: null } },
    });
    expect(await ended(world, [operationIn(answer)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    const shown = await azure();
    expect(shown.tags).toEqual({ build: "1", theirs: "t", more: "1" });
    expect(profileOf(shown).endOfLifeDate).toBeUndefined();
    expect(regionIn(shown, "westus").regionalReplicaCount).toBe(2);
  });

  test("of a version that others made adopts it, and touches nothing that it does not name", async () => {
    await outside(world, "PUT", id, plain(undefined, { tags: { x: "1" } }));
    const answer = await patch(world, id, { tags: { y: "2" } });
    expect(await ended(world, [operationIn(answer)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect((await azure()).tags).toEqual({ x: "1", y: "2" });
  });

  test("a list that leaves out a region keeps it, unless removeRegions names it", async () => {
    await made(world, id, plain());
    const targetRegions = [{ name: "westus", regionalReplicaCount: 3 }];
    const answer = await patch(world, id, {
      properties: { publishingProfile: { targetRegions } },
    });
    await ended(world, [operationIn(answer)]);
    expect(regionNames(await azure())).toEqual(["westus", "eastus2"]);
    const removing = await patch(
      world,
      id,
      { properties: { publishingProfile: { targetRegions } } },
      { removeRegions: ["eastus2"] },
    );
    await ended(world, [operationIn(removing)]);
    expect(regionNames(await azure())).toEqual(["westus"]);
  });

  test("of a version that Azure does not have is NotFound", async () => {
    expect(await refusal(patch(world, id, { tags: { a: "1" } }))).toMatchObject(
      { code: "NotFound" },
    );
  });

  test("during a run is queued, and keeps what the run asks", async () => {
    await made(world, id, FULL);
    const first = operationIn(
      await put(world, id, {
        ...FULL,
        tags: { build: "2", team: "images" },
      }),
    );
    const second = operationIn(await patch(world, id, { tags: { p: "1" } }));
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    expect((await azure()).tags).toEqual({
      build: "2",
      team: "images",
      p: "1",
    });
  });

  test("during a run that others change Azure in keeps what they did", async () => {
    await made(world, id, FULL);
    const first = operationIn(
      await put(
        world,
        id,
        plain(
          [
            { name: "westus", regionalReplicaCount: 2 },
            { name: "eastus2" },
            { name: "eastus" },
          ],
          {
            tags: { build: "1", team: "images" },
            publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
            safety: { blockDeletionBeforeEndOfLife: true },
          },
        ),
      ),
    );
    await world.runDue();
    const second = operationIn(await patch(world, id, { tags: { p: "1" } }));
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { theirs: "t" },
    });
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    const shown = await azure();
    expect(shown.tags).toEqual({
      build: "1",
      team: "images",
      p: "1",
      theirs: "t",
    });
    expect(regionNames(shown)).toEqual(["westus", "eastus2", "eastus"]);
  });
});

describe("what GET shows", () => {
  test("after an update that failed, the regions that Azure has", async () => {
    await made(world, id, plain());
    world.simulator.control.addFault({
      method: "PUT",
      status: 400,
      body: { error: { code: "InvalidParameter", message: "No." } },
    });
    const failed = await putThrough(
      world,
      id,
      plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }]),
    );
    expect(failed).toMatchObject({ status: "Failed" });
    world.clock.advance(60_000);
    const view = await seen(world, id);
    expect(
      view.properties.publishingProfile?.targetRegions?.map(({ name }) => name),
    ).toEqual(regionNames(await azure()));
    expect(view.sigil.regions.map(({ name }) => name)).toEqual([
      "westus",
      "eastus2",
    ]);
    expect(view.sigil.pending).toEqual([]);
  });

  test("while an update waits, what is asked and not there yet", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await put(world, id, plain(undefined, { tags: { a: "2" } }));
    const view = await seen(world, id);
    expect(view.tags).toEqual({ a: "1" });
    expect(view.sigil.pending).toMatchObject([
      { pointer: "/tags/a", before: "1", after: "2" },
    ]);
    await world.finish(id);
    expect((await seen(world, id)).sigil.pending).toEqual([]);
  });

  test("of a version whose create is accepted is Creating, from what is asked", async () => {
    await put(world, id, plain(undefined, { tags: { a: "1" } }));
    expect(await seen(world, id)).toMatchObject({
      tags: { a: "1" },
      properties: { provisioningState: "Creating" },
    });
    await world.finish(id);
  });

  test("is told anew where others have changed it, within half a minute", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await seen(world, id);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { b: "1" },
    });
    world.clock.advance(30_000);
    expect((await seen(world, id)).tags).toEqual({ a: "1", b: "1" });
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
    expect(regionNames(await azure())).toEqual(["westus", "eastus2"]);
  });

  test("is taken, with a warning, where it is asked for anew: Azure takes it", async () => {
    await made(world, id, plain());
    const { warnings } = await putThrough(
      world,
      id,
      plain(undefined, {
        publishing: { endOfLifeDate: "2020-01-01T00:00:00Z" },
      }),
    );
    expect(warnings).toMatchObject([{ code: "EndOfLifeDateInPast" }]);
  });
});

describe("what is latest", () => {
  test("a version under a rule is made excluded, and included once its regions are ready", async () => {
    const body = plain(undefined, {
      sigil: { promotion: { when: "allRegionsReady" } },
    });
    const accepted = operationIn(await put(world, id, body));
    await world.runDue();
    expect(profileOf(await azure()).excludeFromLatest).toBe(true);
    await ended(world, [accepted]);
    await pass(world, 600_000);
    expect(profileOf(await azure()).excludeFromLatest).toBe(false);
  });

  test("a hold-back by hand overrides the rule until the version is promoted by hand", async () => {
    const body = plain(undefined, {
      sigil: { promotion: { when: "allRegionsReady" } },
    });
    await made(world, id, body);
    await ended(world, [await byHand.demote(world, id)]);
    expect(profileOf(await azure()).excludeFromLatest).toBe(true);
    expect(
      await putThrough(world, id, { ...body, tags: { a: "1" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await azure()).excludeFromLatest).toBe(true);
    await ended(world, [await byHand.promote(world, id)]);
    expect(profileOf(await azure()).excludeFromLatest).toBe(false);
  });

  test("a hold-back in the portal under a spent rule stays through a later update", async () => {
    const body = plain(undefined, {
      sigil: { promotion: { when: "allRegionsReady" } },
    });
    await made(world, id, body);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    expect(
      await putThrough(world, id, { ...body, tags: { a: "1" } }),
    ).toMatchObject({ status: "Succeeded" });
    expect(profileOf(await azure()).excludeFromLatest).toBe(true);
  });
});

test("a patch names a tag in any case, as Azure does", async () => {
  await made(world, id, plain(undefined, { tags: { Owner: "x", Team: "a" } }));
  await ended(world, [
    operationIn(
      await patch(world, id, { tags: { owner: null, team: "b", New: "1" } }),
    ),
  ]);
  expect((await azure()).tags).toEqual({ Team: "b", New: "1" });
});

test("a tag that a canceled update has set is taken away by the next body that leaves it out", async () => {
  await made(world, id, plain());
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    action: "reset-after-processing",
    times: 1,
  });
  const update = operationIn(
    await put(world, id, plain(undefined, { tags: { a: "1" } })),
  );
  await world.runDue();
  await cancel(world, update);
  await ended(world, [update]);
  await pass(world, 300_000);
  expect((await azure()).tags).toEqual({ a: "1" });
  expect(await putThrough(world, id, plain())).toMatchObject({
    status: "Succeeded",
  });
  expect((await azure()).tags ?? {}).toEqual({});
});
