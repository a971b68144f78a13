import { beforeEach, describe, expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import type { ImageVersionRequest, ImageVersionView } from "../../../src/image-version/contract.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { getImageVersion, listImageVersions } from "../../../src/image-version/queries/get.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { keyOf } from "../../../src/resource-id.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedRegion, seedResource } from "../../support/requests.js";
import { BY, newDefinition } from "./truth/support.js";
import { naming } from "../../support/naming.js";

const WESTUS = seedRegion("westus", "WestUS");
const EASTUS2 = seedRegion("eastus2", "EastUS2");

let world: InProcess;
let image: string;
inOwnWorld({ replicationMs: 90_000, pace: { repairAttempts: 0 } }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await newDefinition(world);
});

const versionId = (number: string): string => `${image}/versions/${number}`;

type Profile = NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>;

function body(profile: Partial<Profile> = {}): ImageVersionRequest {
  const { properties, ...rest } = managedImageRequest();
  return {
    ...rest,
    properties: {
      ...properties,
      publishingProfile: { targetRegions: [WESTUS, EASTUS2], ...profile },
    },
  };
}

async function make(number: string, profile?: Partial<Profile>): Promise<void> {
  await request(world.deps, versionId(number), body(profile));
  expect(await world.finish(versionId(number))).toMatchObject({
    status: "Succeeded",
  });
}

/** Made by other hands than Sigil's; it replicates from now on. */
async function putInAzure(number: string, profile?: Partial<Profile>): Promise<void> {
  await world.deps.resourceManager.putImageVersion(
    idOf(versionId(number)),
    canonicalForm(body(profile)),
  );
}

/** What was read is too old to be shown again. */
const later = (): void => world.clock.advance(30_000);

async function view(number: string): Promise<ImageVersionView> {
  return viewImageVersion(
    await getImageVersion(world.deps, idOf(versionId(number))),
    world.deps.now(),
  );
}

/** What each version of the list says of itself, page by page. */
async function pages(top: number): Promise<string[][]> {
  const found: string[][] = [];
  let token: string | undefined;
  do {
    const page = await listImageVersions(world.deps, image, top, token);
    found.push(
      page.value.map((version) => {
        const { name, properties, sigil } = viewImageVersion(version, world.deps.now());
        return [
          name,
          properties.provisioningState,
          ...(sigil.latest ? ["latest"] : []),
          ...sigil.latestIn,
        ].join(" ");
      }),
    );
    token = page.continuationToken;
  } while (token !== undefined);
  return found;
}

describe("the latest of a list", () => {
  test("is the highest number that is ready and not excluded", async () => {
    expect(await pages(10)).toEqual([[]]);
    for (const number of ["1.0.9", "1.0.10", "1.0.11"]) await make(number);
    await make("2.0.0", { excludeFromLatest: true });
    const expected = [
      "2.0.0 Succeeded",
      "1.0.11 Succeeded latest eastus2 westus",
      "1.0.10 Succeeded",
      "1.0.9 Succeeded",
    ];
    later();
    expect(await pages(10)).toEqual([expected]);
    expect(await pages(3)).toEqual([expected.slice(0, 3), expected.slice(3)]);
    for (const [number, latest] of [
      ["1.0.11", true],
      ["1.0.10", false],
    ] as const)
      expect((await view(number)).sigil).toMatchObject({ latest });

    await make("3.0.0");
    expect((await pages(1)).slice(0, 3)).toEqual([
      ["3.0.0 Succeeded latest eastus2 westus"],
      ["2.0.0 Succeeded"],
      ["1.0.11 Succeeded"],
    ]);
    await demoteImageVersion(world.deps, {
      id: idOf(versionId("3.0.0")),
      ...BY,
    });
    await world.finish(versionId("3.0.0"));
    later();
    expect((await view("1.0.11")).sigil).toMatchObject({ latest: true });
    await deleteImageVersion(world.deps, {
      id: idOf(versionId("1.0.11")),
      ...BY,
    });
    await world.finish(versionId("1.0.11"));
    later();
    expect(await pages(10)).toEqual([
      [
        "3.0.0 Succeeded",
        "2.0.0 Succeeded",
        "1.0.10 Succeeded latest eastus2 westus",
        "1.0.9 Succeeded",
      ],
    ]);
  });

  test("may be a version that Sigil did not make", async () => {
    await make("1.0.0");
    await putInAzure("99.0.0");
    world.clock.advance(10 * 60_000);
    expect(await pages(10)).toEqual([
      ["99.0.0 Succeeded latest eastus2 westus", "1.0.0 Succeeded"],
    ]);
    expect((await view("99.0.0")).sigil).toMatchObject({
      managedBy: "Others",
      latest: true,
    });
    expect((await view("1.0.0")).sigil).toMatchObject({
      managedBy: "Sigil",
      latest: false,
    });
  });

  test("is another in a region that the newest does not have, or is excluded in", async () => {
    await make("1.0.0");
    await make("1.0.1", { targetRegions: [WESTUS] });
    later();
    expect(await pages(10)).toEqual([["1.0.1 Succeeded latest westus", "1.0.0 Succeeded eastus2"]]);
    await make("1.0.2", {
      targetRegions: [{ ...WESTUS, excludeFromLatest: true }, EASTUS2],
    });
    later();
    expect(await pages(10)).toEqual([
      ["1.0.2 Succeeded latest eastus2", "1.0.1 Succeeded westus", "1.0.0 Succeeded"],
    ]);
  });

  test.each([
    ["Sigil", () => request(world.deps, versionId("1.0.1"), body())],
    ["others", () => putInAzure("1.0.1")],
  ])("is a version that %s make, in each region as soon as that is ready", async (_, create) => {
    await make("1.0.0");
    await create();
    await world.runDue();
    later();
    expect(await pages(10)).toEqual([["1.0.1 Creating", "1.0.0 Succeeded latest eastus2 westus"]]);
    await world.simulator.control.setRegionState({
      versionId: versionId("1.0.1"),
      region: "westus",
      state: "Completed",
    });
    await world.simulator.control.setRegionState({
      versionId: versionId("1.0.1"),
      region: "eastus2",
      state: "Replicating",
      progress: 1,
    });
    later();
    await world.runDue();
    expect(await pages(10)).toEqual([["1.0.1 Creating latest westus", "1.0.0 Succeeded eastus2"]]);
    expect((await view("1.0.1")).sigil).toMatchObject({
      latest: true,
      latestIn: ["westus"],
    });
    expect((await view("1.0.0")).sigil).toMatchObject({
      latest: false,
      latestIn: ["eastus2"],
    });
  });

  test("is not a version in a region that has failed", async () => {
    await make("1.0.0");
    await world.simulator.control.failRegion({
      versionId: versionId("1.0.1"),
      region: "eastus2",
    });
    await request(world.deps, versionId("1.0.1"), body());
    expect(await world.finish(versionId("1.0.1"))).toMatchObject({
      status: "Failed",
    });
    later();
    expect(await pages(10)).toEqual([["1.0.1 Failed latest westus", "1.0.0 Succeeded eastus2"]]);
  });
});

describe("what is not there", () => {
  test("a version that is deleted, by Sigil or by others, is NotFound", async () => {
    await make("1.0.0");
    await make("1.0.1");
    await deleteImageVersion(world.deps, {
      id: idOf(versionId("1.0.0")),
      ...BY,
    });
    await world.runDue();
    expect(await view("1.0.0")).toMatchObject({
      sigil: { state: "Deleting" },
    });
    await world.finish(versionId("1.0.0"));
    world.clock.advance(600_000);
    await world.simulator.control.removeResource(versionId("1.0.1"));
    later();
    const last = await Promise.all(
      ["1.0.0", "1.0.1"].map(async (number) => {
        const stored = await world.deps.store.read(keyOf(versionId(number)));
        return stored?.operation.id;
      }),
    );
    for (const [number, operation] of [
      ["1.0.0", last[0]],
      ["1.0.1", last[1]],
    ] as const)
      expect(await refusal(view(number))).toMatchObject({
        code: "NotFound",
        message: naming([versionId(number), operation]),
      });
    expect(await refusal(view("1.0.2"))).toMatchObject({
      code: "NotFound",
      message: naming([versionId("1.0.2")]),
    });
    expect(await pages(10)).toEqual([[]]);
  });

  test("a version that is accepted is Creating; one that was refused is NotFound", async () => {
    const wanted = body();
    await request(world.deps, versionId("1.0.0"), {
      ...wanted,
      properties: {
        ...wanted.properties,
        storageProfile: { source: { id: seedResource("images/noImage") } },
      },
    });
    expect(await view("1.0.0")).toMatchObject({
      properties: { provisioningState: "Creating" },
      sigil: { state: "Accepted", latest: false, latestIn: [] },
    });
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Failed",
    });
    expect(await refusal(view("1.0.0"))).toMatchObject({ code: "NotFound" });
  });

  test("the list of an image definition that Azure does not have is NotFound", async () => {
    image = seedResource("galleries/MyGallery/images/NoSuchImage");
    expect(await refusal(pages(10))).toMatchObject({
      code: "NotFound",
      message: naming([image, "az sig image-definition create"]),
    });
  });
});

test("an age is counted from when the version was first asked for", async () => {
  await make("1.0.9");
  const { record } = await world.read(versionId("1.0.9"));
  const known = await getImageVersion(world.deps, idOf(versionId("1.0.9")));
  const { sigil } = viewImageVersion(known, new Date(Date.parse(record.createdTime) + 86_400_900));
  expect(sigil).toMatchObject({
    createdTime: record.createdTime,
    ageSeconds: 86_400,
  });
});

test("1,000 versions, of which 100 held back are the newest, cost a bounded number of reads", async () => {
  const numbers = Array.from({ length: 1_000 }, (_, i) => `1.0.${i}`);
  for (let first = 0; first < numbers.length; first += 50)
    await Promise.all(
      numbers
        .slice(first, first + 50)
        .map((number, i) => putInAzure(number, { excludeFromLatest: first + i >= 900 })),
    );
  world.clock.advance(10 * 60_000);
  const { control } = world.simulator;
  const { store } = world.deps;
  let reads = 0;
  const deps: Dependencies = {
    ...world.deps,
    looks: createLooks(world.deps.resourceManager, world.deps.resources, world.deps.now),
    store: {
      ...store,
      readRecord: (key) => {
        reads += 1;
        return store.readRecord(key);
      },
    },
  };
  await control.setPageSize(100);
  control.clearRequests();
  // However many ask at once.
  const found = await Promise.all(
    ["1.0.899", "1.0.3", "1.0.999"].map((number) => getImageVersion(deps, idOf(versionId(number)))),
  );
  expect(found.map(({ latest }) => latest)).toEqual([true, false, false]);
  expect(control.countRequests({ path: "/versions\\?" })).toBe(10);
  expect(control.requests()).toHaveLength(10 + found.length);
  // The record of each, and of those that are not the latest that of the latest.
  expect(reads).toBe(2 * found.length - 1);

  reads = 0;
  let token: string | undefined;
  let listed = 0;
  let pages = 0;
  do {
    pages += 1;
    const page = await listImageVersions(deps, image, 100, token);
    listed += page.value.length;
    token = page.continuationToken;
  } while (token !== undefined);
  expect(listed).toBe(1_000);
  // The list is kept for half a minute; the store is read once for each version of a page, and for the latest.
  expect(control.requests()).toHaveLength(10 + found.length);
  expect(reads).toBe(1_000 + pages);

  later();
  await listImageVersions(deps, image, 1, undefined);
  expect(control.requests()).toHaveLength(20 + found.length);
});
