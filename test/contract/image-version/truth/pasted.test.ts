/** What GET has answered is edited and sent, while Azure does not show the version yet, or as another one. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { commandOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld, nextVersionId } from "../../../support/one-world.js";
import {
  byHand,
  ended,
  etagOf,
  made,
  operationIn,
  pass,
  plain,
  profileOf,
  put,
  putThrough,
  regionIn,
  regionNames,
  seen,
  shownIn,
  tagsIn,
} from "./support.js";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const END_OF_LIFE = "2060-01-01T00:00:00Z";
/** GET's answer, as a body. */
const read = async (): Promise<ImageVersionRequest> =>
  structuredClone((await seen(world, id)) as unknown as ImageVersionRequest);

type Edit = (version: ImageVersionRequest) => ImageVersionRequest;
const withProfile =
  (
    edit: (
      profile: NonNullable<
        ImageVersionRequest["properties"]["publishingProfile"]
      >,
    ) => object,
  ): Edit =>
  ({ properties, ...version }) => ({
    ...version,
    properties: {
      ...properties,
      publishingProfile: {
        ...properties.publishingProfile,
        ...edit(properties.publishingProfile ?? {}),
      },
    },
  });

const EDITS: Readonly<
  Record<string, [Edit, (versionId: string) => Promise<unknown>, unknown]>
> = {
  "a region": [
    withProfile(({ targetRegions = [] }) => ({
      targetRegions: [...targetRegions, { name: "eastus" }],
    })),
    async (versionId) =>
      regionNames(await shownIn(world, versionId)).includes("eastus"),
    true,
  ],
  "a tag": [
    (version) => ({ ...version, tags: { ...version.tags, b: "2" } }),
    (versionId) => tagsIn(world, versionId),
    { a: "1", b: "2" },
  ],
  "an end of life": [
    withProfile(() => ({ endOfLifeDate: END_OF_LIFE })),
    async (versionId) =>
      Date.parse(
        profileOf(await shownIn(world, versionId)).endOfLifeDate ?? "",
      ),
    Date.parse(END_OF_LIFE),
  ],
  "a region's flag": [
    withProfile(({ targetRegions = [] }) => ({
      targetRegions: targetRegions.map((region) =>
        region.name === "eastus2"
          ? { ...region, excludeFromLatest: true }
          : region,
      ),
    })),
    async (versionId) =>
      regionIn(await shownIn(world, versionId), "eastus2").excludeFromLatest,
    true,
  ],
};

describe("a version that Azure does not show yet", () => {
  const first = plain(undefined, { tags: { a: "1" } });
  const waiting = async (refused: boolean) => {
    const creation = operationIn(await put(world, id, first));
    if (!refused) return creation;
    const { control } = world.simulator;
    control.addFault({ method: "PUT", path: `${id}\\?`, status: 409 });
    await world.runDue();
    expect(control.faults()[0]?.met).toBe(1);
    control.clearFaults();
    return creation;
  };

  test.each(
    Object.keys(EDITS).flatMap((edit) =>
      [false, true].flatMap((refused) =>
        [false, true].map((guarded) => ({ edit, refused, guarded })),
      ),
    ),
  )(
    "is created with what an edit of GET adds: $edit (refused before: $refused, with its ETag: $guarded)",
    async ({ edit, refused, guarded }) => {
      const creation = await waiting(refused);
      const [edited, azureHas, expected] = EDITS[edit]!;
      const ifMatch = await etagOf(world, id);
      const second = operationIn(
        await put(world, id, edited(await read()), {
          pasted: true,
          ...(guarded && { ifMatch }),
        }),
      );
      expect(await ended(world, [creation, second])).toMatchObject([
        { status: "Succeeded" },
        { status: "Succeeded" },
      ]);
      expect(await azureHas(id)).toEqual(expected);
    },
  );

  test("is created without the tag that an edit of GET leaves out, or that is refused", async () => {
    const creation = operationIn(await put(world, id, first));
    const { tags: _, ...body } = await read();
    await expect(
      put(world, id, { ...body, tags: { c: "3" } }, { pasted: true }),
    ).rejects.toMatchObject({ code: "ImageVersionConflict" });
    await ended(world, [creation]);
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });

  test("is left as it will be by what GET gave, unedited", async () => {
    const creation = operationIn(await put(world, id, first));
    expect(await put(world, id, await read(), { pasted: true })).toMatchObject({
      kind: "unchanged",
    });
    await ended(world, [creation]);
  });
});

describe("the answer of a GET is the body of another version", () => {
  const body = plain(
    [{ name: "westus" }, { name: "eastus2", excludeFromLatest: true }],
    {
      tags: { a: "1" },
      publishing: { excludeFromLatest: true, endOfLifeDate: END_OF_LIFE },
      sigil: { protected: true },
    },
  );

  test.each(["Sigil's", "Azure's"])(
    "%s: it is made as that was, and its plan says so",
    async (whose) => {
      await made(world, id, body);
      const answer =
        whose === "Sigil's"
          ? await read()
          : ((await shownIn(world, id)) as unknown as ImageVersionRequest);
      const other = nextVersionId();
      const plan = await planImageVersion(world.deps, {
        ...commandOf(other, structuredClone(answer)),
        pasted: true,
      });
      expect(plan.armRequest?.body).toMatchObject({
        properties: { publishingProfile: { excludeFromLatest: true } },
      });
      await putThrough(world, other, answer, { pasted: true });
      const profile = profileOf(await shownIn(world, other));
      expect(profile.excludeFromLatest).toBe(true);
      expect(Date.parse(profile.endOfLifeDate ?? "")).toBe(
        Date.parse(END_OF_LIFE),
      );
      expect(
        regionIn(await shownIn(world, other), "eastus2").excludeFromLatest,
      ).toBe(true);
      if (whose === "Sigil's")
        expect((await seen(world, other)).sigil.protected).toBe(true);
    },
  );

  test("it is made again under its own number as it was", async () => {
    const { sigil: _, ...unprotected } = body;
    await made(world, id, {
      ...unprotected,
      properties: {
        ...unprotected.properties,
        safetyProfile: { blockDeletionBeforeEndOfLife: false },
      },
    });
    const answer = await read();
    await ended(world, [await byHand.remove(world, id)]);
    await pass(world, 3_600_000);
    await putThrough(world, id, answer, { pasted: true, ifNoneMatch: "*" });
    expect(profileOf(await shownIn(world, id)).excludeFromLatest).toBe(true);
  });
});
