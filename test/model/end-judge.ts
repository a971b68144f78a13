/** At rest: each operation has ended as ARM has shown that it should, and ARM, the listings and the events say the same. */
import { OPEN_SCOPE, operationScope } from "../../src/operation/catalog.js";
import type {
  OperationRecord,
  OperationStatus,
} from "../../src/operation/records.js";
import { MOST_BEHIND_MS, SIGIL, short, type Change } from "./arm.js";
import type { Look } from "./look.js";
import { isOf, isOpen, type Accepted } from "./ledger.js";
import { isOthers } from "./outsiders.js";
import { VERSIONS } from "./requests.js";
import type { World } from "./world.js";

const FINAL_EVENTS = {
  Succeeded: "Completed",
  Failed: "Failed",
  Canceled: "Canceled",
} as const;
const REGION_EVENT = /\.Region(?:Completed|Failed)$/u;
const STATUSES: readonly OperationStatus[] = [
  "NotStarted",
  "Running",
  "Succeeded",
  "Failed",
  "Canceled",
];

export function judge(world: World): void {
  for (const operation of world.store.operations()) {
    judgeEnd(world, operation);
    const accepted = world.ledger.find(operation.id);
    if (accepted === undefined)
      world.breach(1, `${operation.id} is stored, and was not accepted`);
    else judgeStatus(world, operation, accepted);
  }
  judgeEvents(world);
  judgeListings(world);
  for (const version of VERSIONS) judgeRest(world, version);
}

/** Each operation ends, and is told accepted once, and its end once. */
function judgeEnd(
  world: World,
  { id, kind, status, endTime }: OperationRecord,
): void {
  if (isOpen({ status }) || endTime === undefined)
    return world.breach(1, `operation ${id} is ${status}`);
  const told = world.topic.events.filter((event) =>
    event.id.startsWith(`${id}/`),
  );
  const ends = told.filter(({ type }) =>
    /^Sigil\.(?:ImageVersion\.(?:Completed|Failed|Canceled|Deleted)|Image\.Rollback(?:Completed|Failed|Canceled))$/u.test(
      type,
    ),
  );
  const expected =
    kind === "DeleteImageVersion" && status === "Succeeded"
      ? "Deleted"
      : FINAL_EVENTS[status as keyof typeof FINAL_EVENTS];
  if (ends.length !== 1 || ends[0]?.type.endsWith(expected) !== true)
    world.breach(
      1,
      `operation ${id} is ${status}; told was ${ends.map(({ type }) => type).join(", ") || "no end"}`,
    );
  const accepted = told.filter(({ id: event }) => event === `${id}/accepted`);
  if (accepted.length !== 1)
    world.breach(
      1,
      `operation ${id} was told accepted ${accepted.length} times`,
    );
}

function judgeStatus(
  world: World,
  operation: OperationRecord,
  accepted: Accepted,
): void {
  switch (operation.status) {
    case "Succeeded":
      if (operation.kind === "RollBackImage")
        return judgeRollback(world, operation, accepted);
      if (operation.kind === "DeleteImageVersion")
        return judgeDeletion(world, accepted);
      judgeSuccess(world, accepted);
      judgeRule(world, accepted);
      return judgeRegions(world, operation, accepted);
    case "Failed":
      return judgeFailure(world, operation, accepted);
    case "Canceled":
      if (!accepted.canceled && operation.kind !== "RollBackImage")
        world.breach(1, `${operation.id} is Canceled, and nobody wished it`);
      return judgeCancel(world, accepted);
    default:
  }
}

/** Looks between the acceptance of an operation and its end. */
function looksOf(world: World, one: Accepted): readonly Look[] {
  const looks = world.azure.looksAt(one.version);
  const last = one.endLook === undefined ? -1 : looks.indexOf(one.endLook);
  return looks.slice(one.looksBefore, last === -1 ? undefined : last + 1);
}

function isAtRest({ provisioningState }: Look): boolean {
  return provisioningState === "Succeeded" || provisioningState === "Failed";
}

/** At one look, ARM at rest, everything that it asked was so, but for what another operation beside it asked otherwise. */
function judgeSuccess(world: World, one: Accepted): void {
  const beside = world.ledger.beside(one);
  const unmetAt = ({ facts = {} }: Look): string[] =>
    [...one.wishes]
      .filter(
        ([fact, { value, how }]) =>
          how !== "perhaps" &&
          facts[fact] !== value &&
          !(fact === "excluded" && isMadeExcluded(world, one)) &&
          !beside.some(
            ({ wishes, canceled }) =>
              (wishes.has(fact) &&
                // Where it gives way to what a policy overrides.
                (wishes.get(fact)?.value === facts[fact] ||
                  world.policyTags.has(fact))) ||
              (canceled && fact === "excluded"),
          ),
      )
      .map(([fact, { value }]) => `${fact} ${facts[fact]} and not ${value}`);
  const rest = looksOf(world, one).filter(isAtRest);
  if (!rest.some((look) => unmetAt(look).length === 0))
    world.breach(
      9,
      `${one.id} Succeeded; at its last look ARM had ${rest.length === 0 ? "not come to rest" : unmetAt(rest.at(-1) as Look).join(", ")}`,
    );
}

/** What tools say in every body includes nothing that others have made, excluded, where no look of its acceptance has shown that. */
function isMadeExcluded(world: World, one: Accepted): boolean {
  return (
    one.body !== undefined &&
    othersIn(world, one).some(
      ({ before, after, atMs }) =>
        before === undefined &&
        after?.facts["excluded"] === "true" &&
        (one.shown === undefined || atMs > one.acceptedMs),
    )
  );
}

/** The promotion rule that it is the first to ask for has included the version, but where somebody else decides that. */
function judgeRule(world: World, one: Accepted): void {
  if (one.body?.sigil?.promotion === undefined) return;
  const isInTime = (atMs: number): boolean => atMs <= (one.endedMs ?? Infinity);
  const decidesElse = world.ledger.accepted.some(
    (each) =>
      each !== one &&
      each.version === one.version &&
      isInTime(each.acceptedMs) &&
      (each.canceled ||
        each.wishes.has("excluded") ||
        // A body says all: the rule once more, or none.
        each.body !== undefined),
  );
  const othersDecide = world.arm.changes.some(
    (change) =>
      change.version === one.version &&
      isOthers(change) &&
      isInTime(change.atMs) &&
      (change.before === undefined ||
        change.changes.some(({ fact }) => fact === "excluded")),
  );
  if (
    !decidesElse &&
    !othersDecide &&
    one.endLook?.facts?.["excluded"] === "true"
  )
    world.breach(9, `${one.id} Succeeded, and its rule has not promoted`);
}

/** Each of its regions was ready at its end, and told so. */
function judgeRegions(
  world: World,
  { id, regions }: OperationRecord,
  one: Accepted,
): void {
  const look = one.endLook;
  const beside = world.ledger.beside(one);
  for (const name of one.regions) {
    const removed = beside.some(
      ({ wishes }) =>
        wishes.has(`region/${name}`) &&
        wishes.get(`region/${name}`)?.value === undefined,
    );
    if (removed) continue;
    const state = look?.regions.get(name);
    if (state !== "Completed")
      world.breach(9, `${id} Succeeded, and ${name} was ${state}`);
    const kept = regions.find((region) => region.name === name);
    if (kept?.state !== "Completed")
      world.breach(8, `${id} Succeeded with ${name} ${kept?.state}`);
    const told = world.topic.events.some(
      ({ type, subject, data }) =>
        type === "Sigil.ImageVersion.RegionCompleted" &&
        subject === one.version &&
        (data as { region: string }).region === name,
    );
    // Who had asked for it first was not there any more to be told.
    const first = world.ledger.accepted.find(
      ({ version, regions: all }) =>
        version === one.version && all.includes(name),
    );
    if (!told && first?.status === "Succeeded")
      world.breach(8, `${id} Succeeded; ${name} was not told Completed`);
  }
}

/** A version that was made for it alone is left excluded from latest. */
function judgeCancel(world: World, one: Accepted): void {
  const made = world.arm.changes.find(
    ({ version, by, before, atMs }) =>
      version === one.version &&
      by === SIGIL &&
      before === undefined &&
      atMs >= one.acceptedMs &&
      atMs <= (one.endedMs ?? 0),
  );
  const alone =
    world.ledger.beside(one).length === 0 && othersIn(world, one).length === 0;
  // Where its answer was lost, what a policy has changed of it cannot be told from what others have made.
  const isAsAsked = [...one.wishes].every(
    ([fact, { value, how }]) =>
      how === "perhaps" ||
      !fact.startsWith("tag/") ||
      made?.after?.facts[fact] === value,
  );
  if (made && isAsAsked && alone && one.endLook?.facts?.["excluded"] !== "true")
    world.breach(9, `${one.id} was canceled, and what it made is not excluded`);
}

function judgeDeletion(world: World, one: Accepted): void {
  // Accepted while ARM could not be asked, it is of the life that Sigil had seen before.
  const ended =
    (one.endedLife ?? 0) > one.life ||
    // It was asked of a version that was not there, and others have made one since.
    (world.arm.birth(one.version)?.atMs ?? -Infinity) >= one.acceptedMs ||
    (one.shown === undefined && one.life > 0);
  if (!ended && !looksOf(world, one).some(({ facts }) => facts === undefined))
    world.breach(9, `${one.id} Succeeded, and ARM has shown the version`);
}

/** The version that it demotes was shown so, or gone, at some look since. */
function judgeRollback(
  world: World,
  { id, rollback }: OperationRecord,
  one: Accepted,
): void {
  const demoted = world.azure
    .looksAt(`${one.version}/versions/${rollback?.from}`)
    .some(
      ({ atMs, facts }) =>
        atMs >= one.acceptedMs && (facts?.["excluded"] ?? "true") === "true",
    );
  if (!demoted)
    world.breach(9, `${id} Succeeded, and ${rollback?.from} is not demoted`);
}

/** What others have changed of a version, or could be seen late, in the time of an operation. */
function othersIn(world: World, one: Accepted): Change[] {
  return world.arm.changes.filter(
    (change) =>
      change.version === one.version &&
      isOthers(change) &&
      change.atMs >= one.acceptedMs - MOST_BEHIND_MS &&
      change.atMs <= (one.endedMs ?? Infinity),
  );
}

/** When it ended, ARM did not have the version. */
function isGone(world: World, one: Accepted): boolean {
  const last = world.arm.changes
    .slice(0, one.endChanges)
    .findLast(({ version }) => version === one.version);
  return last?.after === undefined;
}

/** In its time ARM has taken a DELETE of it, or has shown it to be gone. */
function wasDeleted(world: World, one: Accepted): boolean {
  const inTime = ({ atMs, version }: { atMs: number; version: string }) =>
    version === one.version &&
    atMs >= one.acceptedMs &&
    atMs <= (one.endedMs ?? Infinity);
  return (
    world.ledger
      .beside(one)
      .some((each) => each.kind === "DeleteImageVersion") &&
    (world.arm.deletions.some(inTime) || isGone(world, one))
  );
}

/** A policy sets a tag that it asks otherwise, or ARM keeps what it takes away. */
function isOverridden(world: World, { wishes }: Accepted): boolean {
  return [...wishes.keys()].some(
    (fact) =>
      world.policyTags.has(fact) ||
      (world.settings.keeps &&
        /^(?:tag\/.*|endOfLife|guarded|opened)$/u.test(fact)),
  );
}

/** It says why, and that was so. */
function judgeFailure(
  world: World,
  { id, error, kind }: OperationRecord,
  one: Accepted,
): void {
  if (error === undefined || error.message === "")
    return world.breach(1, `${id} Failed without a reason`);
  const looks = looksOf(world, one);
  const others = othersIn(world, one);
  const expect = (holds: boolean, what: string): void => {
    if (!holds)
      world.breach(
        9,
        `${id} Failed ${error.code}, and ${what}: ${error.message}`,
      );
  };
  if (kind === "RollBackImage") return;
  switch (error.code) {
    case "ImageVersionGone":
      return expect(
        isGone(world, one) ||
          world.ledger
            .beside(one)
            .some((each) => each.kind === "DeleteImageVersion"),
        "ARM has the version",
      );
    case "ChangedOutside":
      return expect(
        // Accepted while ARM could not be asked, it is of the life that Sigil had seen before.
        one.shown === undefined ||
          others.some(
            ({ before, after }) => before === undefined || after === undefined,
          ) ||
          // By an update of Sigil's own that came between, as a cancel's.
          [...world.policyTags].some((fact) =>
            error.message.includes(`Tag ${fact.slice("tag/".length)} is `),
          ),
        "nobody has deleted the version, or made it again, and no policy sets the tag",
      );
    case "Superseded":
      return expect(
        world.ledger
          .beside(one)
          .some((each) => each.kind === "DemoteImageVersion") ||
          wasDeleted(world, one),
        "nobody demotes the version, and ARM has taken no DELETE",
      );
    case "KeptByRetention":
      return expect(
        kind === "DeleteImageVersion",
        "no policy has begun its deletion",
      );
    case "PoisonMessage":
      return expect(
        world.poisoned.has(id) ||
          world.ledger.beside(one).some((each) => world.poisoned.has(each.id)),
        "no message of it was poisoned",
      );
    case "ReplicationFailed":
      return expect(
        looks.some(
          ({ regions, provisioningState }) =>
            provisioningState === "Failed" ||
            one.regions.some((name) => regions.get(name) === "Failed") ||
            // A promotion rule waits for all, whoever has added them.
            (world.ledger.hasRule(one.version, one.life) &&
              [...regions.values()].includes("Failed")) ||
            one.regions.some(
              (name) => provisioningState !== undefined && !regions.has(name),
            ),
        ),
        "no region of it had failed",
      );
    case "ReadBackMismatch":
    case "OverriddenByAzure":
    case "RemovalIgnored":
      return expect(
        others.length > 0 || isOverridden(world, one),
        "nobody else has changed the version",
      );
    // What others have added, unseen, ARM lets nobody remove; nor what is guarded; nor does it take a region without keys.
    case "ResourceManagerRefused":
      return expect(
        others.length > 0 ||
          areKeysGone(world, one.version) ||
          (kind === "DeleteImageVersion" &&
            world.arm.changes.some(
              ({ version, after }) =>
                version === one.version && after?.facts["guarded"] === "true",
            )),
        "nothing stands in its way",
      );
    case "ImageVersionConflict":
      return expect(
        world.arm.changes.some(
          (change) => change.version === one.version && isOthers(change),
        ) ||
          // It was there when a replica that was behind showed nothing.
          (one.shown === undefined &&
            world.arm.changes.some(
              ({ version, before, atMs }) =>
                version === one.version &&
                before === undefined &&
                atMs <= one.acceptedMs,
            )) ||
          // Whether a policy has changed what was sent, or others have made it, a lost answer does not say.
          looks.some(({ facts }) => facts?.["tag/build"] === "policy"),
        "the version is nobody else's",
      );
    // A key is other than asked, or others have taken one away.
    case "PreflightFailed":
      return expect(
        areKeysGone(world, one.version) ||
          looks.some(({ facts }) =>
            [...one.wishes].some(
              ([fact, { value }]) =>
                fact.startsWith("keys/") &&
                facts?.[fact] !== undefined &&
                facts[fact] !== value,
            ),
          ),
        "the version's keys are as asked",
      );
    // ARM gives up what it was doing: an update leads to another, a deletion has nothing else to do.
    case "InternalExecutionError":
      return expect(
        kind === "DeleteImageVersion" &&
          world.arm.edits.some(
            ({ version, atMs }) =>
              version === one.version && atMs >= one.acceptedMs,
          ),
        "nobody has failed the deletion",
      );
    default:
      return expect(
        world.store.operations().length < 0,
        "that reason is none that this world has",
      );
  }
}

/** Each event once, each of an operation; the last word on a region is what the operation says of it. */
function judgeEvents(world: World): void {
  const seen = new Set<string>();
  for (const { id } of world.topic.events) {
    if (seen.has(id)) world.breach(7, `event ${id} came twice`);
    seen.add(id);
    if (world.operation(id.split("/")[0] ?? "") === undefined)
      world.breach(7, `event ${id} is of no operation`);
  }
  for (const record of world.store.records())
    for (const effect of record.outbox)
      if (effect.kind === "event" && !seen.has(effect.event.id))
        world.breach(1, `event ${effect.event.id} was not told`);
  for (const { id, status, regions } of world.store.operations())
    for (const { name, state } of regions) {
      const last = world.topic.events.findLast(
        (event) =>
          event.id.startsWith(`${id}/`) &&
          REGION_EVENT.test(event.type) &&
          (event.data as { region: string }).region === name,
      );
      if (status === "Succeeded" && last?.type.endsWith("Failed") === true)
        world.breach(
          8,
          `${id} ended with ${name} ${state}; told last was Failed`,
        );
    }
}

function judgeListings(world: World): void {
  const operations = world.store.operations();
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

/** Others have taken keys of a version away, or regions with them. */
function areKeysGone(world: World, version: string): boolean {
  return world.arm.changes.some(
    (change) =>
      change.version === version &&
      isOthers(change) &&
      change.changes.some(({ fact }) => fact.startsWith("keys/")),
  );
}

/** What Sigil took away for a while, or opened, is as it was. */
function judgeRest(world: World, version: string): void {
  const truth = world.arm.truth(version);
  if (truth === undefined) return;
  if (!["Succeeded", "Failed"].includes(truth.provisioningState))
    world.breach(1, `${short(version)} is ${truth.provisioningState} in ARM`);
  const life = world.arm.life(version);
  const mine = world.ledger.accepted.filter(
    (each) => each.version === version && isOf(each, life),
  );
  // A message that kills took the steps that were left.
  if (mine.some(({ id }) => world.poisoned.has(id))) return;
  for (const region of world.writes.away(version).keys()) {
    const removed = mine.some(({ removeRegions }) =>
      removeRegions?.includes(region),
    );
    // Without a key for each disk ARM does not take it back.
    if (
      !removed &&
      !areKeysGone(world, version) &&
      truth.facts[`region/${region}`] === undefined
    )
      world.breach(2, `${region} of ${short(version)} was not added back`);
  }
  const wished = mine.some(
    ({ wishes }) => wishes.get("opened")?.value === "true",
  );
  const others = world.arm.changes.some(
    (change) =>
      change.version === version &&
      isOthers(change) &&
      change.changes.some(({ fact }) => fact === "opened"),
  );
  // Without a key for each disk ARM takes no update at all.
  if (
    truth.facts["opened"] === "true" &&
    !wished &&
    !others &&
    !areKeysGone(world, version)
  )
    world.breach(2, `regions of ${short(version)} may be removed at any time`);
}
