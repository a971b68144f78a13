/** GET, list and summary say the same of a region at the same moment, whoever looked; what nobody has seen is Unknown. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { createAttention } from "../../../src/image-version/queries/attention.js";
import { getImageVersion, listImageVersions } from "../../../src/image-version/queries/get.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { noteSeen } from "../../../src/image-version/note-seen.js";
import { lookAt } from "../../../src/image-version/queries/look-at.js";
import { createLooks, seeing } from "../../../src/image-version/queries/looks.js";
import { createSummaries } from "../../../src/image-version/queries/summaries.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

const OURS = seedVersionId("1.0.0");
const OTHERS = seedVersionId("2.0.0");
const IMAGE = imageIdOf(idOf(OURS));

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
  await request(world.deps, OURS, managedImageRequest());
  await world.finish(OURS);
  await world.deps.resourceManager.putImageVersion(
    idOf(OTHERS),
    canonicalForm(managedImageRequest()),
  );
  world.clock.advance(60 * 60_000);
});
afterAll(() => world.close());

/** An instance that has seen nothing yet, and what it says of each version's regions. */
function instance() {
  const reader = world.deps.resourceManager;
  const looks = createLooks(reader, world.deps.resources, world.deps.now);
  const { store } = world.deps;
  let commits = 0;
  const deps: Dependencies = {
    ...world.deps,
    looks,
    resourceManager: seeing(reader, looks),
    store: {
      ...store,
      commit: (...args) => {
        commits += 1;
        return store.commit(...args);
      },
    },
  };
  const summarize = createSummaries(deps);
  const list = async () => {
    const { value } = await listImageVersions(deps, IMAGE, 10, undefined);
    return value.map((one) => said(viewImageVersion(one, deps.now())));
  };
  const summary = async (maxListMs?: number) => {
    const { view } = await summarize(IMAGE, maxListMs);
    return view.versions.map(({ name, regions }) => [
      name,
      ...regions.map((region) => [region.name, region.state, region.latest]),
    ]);
  };
  const get = async (id: string) =>
    said(viewImageVersion(await getImageVersion(deps, idOf(id)), world.deps.now()));
  /** As GET /versions/{v} answers. */
  const read = async (id: string) => {
    const version = await getImageVersion(deps, idOf(id));
    await noteSeen(deps, idOf(id), version.record);
    return said(viewImageVersion(version, world.deps.now()));
  };
  const attention = createAttention({ ...deps, versions: store }, summarize);
  return { deps, list, summary, summarize, attention, get, read, commits: () => commits };
}

function said({ name, sigil }: ReturnType<typeof viewImageVersion>) {
  return [
    name,
    ...sigil.regions.map((region) => [
      region.name,
      region.state,
      sigil.latestIn.includes(region.name),
    ]),
  ];
}

const stateOf = (region: string, state: "Failed" | "Completed") =>
  world.simulator.control.setRegionState({ versionId: OURS, region, state });

beforeEach(() => {
  world.clock.advance(35_000);
});

test("a version that nobody has seen is Unknown in list and summary, and counted", async () => {
  const { list, summary, summarize } = instance();
  const [others, ours] = await list();
  expect(others).toEqual(["2.0.0", ["westus", "Unknown", true], ["eastus2", "Unknown", true]]);
  expect(ours?.[1]).toEqual(["westus", "Completed", false]);
  expect(await summary(60_000)).toEqual([others, ours]);
  const { view } = await summarize(IMAGE, 60_000);
  expect(view.seen).toEqual({
    never: 1,
    oldest: view.seen.newest,
    newest: expect.any(String) as string,
  });
  expect(view.versions[0]).not.toHaveProperty("seenTime");
});

test("whoever sees a region fail, list, summary and GET say so at once, in latest too", async () => {
  const { deps, list, summary, get } = instance();
  await summary();
  await stateOf("eastus2", "Failed");
  // A step, a plan, drift: whatever reads the version by the port.
  await lookAt(deps, idOf(OURS));
  await lookAt(deps, idOf(OTHERS));
  world.clock.advance(3_000); // How long a summary is kept.
  const listed = await list();
  expect(listed).toEqual([
    ["2.0.0", ["westus", "Completed", true], ["eastus2", "Completed", true]],
    ["1.0.0", ["westus", "Completed", false], ["eastus2", "Failed", false]],
  ]);
  expect(await summary()).toEqual(listed);
  expect(await get(OURS)).toEqual(listed[1]);
  expect(await get(OTHERS)).toEqual(listed[0]);
  await stateOf("eastus2", "Completed");
});

test("what a reader on one instance is shown, another instance shows after at most two looks", async () => {
  const one = instance();
  const other = instance();
  await stateOf("eastus2", "Failed");
  // What went back counts at the second look, four minutes later.
  for (const _ of ["seen", "seen again"]) {
    await one.read(OURS);
    world.clock.advance(5 * 60_000);
  }
  const listed = await other.list();
  expect(listed[1]?.[2]).toEqual(["eastus2", "Failed", false]);
  expect(await other.summary(60_000)).toEqual(listed);
  expect((await other.attention({})).value).toMatchObject([
    {
      severity: "error",
      code: "RegionFailed",
      about: { versions: [OURS] },
      whatToDo: {
        command: expect.stringMatching(
          /^sigil image-version retry .* -e 1\.0\.0 --regions eastus2$/u,
        ) as string,
      },
    },
  ]);
  const { record } = await world.read(OURS);
  expect(record.status?.regions).toMatchObject([
    { name: "westus", state: "Completed" },
    { name: "eastus2", state: "Failed" },
  ]);
  await stateOf("eastus2", "Completed");
});

test("where a published version's own location has failed, one row says to publish another", async () => {
  const { deps, attention } = instance();
  await stateOf("westus", "Failed");
  await stateOf("eastus2", "Failed");
  await lookAt(deps, idOf(OURS));
  const { value } = await attention({});
  expect(value).toMatchObject([
    {
      severity: "error",
      code: "RegionFailed",
      message: expect.stringContaining("westus, eastus2") as string,
      about: { versions: [OURS] },
      whatToDo: { verb: "New version" },
    },
  ]);
  expect(JSON.stringify(value)).not.toContain("image-version retry");
  await stateOf("westus", "Completed");
  await stateOf("eastus2", "Completed");
});

test("a reader who is shown what is known writes nothing; one shown something else has it noted once", async () => {
  const { read, commits } = instance();
  const { control } = world.simulator;
  const cost = async (): Promise<[reads: number, commits: number]> => {
    control.clearRequests();
    const before = commits();
    await read(OURS);
    await read(OURS);
    return [control.countRequests({ method: "GET", path: "/1\\.0\\.0\\?" }), commits() - before];
  };
  world.clock.advance(5 * 60_000);
  await cost();
  world.clock.advance(60_000);
  expect(await cost()).toEqual([1, 0]);
  await stateOf("westus", "Failed");
  world.clock.advance(60_000);
  expect(await cost()).toEqual([2, 2]); // And that it is told.
  await stateOf("westus", "Completed");
});

test("each summary looks at five versions that nobody has seen, the highest first; a list of many images at none", async () => {
  for (let i = 1; i <= 7; i += 1)
    await world.deps.resourceManager.putImageVersion(
      idOf(seedVersionId(`1.${i}.0`)),
      canonicalForm(managedImageRequest()),
    );
  world.clock.advance(60 * 60_000);
  const { summarize } = instance();
  const never = async (maxListMs?: number) => {
    world.clock.advance(3_000); // How long a summary is kept.
    const { versions, seen } = (await summarize(IMAGE, maxListMs)).view;
    return [seen.never, versions.find(({ seenTime }) => seenTime === undefined)?.name];
  };
  expect(await never(60_000)).toEqual([8, "2.0.0"]);
  expect(await never()).toEqual([3, "1.3.0"]);
  expect(await never()).toEqual([0, undefined]);
});
