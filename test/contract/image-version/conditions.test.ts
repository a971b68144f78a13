/** What a person should know of a version is in GET, in the list, in the summary and in the event; what each says to do settles it. */
import { expect, test } from "vitest";
import { retryImageVersion } from "../../../src/image-version/commands/retry.js";
import type { ImageVersionView } from "../../../src/image-version/contract.js";
import { createSummaries } from "../../../src/image-version/queries/summaries.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { responseMistakes } from "../../unit/http/contract/document.js";
import { eventsOf, look, MINUTE_MS } from "./drift/support.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  made,
  operationIn,
  pass,
  patchThrough,
  plain,
  put,
  seen,
  shownIn,
} from "./truth/support.js";

let world: InProcess;
let id: string;
inOwnWorld({ spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

type Conditions = NonNullable<ImageVersionView["sigil"]["conditions"]>;

async function conditions(): Promise<Conditions> {
  const view = await seen(world, id);
  expect(responseMistakes("getImageVersion", 200, "application/json", view)).toEqual([]);
  return view.sigil.conditions ?? [];
}

/** Sent as it stands there. */
async function send(request: string): Promise<void> {
  const [, path, query, body] =
    /^PATCH \/api(\/[^ ?]+)(?:\?removeRegions=([^ ]+))? (.+)$/u.exec(request) ??
    expect.fail(request);
  expect(path).toBe(id);
  expect(
    await patchThrough(
      world,
      id,
      JSON.parse(body ?? ""),
      query === undefined ? {} : { removeRegions: [query] },
    ),
  ).toMatchObject({ status: "Succeeded" });
}

async function changedByOthers(
  change: Parameters<InProcess["simulator"]["control"]["editVersion"]>[0],
): Promise<void> {
  await world.simulator.control.editVersion(change);
  world.clock.advance(30 * MINUTE_MS);
  await look(world);
  await pass(world, 30 * MINUTE_MS);
  await look(world);
}

async function atRest(): Promise<void> {
  await made(
    world,
    id,
    plain([{ name: "westus", regionalReplicaCount: 2 }, { name: "eastus2" }], {
      tags: { build: "4711" },
    }),
  );
  world.clock.advance(60 * MINUTE_MS);
}

test("what others have changed says the PATCH that puts it back, and that settles it", async () => {
  await atRest();
  const summary = createSummaries(world.deps);
  const shown = async () =>
    (await summary(imageIdOf(idOf(id)))).view.versions.find(
      ({ name }) => name === id.split("/").at(-1),
    )?.conditions;
  expect(await shown()).toBeUndefined();
  await changedByOthers({
    versionId: id,
    tags: { build: "theirs", "a.b": "1" },
  });
  const [condition] = await conditions();
  expect(condition).toEqual({
    type: "ChangedOutside",
    message: expect.stringMatching(/./u) as unknown,
    since: expect.any(String) as string,
    fields: ["/tags/build", "/tags/a.b"],
    whatToDo: {
      verb: "Put back",
      sentence: expect.stringMatching(/./u) as unknown,
      request: `PATCH /api${id} {"tags":{"build":"4711","a.b":null}}`,
    },
  });
  expect(await shown()).toEqual([condition]);
  const [event] = await eventsOf(world, id);
  expect(event?.data).toMatchObject({ whatToDo: condition?.whatToDo });
  await send(condition?.whatToDo.request ?? "");
  expect(await conditions()).toEqual([]);
  expect((await shownIn(world, id)).tags).toEqual({ build: "4711" });
});

test("so it does of a region's replicas, in the words of the command line, too", async () => {
  await atRest();
  await changedByOthers({
    versionId: id,
    properties: {
      publishingProfile: {
        targetRegions: [
          {
            name: "westus",
            regionalReplicaCount: 3,
            storageAccountType: "Standard_LRS",
          },
          { name: "eastus2", storageAccountType: "Standard_ZRS" },
        ],
      },
    },
  });
  const [condition] = await conditions();
  expect(condition?.whatToDo).toMatchObject({
    command: expect.stringMatching(
      /^sigil image-version update --subscription \S+ -g MyResourceGroup -r MyGallery -i MyImage -e \S+ --set 'publishingProfile.targetRegions\[name=westus\].regionalReplicaCount=2'$/u,
    ) as string,
  });
  await send(condition?.whatToDo.request ?? "");
  expect(await conditions()).toEqual([]);
});

test("a region that others have taken away is added again so", async () => {
  await atRest();
  await world.simulator.control.dropRegion({
    versionId: id,
    region: "eastus2",
  });
  world.clock.advance(30 * MINUTE_MS);
  await look(world);
  await pass(world, 30 * MINUTE_MS);
  await look(world);
  const [condition, ...others] = await conditions();
  expect(others).toEqual([]);
  expect(condition).toMatchObject({
    type: "RegionLost",
    message: naming(["eastus2"]),
  });
  const lost = (await eventsOf(world, id)).find(({ type }) => type.endsWith("RegionLost"));
  expect(lost?.data).toMatchObject({ whatToDo: condition?.whatToDo });
  await send(condition?.whatToDo.request ?? "");
  expect(await conditions()).toEqual([]);
});

test("a paused rule says to promote, and a promotion settles it", async () => {
  await made(world, id, plain(undefined, { sigil: { promotion: { when: "manual" } } }));
  world.clock.advance(60 * MINUTE_MS);
  await changedByOthers({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest: false } },
  });
  const paused = (await conditions()).find(({ type }) => type === "Paused");
  expect(paused?.whatToDo).toEqual({
    verb: "Review and promote",
    sentence: expect.any(String) as string,
    command: expect.stringContaining("sigil image-version promote ") as string,
    request: `POST /api${id}/promote`,
  });
  await ended(world, [await byHand.promote(world, id)]);
  expect(await conditions()).toEqual([]);
});

test("an operation that is canceled, and waits for Azure, is Canceling", async () => {
  const accepted = operationIn(await put(world, id, plain()));
  await world.runDue();
  await cancel(world, accepted);
  const since = world.deps.now().toISOString();
  expect(await conditions()).toMatchObject([
    {
      type: "Canceling",
      message: expect.stringContaining(accepted.id) as string,
      since,
    },
  ]);
  await ended(world, [accepted]);
  expect(await conditions()).toEqual([]);
});

test("a creation that fails for want of capacity names the retry, and the retry settles it", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
    message: "Allocation failed. We do not have sufficient capacity.",
    times: 4,
  });
  await request(world.deps, id, plain([{ name: "westus" }, { name: "eastus2" }]));
  const { status, error } = await world.finish(id);
  expect(status).toBe("Failed");
  expect(error?.errors).toMatchObject([
    {
      pointer: "/properties/publishingProfile/targetRegions/1",
      message: naming(["eastus2"]),
      remediation: naming('POST …/retry with {"regions":["eastus2"]}'),
    },
  ]);
  const [failed, ...others] = await conditions();
  expect(others).toEqual([]);
  expect(failed).toMatchObject({
    type: "RegionFailed",
    regions: ["eastus2"],
    message: naming(["eastus2"]),
    whatToDo: {
      command: naming("--regions eastus2"),
      request: `POST /api${id}/retry {"regions":["eastus2"]}`,
    },
  });
  await retryImageVersion(world.deps, {
    ...BY,
    id: idOf(id),
    regions: ["eastus2"],
  });
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  expect(await conditions()).toEqual([]);
});

test("a version that failed in its own location is not retried: the error says so", async () => {
  await world.simulator.control.failRegion({ versionId: id, region: "westus" });
  await request(world.deps, id, plain([{ name: "westus" }]));
  const { error } = await world.finish(id);
  expect(error?.errors).toMatchObject([
    { remediation: naming(["westus", "Publish another version"]) },
  ]);
  expect(await conditions()).toMatchObject([
    {
      type: "RegionFailed",
      reason: "OwnLocation",
      regions: ["westus"],
      whatToDo: { verb: "New version", request: naming("POST /api/") },
    },
  ]);
  expect((await conditions())[0]?.whatToDo).not.toHaveProperty("command");
});
