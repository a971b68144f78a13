/** What a request asks is what its words say beside what its caller has read: no more, no less, and what it does not do is told. */
import { afterEach, describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";
import type { PutAnswer } from "../../../../src/image-version/commands/put.js";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  disableSoftDelete,
  enableSoftDelete,
} from "../../../support/soft-delete.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  etagOf,
  faultOn,
  isExcluded,
  made,
  newDefinition,
  operationIn,
  outside,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  puts,
  putThrough,
  regionNames,
  seen,
  showAs,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 1_200_000, spread: 0.5 }, (given, versionId) => {
  world = given;
  id = versionId;
});
afterEach(() => disableSoftDelete(world));

const MINUTE_MS = 60_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];
const OUT = { excludeFromLatest: true };
const IN = { excludeFromLatest: false };
const TESTED = {
  promotion: { when: "tested", results: ["boot"] },
} as ImageVersionRequest["sigil"] & object;
const listing = (targetRegions: readonly object[]) => ({
  properties: { publishingProfile: { targetRegions } },
});
const codes = (answer: PutAnswer): readonly string[] =>
  (answer.kind === "accepted"
    ? (answer.operation.warnings ?? [])
    : answer.version.warnings
  ).map(({ code }) => code);
/** GET's answer, as a body. */
const read = async (): Promise<ImageVersionRequest> =>
  structuredClone((await seen(world, id)) as unknown as ImageVersionRequest);
const edit = (publishingProfile: object) =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile },
  });

describe("while a replica of Azure is behind Sigil's last write", () => {
  test.each(["*", "the ETag of GET"])(
    "a region is removed by a PUT with If-Match (%s)",
    async (how) => {
      await made(world, id, plain(TWO));
      const before = await shownIn(world, id);
      await putThrough(world, id, plain(TWO, { tags: { a: "1" } }));
      await pass(world, MINUTE_MS);
      const ifMatch = how === "*" ? how : await etagOf(world, id);
      showAs(world, id, before);
      const answer = await put(
        world,
        id,
        plain([{ name: "westus" }], { tags: { a: "1" } }),
        { removeRegions: ["eastus2"], ifMatch },
      );
      await ended(world, [operationIn(answer)]);
      expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
    },
  );

  test("GET, one tag, PUT with its ETag does not wait for a region that another is adding", async () => {
    await made(world, id, plain(TWO));
    await world.simulator.control.setSucceededWhen("homeRegion");
    const before = await shownIn(world, id);
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus",
      atProgress: 50,
      times: 9,
    });
    const adding = operationIn(
      await patch(world, id, listing([...TWO, { name: "eastus" }])),
    );
    await pass(world, 3 * MINUTE_MS);
    const body = { ...(await read()), tags: { n: "1" } };
    const ifMatch = await etagOf(world, id);
    showAs(world, id, before);
    const tagging = operationIn(
      await put(world, id, body, { ifMatch, pasted: true }),
    );
    expect(tagging.regions).toEqual([]);
    const [end] = await ended(world, [tagging, adding]);
    expect(end?.status).toBe("Succeeded");
    await world.simulator.control.setSucceededWhen("everyRegion");
  });

  test("GET, one tag, PUT with its ETag does not make others' tag Sigil's", async () => {
    await made(world, id, plain(TWO));
    await pass(world, 30 * MINUTE_MS);
    const before = await shownIn(world, id);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { policy: "x" },
    });
    await patchThrough(world, id, { tags: { a: "1" } });
    await pass(world, MINUTE_MS);
    const body = await read();
    const ifMatch = await etagOf(world, id);
    showAs(world, id, before);
    const tags = { ...body.tags, n: "1" };
    await putThrough(world, id, { ...body, tags }, { ifMatch, pasted: true });
    await pass(world, 30 * MINUTE_MS);
    await putThrough(world, id, plain(TWO, { tags: { build: "2" } }));
    expect((await shownIn(world, id)).tags).toMatchObject({ policy: "x" });
  });
});

test.each(["Sigil has sent another's update", "others have changed it"])(
  "after a 412, while %s, GET gives the ETag that is taken",
  async (how) => {
    await made(world, id, plain(TWO));
    await pass(world, 30 * MINUTE_MS);
    if (how === "others have changed it") {
      await seen(world, id);
      await world.simulator.control.editVersion({
        versionId: id,
        tags: { others: "1" },
      });
    } else {
      await patch(world, id, { tags: { a: "1" } });
      await world.runDue();
    }
    const send = async () =>
      patch(
        world,
        id,
        { tags: { n: "1" } },
        { ifMatch: await etagOf(world, id) },
      );
    expect(await refusal(send())).toMatchObject({ code: "PreconditionFailed" });
    await ended(world, [operationIn(await send())]);
    expect((await shownIn(world, id)).tags).toMatchObject({ n: "1" });
  },
);

test.each(["by a flag", "by a tag"])(
  "what others had changed and Sigil has set again (%s) does not make a replica from before both the newest",
  async (how) => {
    const was =
      how === "by a flag" ? { publishing: OUT } : { tags: { a: "1" } };
    await made(world, id, plain(TWO, was));
    await pass(world, 60 * MINUTE_MS);
    const before = await shownIn(world, id);
    await outside(
      world,
      "PATCH",
      id,
      how === "by a flag"
        ? { properties: { publishingProfile: IN } }
        : { tags: { a: "2" } },
    );
    await pass(world, 30_000);
    const { properties } = listing([...TWO, { name: "eastus" }]);
    world.simulator.control.clearRequests();
    const operation = operationIn(
      await patch(
        world,
        id,
        how === "by a flag"
          ? {
              properties: {
                publishingProfile: { ...properties.publishingProfile, ...OUT },
              },
            }
          : { properties, tags: { a: "1" } },
      ),
    );
    await world.runDue();
    showAs(world, id, before, { times: null });
    await pass(world, 3 * MINUTE_MS);
    world.simulator.control.clearFaults();
    const [end] = await ended(world, [operation]);
    expect(end?.status).toBe("Succeeded");
    const told = (await world.takeEvents()).filter(
      ({ subject, type }) => subject === id && /Failed/u.test(type),
    );
    expect(told).toEqual([]);
    expect(puts(world)).toBe(1);
  },
);

test.each(["PUT with If-Match: *", "PATCH"])(
  "a %s that holds back, after others have included the version within ten minutes, has Succeeded only if it is held back",
  async (how) => {
    await made(world, id, plain(TWO));
    const hold = { properties: { publishingProfile: OUT } };
    await patchThrough(world, id, hold);
    await pass(world, MINUTE_MS);
    await edit(IN);
    await pass(world, MINUTE_MS);
    const tags = { n: "1" };
    const end =
      how === "PATCH"
        ? await patchThrough(world, id, { ...hold, tags })
        : await putThrough(world, id, plain(TWO, { publishing: OUT, tags }), {
            ifMatch: "*",
          });
    expect(end.status).toBe("Succeeded");
    expect(await isExcluded(world, id)).toBe(true);
  },
);

describe("a rule and `false` in one request: the rule says when the version is in latest", () => {
  const both = plain(TWO, { sigil: TESTED, publishing: IN });
  test.each<[string, () => Promise<PutAnswer>]>([
    ["PUT", () => put(world, id, both)],
    ["PUT with If-Match: *", () => put(world, id, both, { ifMatch: "*" })],
    [
      "PUT with the ETag",
      async () => put(world, id, both, { ifMatch: await etagOf(world, id) }),
    ],
    [
      "PATCH",
      () =>
        patch(world, id, {
          sigil: TESTED,
          properties: { publishingProfile: IN },
        }),
    ],
  ])("%s", async (_, ask) => {
    await made(world, id, plain(TWO, { publishing: OUT }));
    expect(codes(await ask())).toEqual([]);
    await pass(world, 30 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
    expect((await seen(world, id)).sigil.promotion).toEqual(TESTED.promotion);
  });

  test("a plan with If-Match: * says the same", async () => {
    await made(world, id, plain(TWO, { publishing: OUT }));
    const { changes } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: structuredClone(both),
      ifMatch: "*",
    });
    expect(changes.map(({ pointer }) => pointer)).not.toContain(
      "/properties/publishingProfile/excludeFromLatest",
    );
  });
});

describe("`false` beside a rule that is over includes nothing, and that is told", () => {
  test.each([
    ["allRegionsReady", "as ever"],
    ["allRegionsReady", "with If-Match: *"],
    ["manual", "as ever"],
    ["manual", "GET's own, edited"],
  ] as const)("%s, %s", async (when, how) => {
    const sigil = { promotion: { when } };
    await made(world, id, plain(TWO, { sigil }));
    if (when === "manual")
      await ended(world, [await byHand.promote(world, id)]);
    await ended(world, [await byHand.demote(world, id)]);
    await pass(world, 30 * MINUTE_MS);
    const tags = { n: "1" };
    const edited = { ...(await read()), tags };
    edited.properties.publishingProfile = {
      ...edited.properties.publishingProfile,
      ...IN,
    };
    const body = plain(TWO, { sigil, publishing: IN, tags });
    const answer = await (how === "GET's own, edited"
      ? put(world, id, edited, { pasted: true })
      : put(world, id, body, how === "as ever" ? {} : { ifMatch: "*" }));
    expect(codes(answer)).toEqual(["StaysExcluded"]);
    await ended(world, [operationIn(answer)]);
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("what a body is warned of at rest, it is warned of beside another request", () => {
  test.each<[string, ImageVersionRequest, ImageVersionRequest]>([
    ["RegionKept", plain(TWO), plain([{ name: "westus" }])],
    ["StaysExcluded", plain(TWO), plain(TWO, { publishing: IN })],
    [
      "ExcludedEverywhere",
      plain(TWO),
      plain(
        [{ name: "westus", excludeFromLatest: false }, { name: "eastus2" }],
        {
          publishing: OUT,
        },
      ),
    ],
  ])("%s", async (code, first, second) => {
    await made(world, id, first);
    if (code === "StaysExcluded") {
      await edit(OUT);
      await pass(world, 60 * MINUTE_MS);
    }
    const atRest = await put(world, id, { ...second, tags: { a: "1" } });
    expect(codes(atRest)).toContain(code);
    await ended(world, [operationIn(atRest)]);
    await patch(world, id, { tags: { other: "1" } });
    const beside = await put(world, id, { ...second, tags: { a: "2" } });
    expect(codes(beside)).toContain(code);
    await ended(world, [operationIn(beside)]);
  });
});

test("a region that others have included by itself stays so, where nothing is said of latest, and nothing is said of it", async () => {
  await made(world, id, plain(TWO));
  await edit({
    ...OUT,
    targetRegions: [
      { name: "West US", ...IN, regionalReplicaCount: 1 },
      { name: "East US 2", regionalReplicaCount: 1 },
    ],
  });
  await pass(world, 60 * MINUTE_MS);
  const end = await patchThrough(world, id, { tags: { a: "1" } });
  expect(end.warnings ?? []).toEqual([]);
  const { publishingProfile } = (await shownIn(world, id)).properties;
  expect(publishingProfile).toMatchObject({
    ...OUT,
    targetRegions: [IN, {}],
  });
});

test("a PATCH that holds such a version back does so in each region", async () => {
  await made(world, id, plain(TWO));
  await edit({
    ...OUT,
    targetRegions: [{ name: "westus", ...IN }, { name: "eastus2" }],
  });
  await pass(world, 60 * MINUTE_MS);
  const hold = { properties: { publishingProfile: OUT } };
  const end = await patchThrough(world, id, hold);
  expect(end.warnings ?? []).toEqual([]);
  const { targetRegions } = (await shownIn(world, id)).properties
    .publishingProfile;
  expect(targetRegions[0]?.excludeFromLatest).not.toBe(false);
});

test("a version of others that is made so is adopted by a body that says the same, without a word", async () => {
  const body = plain([{ name: "westus", ...IN }, { name: "eastus2" }], {
    publishing: OUT,
  });
  await outside(world, "PUT", id, body);
  await pass(world, 60 * MINUTE_MS);
  const end = await putThrough(
    world,
    id,
    { ...body, tags: { a: "1" } },
    {
      ifMatch: "*",
    },
  );
  expect(end.warnings ?? []).toEqual([]);
  const { targetRegions } = (await shownIn(world, id)).properties
    .publishingProfile;
  expect(targetRegions[0]?.excludeFromLatest).toBe(false);
});

describe("who says last, by hand, that the version is held back is not overruled by what tools repeat", () => {
  const said = (publishing: object, build: string): ImageVersionRequest =>
    plain(TWO, { publishing, tags: { build } });
  const hold = { properties: { publishingProfile: OUT } };

  test.each(["demote", "PATCH"])(
    "%s, after a body has said false of what was promoted by hand",
    async (how) => {
      await made(world, id, plain(TWO, { publishing: OUT }));
      await ended(world, [await byHand.promote(world, id)]);
      await ended(world, [
        operationIn(await put(world, id, plain(TWO, { publishing: IN }))),
      ]);
      await pass(world, 60 * MINUTE_MS);
      if (how === "demote")
        await ended(world, [await byHand.demote(world, id)]);
      else await patchThrough(world, id, hold);
      await pass(world, 60 * MINUTE_MS);
      await putThrough(world, id, said(IN, "2"));
      expect(await isExcluded(world, id)).toBe(true);
    },
  );

  test("PATCH, of what a canceled creation has left excluded", async () => {
    const creation = operationIn(await put(world, id, said(IN, "1")));
    await pass(world, MINUTE_MS);
    await ended(world, [await cancel(world, creation)]);
    await pass(world, 60 * MINUTE_MS);
    await patchThrough(world, id, hold);
    await pass(world, 60 * MINUTE_MS);
    await putThrough(world, id, said(IN, "2"));
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("`true` repeated of what was promoted since takes nothing out of latest, and that is told", () => {
  test.each(["the same body", "with a tag", "GET's own, edited"])(
    "%s",
    async (how) => {
      const body = plain(TWO, { publishing: OUT });
      await made(world, id, body);
      await ended(world, [await byHand.promote(world, id)]);
      await pass(world, 30 * MINUTE_MS);
      const edited = await read();
      edited.properties.publishingProfile = {
        ...edited.properties.publishingProfile,
        ...OUT,
      };
      const answer = await (how === "the same body"
        ? put(world, id, body)
        : how === "with a tag"
          ? put(world, id, { ...body, tags: { a: "1" } })
          : put(world, id, edited, { pasted: true }));
      expect(codes(answer)).toEqual(["StaysIncluded"]);
      if (answer.kind === "accepted") await ended(world, [answer.operation]);
      expect(await isExcluded(world, id)).toBe(false);
    },
  );
});

test("a plan says nothing of latest where a rule holds the version, and shows no promotion", async () => {
  const sigil = { promotion: { when: "manual" } } as const;
  const body = plain(TWO, { sigil, publishing: IN });
  await made(world, id, body);
  for (const ifMatch of [undefined, "*", await etagOf(world, id)]) {
    const { findings, changes } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: structuredClone({ ...body, sigil: TESTED }),
      ...(ifMatch !== undefined && { ifMatch }),
    });
    expect(findings.map(({ code }) => code)).not.toContain("StaysExcluded");
    expect(changes.map(({ pointer }) => pointer)).not.toContain(
      "/properties/publishingProfile/excludeFromLatest",
    );
  }
});

test.each([
  { when: "allRegionsReady" as const },
  { when: "regions" as const, regions: ["westus"] },
])(
  "a plan shows the promotion by a rule that is met already ($when)",
  async (promotion) => {
    const body = plain(TWO, { publishing: OUT });
    await made(world, id, body);
    const asked = plain(TWO, { sigil: { promotion } });
    const plan = await planImageVersion(world.deps, {
      id: idOf(id),
      body: structuredClone(asked),
    });
    expect(plan.changes).toMatchObject([{ before: true, after: false }]);
    expect(plan.armRequest).toBeDefined();
    await putThrough(world, id, asked);
    expect(await isExcluded(world, id)).toBe(false);
  },
);

test("a PATCH that includes what is excluded in each region includes it in each", async () => {
  const own = TWO.map((region) => ({ ...region, ...OUT }));
  await made(world, id, plain(own, { publishing: OUT }));
  await patchThrough(world, id, { properties: { publishingProfile: IN } });
  expect((await seen(world, id)).sigil.latestIn).toEqual(["eastus2", "westus"]);
});

test("a PATCH that repeats the rule and says false promotes nothing before the rule is met, and that is told", async () => {
  await made(
    world,
    id,
    plain(TWO, { sigil: { promotion: { when: "manual" } } }),
  );
  const answer = await patch(world, id, {
    sigil: { promotion: { when: "manual" } },
    properties: { publishingProfile: IN },
  });
  expect(codes(answer)).toEqual(["StaysExcluded"]);
  await pass(world, 30 * MINUTE_MS);
  expect(await isExcluded(world, id)).toBe(true);
});

test.each(["unsent", "put off by a 429"])(
  "a rollback tells of a newer version that is being restored (%s)",
  async (how) => {
    await enableSoftDelete(world);
    const image = await newDefinition(world);
    const v = (name: string): string => `${image}/versions/${name}`;
    for (const name of ["1.0.0", "1.0.1", "1.0.2"])
      await made(world, v(name), plain(TWO));
    await ended(world, [await byHand.remove(world, v("1.0.2"))]);
    await pass(world, 20 * MINUTE_MS);
    if (how !== "unsent")
      faultOn(world, v("1.0.2"), {
        method: "PUT",
        status: 429,
        headers: { "Retry-After": "3600" },
        times: 1,
      });
    const restore = await restoreImageVersion(world.deps, {
      id: idOf(v("1.0.2")),
      ...BY,
    });
    if (how !== "unsent") await pass(world, 20_000);
    const { versionName: _, ...names } = idOf(v("1.0.0"));
    const rollback = await rollBackImage(world.deps, {
      image: names,
      to: "1.0.0",
      ...BY,
    });
    expect(rollback.warnings).toMatchObject([{ code: "PromotionPending" }]);
    await ended(world, [rollback, restore]);
  },
);

describe("encryption by rule goes by what Azure has now", () => {
  const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
  const GOLDEN = { golden: "yes" };
  const set = (
    name: string,
    region: string,
    tags: Record<string, string> = {},
  ) =>
    world.simulator.control.putResource({
      ...of.diskEncryptionSet(name, region),
      tags,
    });
  const setsIn = async () =>
    (await shownIn(world, id)).properties.publishingProfile.targetRegions.map(
      (region) =>
        (
          region as {
            encryption?: { osDiskImage?: { diskEncryptionSetId?: string } };
          }
        ).encryption?.osDiskImage?.diskEncryptionSetId
          ?.split("/")
          .at(-1),
    );
  const byTag = (tags: Record<string, string> = {}) =>
    plain(TWO, { tags, sigil: { encryption: { tag: "golden=yes" } } });
  const byName = (name: string) =>
    plain(TWO, { sigil: { encryption: { osDisk: name, dataDisks: name } } });
  afterEach(async () => {
    for (const name of ["WA", "WB"]) await set(name, "westus");
    for (const name of ["EA", "EB"]) await set(name, "eastus2");
  });
  async function madeByTag(): Promise<void> {
    await set("WA", "westus", GOLDEN);
    await set("EA", "eastus2", GOLDEN);
    await made(world, id, byTag());
  }

  test("a version that was deleted in Azure is made again with the sets that have the tag now", async () => {
    await madeByTag();
    await outside(world, "DELETE", id);
    await pass(world, 60 * MINUTE_MS);
    await set("WA", "westus");
    await set("WB", "westus", GOLDEN);
    await putThrough(world, id, byTag(), { ifNoneMatch: "*" });
    expect(await setsIn()).toEqual(["WB", "EA"]);
  });

  test("so is a region that others have removed; one that is there keeps its set", async () => {
    await madeByTag();
    await world.simulator.control.dropRegion({
      versionId: id,
      region: "eastus2",
    });
    await pass(world, 60 * MINUTE_MS);
    await set("WA", "westus");
    await set("WB", "westus", GOLDEN);
    await set("EA", "eastus2");
    await set("EB", "eastus2", GOLDEN);
    await putThrough(world, id, byTag({ b: "1" }));
    expect(await setsIn()).toEqual(["WA", "EB"]);
  });

  test("a version of others of which nothing is known is adopted with the sets that it has, by the second request as well", async () => {
    await set("WA", "westus", GOLDEN);
    await set("EA", "eastus2", GOLDEN);
    const setOf = (name: string) => ({
      diskEncryptionSetId: of.diskEncryptionSet(name, "westus").id,
    });
    const theirs = [
      ["westus", "WA"],
      ["eastus2", "EA"],
    ].map(([region = "", name = ""]) => ({
      name: region,
      encryption: {
        osDiskImage: setOf(name),
        dataDiskImages: [{ lun: 0, ...setOf(name) }],
      },
    }));
    await outside(world, "PUT", id, plain(theirs));
    await pass(world, 60 * MINUTE_MS);
    await set("WA", "westus");
    await set("WB", "westus", GOLDEN);
    expect(await putThrough(world, id, byTag())).toMatchObject({
      status: "Succeeded",
    });
    await set("WB", "westus");
    await set("WA", "westus", GOLDEN);
    const second = await putThrough(world, id, byTag({ b: "2" }));
    expect(second).toMatchObject({ status: "Succeeded" });
    expect(await setsIn()).toEqual(["WA", "EA"]);
  });

  test("another name for a region that has another set is refused", async () => {
    for (const name of ["v1", "v2"])
      for (const region of ["westus", "eastus2"])
        await set(`${region}-${name}`, region);
    await made(world, id, byName("{region}-v1"));
    expect(await refusal(put(world, id, byName("{region}-v2")))).toMatchObject({
      code: "ImageVersionConflict",
    });
    expect(await setsIn()).toEqual(["westus-v1", "eastus2-v1"]);
  });

  test("a plan finds no error in what a PUT accepts after the tag has moved", async () => {
    await madeByTag();
    await set("WA", "westus");
    await set("WB", "westus", GOLDEN);
    const body = byTag({ a: "1" });
    const { findings } = await planImageVersion(world.deps, {
      id: idOf(id),
      body: structuredClone(body),
    });
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    await putThrough(world, id, body);
    expect(await setsIn()).toEqual(["WA", "EA"]);
  });
});
