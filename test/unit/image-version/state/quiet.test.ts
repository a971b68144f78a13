import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Look } from "../../../../src/image-version/resources.js";
import { isQuiet, pollAgain } from "../../../../src/image-version/state/quiet.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { longWay, type StepContext } from "../../../../src/image-version/steps/decide.js";
import { told } from "../../../../src/image-version/telling/tell.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import "../../../support/properties.js";
import { applied, at, nth, time } from "../../../support/transitions.js";

const NOW = 4_000;
const OTHER_LIFE = time(-900);
const RUNS = 5_000;
const KNOWN = applied();

function contextAt(seconds: number): StepContext {
  return { ...at(seconds, { repairAttempts: 2 }), budget: 38, useDelayMs: 60_000 };
}

/** What is seldom there. */
function seldom<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: 60, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: value },
  );
}

function mostly<T>(value: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 40, arbitrary: fc.constant(value) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

const aTime = fc.integer({ min: -2_000, max: NOW + 600 }).map(time);
const aState = fc.constantFrom<RegionRecord["state"]>(
  "Unknown",
  "Replicating",
  "Completed",
  "Failed",
);

const aRegion = fc.record({
  shown: fc.oneof(
    { weight: 20, arbitrary: fc.constant({ state: "Unknown", progress: 0 } as const) },
    {
      weight: 20,
      arbitrary: fc.nat(99).map((progress) => ({ state: "Replicating", progress }) as const),
    },
    { weight: 20, arbitrary: fc.constant({ state: "Completed", progress: 100 } as const) },
    { weight: 1, arbitrary: fc.record({ state: aState, progress: fc.constantFrom(60, 100) }) },
  ),
  shownDetails: seldom(fc.constant("Copies.")),
  attempts: mostly(1, 0, 3),
  lastProgressTime: fc.option(fc.integer({ min: NOW - 1_200, max: NOW }).map(time)),
  completedTime: mostly<string | undefined>(time(90), undefined),
  stalledTime: seldom(aTime),
  details: fc.constantFrom(undefined, undefined, "Waits for capacity."),
  expectedEndTime: fc.option(aTime),
  published: fc.option(fc.record({ progress: fc.nat(100), time: aTime })),
  usual: fc.option(fc.constant({ p50Seconds: 600, p90Seconds: 3_000, ends: 8 })),
  begunTime: fc.option(aTime),
  unconfirmed: seldom(fc.record({ state: aState, since: aTime })),
  recopying: seldom(fc.constantFrom("sent" as const, "begun" as const)),
  nextAttemptTime: seldom(aTime),
  waitReason: seldom(fc.constant("It has failed.")),
  state: seldom(aState),
  progress: seldom(fc.nat(100)),
});

const aRequest = fc.record({
  appliedTime: mostly<string | undefined>(time(20), undefined),
  ending: seldom(fc.constant({ kind: "canceled", by: { appId: "b" }, time: time(30) } as const)),
  deletion: seldom(fc.constantFrom({}, { bypassSoftDelete: true } as const)),
  restores: seldom(fc.constant(true as const)),
  life: fc.oneof(mostly<string | undefined>(time(1), OTHER_LIFE), fc.constant(undefined)),
  patch: mostly<VersionRequest["patch"]>({}, { "/tags/a": "1" }, { "/tags/team": null }),
  release: seldom(fc.constant({ kind: "exclude", by: "request" } as const)),
  creates: fc.option(fc.constant(true as const)),
  sent: fc.option(fc.constant(true as const)),
  adopts: fc.option(fc.constant(true as const)),
  machine: seldom(fc.constant(true as const)),
  allowNoLatest: seldom(fc.constant(true as const)),
  regions: fc.constantFrom(
    ["westus", "eastus2"],
    ["westus", "eastus2"],
    ["westus"],
    ["eastus2"],
    [],
  ),
});

const aRepair = fc.record({
  attempts: fc.nat(3),
  dueTime: fc.option(aTime),
  removed: seldom(fc.constant({ "/tags/a": "1" })),
  lost: seldom(fc.constant(true as const)),
  refused: seldom(fc.constant([{ code: "X", pointer: "", message: "No." }])),
});

const aCase = fc.record({
  provisioning: fc.constantFrom(
    "Creating",
    "Updating",
    "Succeeded",
    "Succeeded",
    "Failed",
    "Deleting",
  ),
  westus: aRegion,
  eastus2: aRegion,
  requests: fc.array(aRequest, { minLength: 1, maxLength: 2 }),
  isOver: seldom(fc.constant(true)),
  repairs: fc.option(aRepair, { freq: 2 }),
  record: fc.record({
    state: seldom(fc.constantFrom("Accepted", "Updating", "Creating", "Deleting", "Succeeded")),
    publishedDate: seldom(fc.constant(OTHER_LIFE)),
    changedTime: fc.option(aTime),
    unconfirmed: seldom(fc.record({ shows: fc.constantFrom("absent", "x"), since: aTime })),
    window: fc.option(fc.constant(1 as const), { freq: 2 }),
    throttledUntil: seldom(aTime),
    ticks: fc.option(fc.nat(9)),
    write: seldom(
      fc.record({
        changes: fc.constantFrom({}, { "/tags/a": "1" }),
        sentTime: aTime,
        answer: fc.constantFrom("none" as const, "accepted" as const),
        sentFor: fc.constant([nth(1)]),
      }),
    ),
    pacing: seldom(fc.constant(undefined)),
    left: seldom(fc.constant(undefined)),
  }),
  /** What the look shows otherwise than is known. */
  look: fc.record({
    provisioningState: seldom(fc.constantFrom("Creating", "Succeeded", "Failed")),
    publishedDate: seldom(fc.constantFrom(OTHER_LIFE, time(600))),
    tag: seldom(fc.constant("other")),
    westus: seldom(
      fc.record({ state: aState, progress: fc.nat(100), details: fc.constant("Now.") }),
    ),
    without: seldom(fc.constantFrom("westus", "eastus2")),
  }),
  isThere: mostly(true, false),
  seconds: fc.integer({ min: NOW, max: NOW + 900 }),
});

type Case = typeof aCase extends fc.Arbitrary<infer T> ? T : never;

/** Without the members that are undefined or null. */
function there<T extends object>(some: T): object {
  return Object.fromEntries(Object.entries(some).filter(([, value]) => value != null));
}

function caseOf(given: Case): { readonly pair: ImageVersionPair; readonly look: Look | undefined } {
  const { record: before, operation } = KNOWN;
  const { status } = before;
  if (status === undefined) throw new Error("nothing is known");
  const regions = (["westus", "eastus2"] as const).map((name) => {
    const { shown: base, shownDetails: _, ...more } = given[name];
    return { name, ...base, ...there(more) };
  }) as RegionRecord[];
  const shown = regions.map(({ name, details }) => {
    const { shown: base, shownDetails = details } = given[name as "westus"];
    return { name, ...base, ...there({ details: shownDetails }) };
  });
  const at = { ...status, provisioningState: given.provisioning, regions: shown };
  const { tag, westus, without, ...otherwise } = given.look;
  const look = {
    ...at,
    ...there(otherwise),
    time: time(given.seconds),
    regions: shown
      .map((one) => (one.name === "westus" && westus ? { ...one, ...westus } : one))
      .filter(({ name }) => name !== without),
    resource: tag === undefined ? at.resource : { ...at.resource, tags: { team: tag } },
  };
  const requests = Object.fromEntries(
    (given.isOver ? [] : given.requests).map((request, i) => [nth(i + 1), there(request)] as const),
  );
  const record = {
    ...before,
    ...there(given.record),
    status: at,
    regions,
    requests,
    repairs: given.repairs ? { westus: there(given.repairs) } : {},
    members: given.requests.slice(1).map(() => ({ ...operation, id: nth(2) })),
  } as unknown as ImageVersionRecord;
  return { pair: { record, operation }, look: given.isThere ? look : undefined };
}

describe("a quiet poll", () => {
  test("gives by the short way what it gives by the long way", () => {
    let quiet = 0;
    fc.assert(
      fc.property(aCase, (given) => {
        const { pair, look } = caseOf(given);
        const context = contextAt(given.seconds);
        if (!isQuiet(pair.record, look, context)) return;
        quiet += 1;
        const reading = {
          look,
          time: context.now,
          isListed: false,
          deleted: undefined,
          reason: undefined,
        };
        const short = told(pair, pollAgain(pair.record, look, context), context);
        const long = longWay(pair, reading, {}, context);
        if (!isDeepStrictEqual(short, long)) expect(short).toEqual(long);
      }),
      { numRuns: RUNS },
    );
    expect(quiet).toBeGreaterThan(RUNS / 20);
  });
});
