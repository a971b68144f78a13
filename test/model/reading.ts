/** Reads, judged: a GET shows what ARM showed when it says so, and a list what ARM lists. */
import { ServiceError } from "../../src/errors.js";
import {
  getImageVersion,
  listImageVersions,
  type KnownImageVersion,
} from "../../src/image-version/queries/get.js";
import {
  formatImageVersionId,
  parseImageVersionId,
} from "../../src/resource-id.js";
import { MOST_BEHIND_MS, short } from "./arm.js";
import { factsOf, same } from "./facts.js";
import { VERSIONS } from "./requests.js";
import type { Task, World } from "./world.js";

/** For so long a read may be shared by those who only read. */
const SHARED_MS = 30_000;

export function readVersion(world: World, version: string): Task {
  return {
    name: `get of ${short(version)}`,
    async run(deps) {
      const id = parseImageVersionId(version);
      if (id === undefined) throw new TypeError(version);
      const asked = world.ledger.open(version);
      const followed = asked.length > 0;
      let known: KnownImageVersion | undefined;
      try {
        known = await getImageVersion(deps, id);
      } catch (error) {
        if (!(error instanceof ServiceError) || error.code !== "NotFound")
          throw error;
      }
      judge(world, version, known, followed);
      if (known !== undefined)
        world.etags.set(version, {
          etag: known.etag,
          asked,
          ...(known.look && { facts: factsOf(known.look.resource) }),
        });
    },
  };
}

function judge(
  world: World,
  version: string,
  known: KnownImageVersion | undefined,
  followedBefore: boolean,
): void {
  const what = `GET of ${short(version)}`;
  const followed = followedBefore || world.ledger.open(version).length > 0;
  const looks = world.azure.looksAt(version);
  const nowMs = world.clock.now();
  const look = known?.look;
  if (look === undefined) {
    // Asked for and not made yet; or not there, as a look has shown.
    if (known !== undefined && !followed)
      world.breach(4, `${what} shows nothing of a version that is not made`);
    const absent = looks.some(
      ({ atMs, facts }) => facts === undefined && nowMs - atMs <= SHARED_MS,
    );
    if (known === undefined && !absent)
      world.breach(4, `${what} is 404, and ARM has not said so`);
    return;
  }
  const atMs = Date.parse(look.time);
  if (
    !looks.some((each) => each.atMs === atMs && same(each.wire, look.resource))
  )
    world.breach(4, `${what} shows what ARM did not show at ${look.time}`);
  const saysSo = known?.warnings.some(
    ({ code, message }) =>
      code === "ShownBeforeLastWrite" ||
      message.startsWith("Azure cannot be read now"),
  );
  if (!followed && saysSo !== true && nowMs - atMs > SHARED_MS)
    world.breach(4, `${what} shows what ARM showed at ${look.time}`);
}

export function readList(world: World, image: string): Task {
  return {
    name: `list of ${image}`,
    async run(deps) {
      const { value } = await listImageVersions(deps, image, 10, undefined);
      for (const { id, look } of value) {
        const version = formatImageVersionId(id);
        if (
          look === undefined ||
          !isRecent(world, version, factsOf(look.resource))
        )
          world.breach(4, `the list shows ${short(version)} as it was not`);
      }
    },
  };
}

/** ARM has had the version so, no longer ago than reads may be behind. */
function isRecent(world: World, version: string, facts: unknown): boolean {
  const sinceMs = world.clock.now() - SHARED_MS - MOST_BEHIND_MS;
  if (same(world.arm.truth(version)?.facts, facts)) return true;
  return world.arm.changes.some(
    ({ version: changed, atMs, before }) =>
      changed === version && atMs >= sinceMs && same(before?.facts, facts),
  );
}

/** At rest, what is read is what ARM has; and the highest that is usable without its number is the latest. */
export function judgeReads(world: World): Task {
  return {
    name: "reads at rest",
    async run(deps) {
      for (const version of VERSIONS) {
        const id = parseImageVersionId(version);
        const truth = await world.arm.get(version);
        const known = await getImageVersion(deps, id as never).catch(
          (error: unknown) => {
            if (error instanceof ServiceError && error.code === "NotFound")
              return undefined;
            throw error;
          },
        );
        if (!same(known?.look?.resource, truth))
          world.breach(
            4,
            `GET of ${short(version)} is ${JSON.stringify(known?.look?.resource)}, ARM has ${JSON.stringify(truth)}`,
          );
        const isLatest = version === latestOf(world, version);
        if (known !== undefined && known.latest !== isLatest)
          world.breach(
            4,
            `GET of ${short(version)} says latest ${known.latest}`,
          );
      }
    },
  };
}

function latestOf(world: World, version: string): string | undefined {
  const image = version.slice(0, version.lastIndexOf("/"));
  return VERSIONS.filter((other) => other.startsWith(image))
    .sort()
    .reverse()
    .find((other) => {
      const truth = world.arm.truth(other);
      return (
        truth?.facts["excluded"] === "false" &&
        truth.provisioningState !== "Deleting" &&
        // A list of ARM's has no regions' states: what it calls Succeeded is ready wherever it is.
        (truth.provisioningState === "Succeeded" ||
          [...truth.regions.values()].includes("Completed"))
      );
    });
}
