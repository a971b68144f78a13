/** How long it will take, by what it took there before: in a plan, before the first percent, and for Stalled. */
import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import type { IndexRow } from "../../../src/operation/records.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { managedImageRequest } from "../../support/requests.js";
import { operationIn, pass, put, putThrough, seen, until } from "./truth/support.js";

const MINUTE_MS = 60_000;
let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 20 * MINUTE_MS }, (given, versionId) => {
  world = given;
  id = versionId;
});
const BODY = managedImageRequest();
const another = (patch: number): string => id.replace(/\d+$/u, String(patch));

const rows = async (): Promise<readonly IndexRow[]> =>
  (await world.deps.index.page("replication-times", 100)).rows;
const planned = (versionId: string) =>
  planImageVersion(world.deps, { id: idOf(versionId), body: BODY });

test("the first copies are not known; the next are expected by them, in the plan and before the first percent", async () => {
  expect(await planned(id)).toMatchObject({
    storage:
      "westus 2 × 94 GB Standard_LRS, eastus2 1 × 94 GB Standard_ZRS: 3 replicas, at most 282 GB; 1 copy over the network.",
    duration: "westus not known yet; eastus2 not known yet.",
  });
  await putThrough(world, id, BODY);
  const [first] = await rows();
  const seconds = Number(first?.target);
  expect(seconds).toBeGreaterThan(10 * 60);
  expect(seconds).toBeLessThan(60 * 60);
  expect((await rows()).map(({ row }) => row)).toEqual(["eastus2", "westus"]);

  const next = another(101);
  expect(await planned(next)).toMatchObject({
    copies: [
      { region: "westus", usual: { ends: 1 } },
      { region: "eastus2", usual: { p50Seconds: seconds, ends: 1 } },
    ],
  });
  const begunMs = world.clock.now();
  operationIn(await put(world, next, BODY));
  await until(world, async () => {
    const { sigil } = await seen(world, next);
    return sigil.regions.some((region) => region.begunTime !== undefined);
  });
  const region = (await seen(world, next)).sigil.regions.find(({ name }) => name === "eastus2");
  expect(region).toMatchObject({ progress: 0, usual: { ends: 1 } });
  const expectedMs = Date.parse(region?.expectedEndTime ?? "") - begunMs;
  expect(Math.abs(expectedMs - seconds * 1_000)).toBeLessThan(MINUTE_MS);
  expect((await planned(id)).duration).toBeUndefined();
});

test("a region is Stalled by its own past, long before the time that is set", async () => {
  await world.deps.index.put([
    {
      scope: "replication-times",
      row: "eastus2",
      target: "900 900 900 900 900",
    },
  ]);
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 40,
  });
  operationIn(await put(world, id, BODY));
  await pass(world, 14 * MINUTE_MS);
  expect((await seen(world, id)).sigil.conditions).toBeUndefined();
  await pass(world, 30 * MINUTE_MS);
  expect((await seen(world, id)).sigil.conditions).toMatchObject([{ type: "Stalled" }]);
});

test("where the row cannot be read or written, nothing is held up by it", async () => {
  const { index } = world.deps;
  const broken = {
    ...world.deps,
    index: {
      ...index,
      page: (scope: string, ...more: [number]) =>
        scope === "replication-times"
          ? Promise.reject(
              new ServiceError("DependencyUnavailable", "No.", {
                retryAfterMs: 1_000,
              }),
            )
          : index.page(scope, ...more),
    },
  };
  expect(await planImageVersion(broken, { id: idOf(id), body: BODY })).toMatchObject({
    duration: "westus not known yet; eastus2 not known yet.",
  });
});
