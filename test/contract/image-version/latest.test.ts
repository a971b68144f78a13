import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/delete-image-version.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  getImageVersion,
  listImageVersions,
} from "../../../src/image-version/queries.js";
import { viewImageVersion } from "../../../src/image-version/views.js";
import { imageIdOf } from "../../../src/resource-id.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

const IMAGE = imageIdOf(idOf(seedVersionId("1.0.0")));

async function make(number: string, excludeFromLatest = false): Promise<void> {
  const body: ImageVersionRequest = managedImageRequest();
  body.properties.publishingProfile = {
    ...body.properties.publishingProfile,
    excludeFromLatest,
  };
  await request(world.deps, seedVersionId(number), body);
  expect(await world.finish(seedVersionId(number))).toMatchObject({
    status: "Succeeded",
  });
}

/** Name, state and whether it is the latest, page by page. */
async function pages(top: number): Promise<string[][]> {
  const found: string[][] = [];
  let token: string | undefined;
  do {
    const page = await listImageVersions(world.deps, IMAGE, top, token);
    found.push(
      page.value.map((version) => {
        const { name, sigil } = viewImageVersion(version, world.deps.now());
        return `${name} ${sigil.state}${sigil.latest ? " latest" : ""}`;
      }),
    );
    token = page.continuationToken;
  } while (token !== undefined);
  return found;
}

test("one version of the whole list is the latest: the highest that is Succeeded and not excluded", async () => {
  expect(await pages(10)).toEqual([[]]);
  await make("1.0.9");
  await make("1.0.10");
  await make("1.0.11");
  await make("2.0.0", true);
  await request(world.deps, seedVersionId("3.0.0"), managedImageRequest());
  const expected = [
    "3.0.0 Accepted",
    "2.0.0 Succeeded",
    "1.0.11 Succeeded latest",
    "1.0.10 Succeeded",
    "1.0.9 Succeeded",
  ];
  expect(await pages(10)).toEqual([expected]);
  expect((await pages(2)).flat()).toEqual(expected);

  await world.finish(seedVersionId("3.0.0"));
  expect((await pages(1)).slice(0, 3)).toEqual([
    ["3.0.0 Succeeded latest"],
    ["2.0.0 Succeeded"],
    ["1.0.11 Succeeded"],
  ]);
  await deleteImageVersion(world.deps, {
    id: idOf(seedVersionId("3.0.0")),
    requestedBy: {},
    traceparent: TRACEPARENT,
  });
  await world.finish(seedVersionId("3.0.0"));
  expect((await pages(10)).flat().slice(0, 3)).toEqual([
    "3.0.0 Deleted",
    "2.0.0 Succeeded",
    "1.0.11 Succeeded latest",
  ]);
  for (const [number, latest] of [
    ["1.0.11", true],
    ["1.0.10", false],
  ] as const)
    expect(
      await getImageVersion(world.deps, idOf(seedVersionId(number))),
    ).toMatchObject({ latest });
});

test("its age is counted from when it was first asked for", async () => {
  const { record } = await world.read(seedVersionId("1.0.9"));
  const { sigil } = viewImageVersion(
    { record, latest: false },
    new Date(Date.parse(record.createdTime) + 86_400_900),
  );
  expect(sigil).toMatchObject({
    createdTime: record.createdTime,
    ageSeconds: 86_400,
  });
});
