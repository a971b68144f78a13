/** At rest: ARM, the stored state, the listings and the events say the same. */
import { OPEN_SCOPE, operationScope } from "../../src/operation/catalog.js";
import type {
  OperationRecord,
  OperationStatus,
} from "../../src/operation/records.js";
import { targetRegionsOf } from "../../src/image-version/canonical-form.js";
import { regionsOf } from "./bodies.js";
import { bodyOf, type Asked } from "./requests.js";
import type { World } from "./world.js";

const FINAL_EVENTS = {
  Succeeded: "Sigil.ImageVersion.Completed",
  Failed: "Sigil.ImageVersion.Failed",
  Canceled: "Sigil.ImageVersion.Canceled",
} as const;
const DELETED = "Sigil.ImageVersion.Deleted";
const REGION_COMPLETED = "Sigil.ImageVersion.RegionCompleted";
const STATUSES: readonly OperationStatus[] = [
  "NotStarted",
  "Running",
  "Succeeded",
  "Failed",
  "Canceled",
];

export function judge(world: World): void {
  const operations = world.store.operations();
  judgeOperations(world, operations);
  judgeListings(world, operations);
  judgeArm(world);
  judgeRegionEvents(world, operations);
}

function judgeOperations(
  world: World,
  operations: readonly OperationRecord[],
): void {
  for (const operation of operations) {
    const { id, status, endTime, kind } = operation;
    const ends = world.topic.events.filter(
      ({ id: event, type }) =>
        event.startsWith(`${id}/`) &&
        [...Object.values<string>(FINAL_EVENTS), DELETED].includes(type),
    );
    if (
      status === "NotStarted" ||
      status === "Running" ||
      endTime === undefined
    ) {
      world.breach(1, `operation ${id} is ${status}`);
      continue;
    }
    if (status === "Canceled" && !world.ledger.mayBeCanceled(id))
      world.breach(1, `operation ${id} is Canceled, and nobody wished it`);
    const expected =
      status === "Succeeded" && kind === "DeleteImageVersion"
        ? DELETED
        : FINAL_EVENTS[status];
    if (ends.length !== 1 || ends[0]?.type !== expected)
      world.breach(
        1,
        `operation ${id} is ${status}; told was ${ends.map(({ type }) => type).join(", ") || "no end"}`,
      );
    const begins = world.topic.events.filter(
      ({ id: event }) => event === `${id}/accepted`,
    );
    if (begins.length !== 1)
      world.breach(
        1,
        `operation ${id} was told accepted ${begins.length} times`,
      );
  }
  const ids = operations.map(({ id }) => id);
  for (const { id } of world.ledger.accepted)
    if (!ids.includes(id)) world.breach(1, `operation ${id} is lost`);
  for (const event of world.topic.events)
    if (!ids.includes(event.id.split("/")[0] ?? ""))
      world.breach(7, `event ${event.id} is of no operation`);
  const seen = new Set<string>();
  for (const { id } of world.topic.events) {
    if (seen.has(id)) world.breach(7, `event ${id} came twice`);
    seen.add(id);
  }
  for (const record of world.store.records()) {
    // Whoever dies right after telling leaves the outbox; told again, it is dropped.
    for (const effect of record.outbox)
      if (
        effect.kind === "event" &&
        !world.topic.events.some(({ id }) => id === effect.event.id)
      )
        world.breach(1, `event ${effect.event.id} was not told`);
    if (record.sequence > operations.length)
      world.breach(1, `operation ${record.sequence} is not stored`);
  }
}

function judgeListings(
  world: World,
  operations: readonly OperationRecord[],
): void {
  const listed = world.index.listed();
  const statuses = new Map(operations.map(({ id, status }) => [id, status]));
  const expect = (
    scope: string,
    ids: readonly string[],
    read?: OperationStatus,
  ): void => {
    const found = (listed.get(scope) ?? [])
      .filter((id) => read === undefined || statuses.get(id) === read)
      .sort();
    if (JSON.stringify(found) !== JSON.stringify([...ids].sort()))
      world.breach(
        1,
        `${scope} lists ${found.join(", ") || "nothing"}, not ${ids.join(", ") || "nothing"}`,
      );
  };
  expect(OPEN_SCOPE, []);
  expect(
    operationScope({}),
    operations.map(({ id }) => id),
  );
  for (const status of STATUSES)
    expect(
      operationScope({ status }),
      operations.filter((each) => each.status === status).map(({ id }) => id),
      // A slow teller may write the row of a status that is past: a reader looks at the operation itself.
      world.raced() ? status : undefined,
    );
}

function judgeArm(world: World): void {
  const last = world.ledger.accepted.at(-1);
  const record = world.record();
  if (last === undefined || record === undefined) return;
  const version = world.azure.arm.version();
  const shown = new Map(
    version?.regions.map((region) => [region.name, region]),
  );
  const succeeded = world.store
    .operations()
    .some(({ id, status }) => id === last.id && status === "Succeeded");
  if (!succeeded) return;
  if (last.kind === "DeleteImageVersion") {
    if (version !== undefined)
      world.breach(9, "the version is Deleted, and in ARM");
    return;
  }
  const desired = world.ledger.desired();
  if (desired === undefined) return;
  // Of what several asked for while each other's was done, each value is somebody's.
  const together = world.ledger.group().flatMap(({ asked }) => asked ?? []);
  const wishes = together.length > 1 ? together : [desired];
  const body = bodyOf(desired);
  const stored = targetRegionsOf(record.request);
  const wanted = regionsOf(body);
  // What was sent together with a request that was canceled since is not taken back.
  const asked = wishes.flatMap(({ regions }) => Object.keys(regions));
  if (
    wanted.some(({ name }) => !stored.some((each) => each.name === name)) ||
    stored.some(({ name }) => !asked.includes(name))
  )
    world.breach(
      10,
      `the stored request has ${names(stored)}; asked is ${names(wanted)}`,
    );
  if (
    version?.provisioningState !== "Succeeded" &&
    version?.provisioningState !== "Failed"
  )
    return world.breach(9, `ARM's version is ${version?.provisioningState}`);
  for (const region of wanted) {
    const actual = shown.get(region.name);
    if (actual === undefined) {
      world.breach(9, `ARM has no ${region.name}`);
      continue;
    }
    if (actual.state !== "Completed")
      world.breach(9, `${region.name} is ${actual.state} in ARM`);
    if (!wishes.some(({ regions }) => regions[region.name] === actual.count))
      world.breach(
        9,
        `ARM has ${actual.count} replicas in ${region.name}, asked are ${region.regionalReplicaCount}`,
      );
    if (JSON.stringify(actual.encryption) !== JSON.stringify(region.encryption))
      world.breach(9, `ARM has other keys in ${region.name}`);
  }
  // Others' regions stay; so do those of requests that came to nothing: such a request binds nobody, and ARM has them.
  for (const name of shown.keys())
    if (
      !wanted.some((region) => region.name === name) &&
      !world.azure.arm.outside.has(name) &&
      !isAbandoned(world, name)
    )
      world.breach(9, `ARM has ${name}, which nobody wants`);
  const { properties, tags } = version.body;
  const profile = properties.publishingProfile;
  const expect = (what: string, holds: (asked: Asked) => boolean): void => {
    if (!wishes.some(holds)) world.breach(9, `${what} is not as asked`);
  };
  expect(
    "the safety profile",
    ({ openProfile }) =>
      (properties.safetyProfile?.allowDeletionOfReplicatedLocations ??
        false) === openProfile,
  );
  expect(
    "exclusion from latest",
    ({ excludeFromLatest }) =>
      (profile?.excludeFromLatest ?? false) === excludeFromLatest,
  );
  expect("the tag", ({ tag }) => tag === null || tags?.["build"] === tag);
  expect(
    "the end of life",
    ({ endOfLifeDate }) =>
      endOfLifeDate === null ||
      Date.parse(profile?.endOfLifeDate ?? "") === Date.parse(endOfLifeDate),
  );
}

/** Who asked for this region last had no success: to be without it, nobody had to take it away. */
function isAbandoned(world: World, region: string): boolean {
  const last = world.ledger
    .life()
    .findLast(({ asked }) => asked?.regions[region] !== undefined);
  return world.store
    .operations()
    .some(({ id, status }) => id === last?.id && status !== "Succeeded");
}

function judgeRegionEvents(
  world: World,
  operations: readonly OperationRecord[],
): void {
  const told = world.topic.events.flatMap(({ type, time, data }) =>
    type === REGION_COMPLETED
      ? [
          {
            timeMs: Date.parse(time),
            ...(data as { operationId: string; region: string }),
          },
        ]
      : [],
  );
  let life: string[] = [];
  for (const { id, kind, asked } of world.ledger.accepted) {
    life.push(id);
    const operation = operations.find((each) => each.id === id);
    if (operation?.status !== "Succeeded") continue;
    if (kind === "DeleteImageVersion") {
      life = [];
      continue;
    }
    for (const { name, state } of operation.regions) {
      if (state !== "Completed")
        world.breach(8, `${id} Succeeded with ${name} ${state}`);
      // What others asked for in the same request is told to them.
      if (asked !== undefined && asked.regions[name] === undefined) continue;
      // What did not change since it was told need not be told again.
      const sinceMs =
        id === world.ledger.accepted.at(-1)?.id
          ? world.azure.sightings.changedMs(name)
          : 0;
      if (
        !told.some(
          ({ operationId, region, timeMs }) =>
            region === name && life.includes(operationId) && timeMs >= sinceMs,
        )
      )
        world.breach(8, `${id} Succeeded, and ${name} was not told Completed`);
    }
  }
}

function names(regions: readonly { readonly name: string }[]): string {
  return regions
    .map(({ name }) => name)
    .sort()
    .join(", ");
}
