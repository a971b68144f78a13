/**
 * The test of one region, pure: applies a look, or Azure's answer to a call. Invariants:
 *  1. A machine is requested only if the look stored in the same step shows none, and no earlier
 *     PUT of it can still be in flight.
 *  2. A result never changes. An attempt that is inconclusive, or may change, is followed by
 *     another while attempts are left.
 *  3. A region passes only if the start is proven and each disk is encrypted as the version asked.
 *  4. If a machine may ever have been created, the region is Gone only when Azure has answered a
 *     DELETE of it, no PUT can be in flight, and a look shows no machine, disk or network
 *     interface.
 *  5. A machine is deleted at its deadline at the latest. What still exists long after that is
 *     Left, and reported.
 *  6. At most `concurrency` regions have a machine, or may have one, at the same time.
 */
import { LEFT_AFTER_MS } from "../leftovers/ports.js";
import { omit } from "../objects.js";
import type { PollingPolicy } from "../operation/ports.js";
import type { RegionTestRecord, RegionTestWork, TestedDisk } from "./region-record.js";
import {
  machineId,
  machineName,
  mismatchOf,
  type MachineName,
  type MachinePlan,
} from "./machine.js";
import type { Refusal, SeenMachine } from "./ports.js";
import type { TestProfile } from "./profile.js";
import { failed, inconclusive, verdictOn, type Verdict } from "./verdict.js";

/** The conditions of a region's test. */
export interface Terms {
  readonly operationId: string;
  readonly profile: TestProfile;
  readonly plan: MachinePlan;
  readonly now: Date;
  readonly pace: Pick<PollingPolicy, "putTimeoutMs" | "confirmMs">;
}

/** The progress of the proof. */
export type SeenProof =
  | { readonly kind: "notBegun" }
  | { readonly kind: "pending"; readonly output?: string }
  | { readonly kind: "proven"; readonly output?: string }
  | ({ readonly kind: "refuted"; readonly output?: string } & Refusal);

/** One look at a region. What was not read is absent; a look with an error shows nothing. */
export type Sight =
  | { readonly error: Refusal }
  | {
      readonly error?: never;
      readonly machine?: SeenMachine;
      readonly proof?: SeenProof;
      /** By LUN, once the start is proven. */
      readonly disks?: ReadonlyMap<number | undefined, TestedDisk>;
      /** Ids of disks and interfaces that exist without their machine. */
      readonly left?: readonly string[];
    };

/** Azure's answer to a call for a region. */
export type Answer =
  | { readonly kind: "done" }
  | ({ readonly kind: "refused" } & Refusal)
  /** It was not done; Sigil may try again later. */
  | ({ readonly kind: "delayed"; readonly retryAfterMs: number } & Refusal)
  /** It may have been done. */
  | { readonly kind: "unknown" };

const MINUTE_MS = 60_000;
/** How many machines a region may use, one after the other. */
export const ATTEMPTS = 3;
const NEXT_ATTEMPT_MS = 5 * MINUTE_MS;
/** Limits for one attempt: PUTs without an answer, and PUTs that Azure delayed. */
const MOST_SENDS = 3;
const MOST_DELAYS = 20;
/** Added to the profile's limits for the deadline: for polls, and for Azure's delays. */
const SLACK_MS = 30 * MINUTE_MS;
const LONGEST_DELETION_WAIT_MS = 60 * MINUTE_MS;
const LONGEST_OUTPUT_BYTES = 4_096;

const NO_WORK: RegionTestWork = {
  sends: 0,
  delays: 0,
  deletions: 0,
  deletionsSent: 0,
};

export function newRegionTest(name: string, machineSize: string): RegionTestRecord {
  return {
    name,
    state: "Waiting",
    attempts: 0,
    attemptsAllowed: ATTEMPTS,
    machineSize,
    work: NO_WORK,
  };
}

/** Whether nothing is left to do for it. */
export function isOver({ state }: Pick<RegionTestRecord, "state">): boolean {
  return state === "Gone" || state === "Left";
}

/** Whether it has a machine, or may have one. */
export function hasMachine({ state }: Pick<RegionTestRecord, "state">): boolean {
  return !["Waiting", "Gone", "Left"].includes(state);
}

/**
 * Whether the next step reads its machine: it has one, or may have one, and is not just being kept.
 */
export function isLookedAt(test: RegionTestRecord, now: Date): boolean {
  return (
    hasMachine(test) &&
    (test.state !== "Kept" || !isBefore(now, test.nextAttemptTime) || !isBefore(now, test.deadline))
  );
}

/** The machine of the present attempt, whether it exists or not. */
export function machineOf(
  { attempts }: Pick<RegionTestRecord, "attempts">,
  { operationId, plan }: Pick<Terms, "operationId" | "plan">,
): MachineName {
  const { subscriptionId, resourceGroupName, region } = plan;
  return {
    subscriptionId,
    resourceGroupName,
    name: machineName(operationId, region, attempts),
  };
}

/** The longest time before a machine is deleted. */
export function longestMs({ startMinutes, proofMinutes, keepFailedMinutes }: TestProfile): number {
  return (startMinutes + proofMinutes + keepFailedMinutes) * MINUTE_MS + SLACK_MS;
}

/** Begins an attempt. */
export function begin(test: RegionTestRecord, terms: Terms): RegionTestRecord {
  const { profile, now } = terms;
  const { name, result, reason, attemptsAllowed, machineSize } = test;
  const attempts = test.attempts + 1;
  return {
    name,
    state: "Creating",
    ...(result && { result }),
    ...(reason && { reason }),
    attempts,
    attemptsAllowed,
    machineSize,
    machineId: machineId(machineOf({ attempts }, terms)),
    deadline: later(now, longestMs(profile)),
    work: { ...NO_WORK, begunTime: now.toISOString() },
  };
}

/** Begins waiting regions in order, while there is room and their time has come. Invariant 6. */
export function beginDue(
  tests: readonly RegionTestRecord[],
  concurrency: number,
  termsOf: (region: string) => Terms,
): readonly RegionTestRecord[] {
  let room = concurrency - tests.filter(hasMachine).length;
  return tests.map((test) => {
    const terms = termsOf(test.name);
    const isDue =
      test.state === "Waiting" && room > 0 && !isBefore(terms.now, test.nextAttemptTime);
    if (!isDue) return test;
    room -= 1;
    return begin(test, terms);
  });
}

/** Applies one look to a region that has a machine, or may have one. */
export function see(given: RegionTestRecord, sight: Sight, terms: Terms): RegionTestRecord {
  const work = omit(given.work, "todo");
  const test = { ...given, work };
  // Invariant 5.
  if (
    ["Creating", "Starting", "Proving"].includes(test.state) &&
    !isBefore(terms.now, test.deadline)
  )
    return judge(
      test,
      inconclusive(
        "DeadlineReached",
        sight.error === undefined
          ? "The machine's deadline was reached."
          : `The machine's deadline was reached. ${sight.error.message}`,
      ),
      terms,
    );
  switch (test.state) {
    case "Creating":
      return seeCreating(test, sight, terms);
    case "Starting":
      return seeStarting(test, sight, terms);
    case "Proving":
      return seeProving(test, sight, terms);
    case "Kept":
      return isLookedAt(test, terms.now) ? seeDeleting(deleting(test), sight, terms) : test;
    case "Deleting":
      return seeDeleting(test, sight, terms);
    case "Waiting":
    case "Gone":
    case "Left":
      return test;
  }
}

function seeCreating(test: RegionTestRecord, sight: Sight, terms: Terms): RegionTestRecord {
  const { work } = test;
  if (sight.error !== undefined)
    return late(work.begunTime, terms)
      ? judge(test, inconclusive(sight.error.code, sight.error.message), terms)
      : test;
  if (sight.machine !== undefined)
    return seeStarting(
      {
        ...test,
        state: "Starting",
        createdTime: test.createdTime ?? terms.now.toISOString(),
      },
      sight,
      terms,
    );
  if (late(test.createdTime ?? work.begunTime, terms)) {
    const { code, message } = (work.delays > 0 && test.createdTime === undefined
      ? test.reason
      : undefined) ?? {
      code: "MachineNotShown",
      message: "Azure has not shown the machine.",
    };
    return judge(test, inconclusive(code, message), terms);
  }
  // Invariant 1.
  if (work.answered === true || mayBeUnderWay(work, terms) || isBefore(terms.now, work.notBefore))
    return test;
  if (work.sends >= MOST_SENDS)
    return judge(
      test,
      inconclusive(
        "ResourceManagerUnavailable",
        "Azure Resource Manager did not answer the creation of the machine.",
      ),
      terms,
    );
  return {
    ...test,
    work: {
      ...work,
      todo: "create",
      sentTime: terms.now.toISOString(),
      sends: work.sends + 1,
    },
  };
}

/** Whether a PUT without an answer may still reach Azure. Invariants 1 and 4. */
function mayBeUnderWay({ sentTime, answered }: RegionTestWork, { now, pace }: Terms): boolean {
  return (
    sentTime !== undefined &&
    answered !== true &&
    now.getTime() - Date.parse(sentTime) < 2 * pace.putTimeoutMs
  );
}

function seeStarting(test: RegionTestRecord, sight: Sight, terms: Terms): RegionTestRecord {
  const isLate = late(test.createdTime, terms);
  if (sight.error !== undefined)
    return isLate ? judge(test, inconclusive(sight.error.code, sight.error.message), terms) : test;
  if (sight.machine === undefined) return missing(test, terms);
  const { machine } = sight;
  const seen = shown(test, machine);
  if (machine.provisioningState === "Failed")
    return judge(
      seen,
      machine.failure === undefined
        ? inconclusive("ProvisioningFailed", "Azure says no more.")
        : verdictOn(machine.failure),
      terms,
    );
  if (machine.provisioningState === "Deleting")
    return judge(
      seen,
      inconclusive("MachineDeleted", "The machine was deleted outside Sigil."),
      terms,
    );
  if (machine.provisioningState === "Succeeded" && machine.isRunning)
    return seeProving(
      { ...seen, state: "Proving", startedTime: terms.now.toISOString() },
      sight,
      terms,
    );
  if (!isLate) return seen;
  const { startMinutes } = terms.profile;
  // A machine that its host runs has had its time. If Azure never ran it, that says nothing about
  // the image.
  return judge(
    seen,
    machine.isRunning
      ? failed(
          "StartTimedOut",
          `The machine runs, but its system was not provisioned within ${startMinutes} minutes.`,
        )
      : inconclusive(
          "NotRunning",
          `Azure did not start the machine within ${startMinutes} minutes: it is ${machine.provisioningState}.`,
        ),
    terms,
  );
}

function seeProving(test: RegionTestRecord, sight: Sight, terms: Terms): RegionTestRecord {
  const { proofMinutes } = terms.profile;
  const isLate =
    test.startedTime !== undefined &&
    terms.now.getTime() - Date.parse(test.startedTime) >= proofMinutes * MINUTE_MS;
  if (sight.error !== undefined)
    return isLate ? judge(test, inconclusive(sight.error.code, sight.error.message), terms) : test;
  if (sight.machine === undefined) return missing(test, terms);
  const seen = withOutput(shown(test, sight.machine), sight.proof);
  switch (sight.proof?.kind) {
    case "proven":
      return seeProven(seen, sight.disks, terms);
    case "refuted":
      return judge(seen, failed(sight.proof.code, sight.proof.message), terms);
    case "notBegun":
      return isLate
        ? judge(
            seen,
            inconclusive(
              "ProofNotBegun",
              `The script did not start within ${proofMinutes} minutes.`,
            ),
            terms,
          )
        : { ...seen, work: { ...seen.work, todo: "prove" } };
    case "pending":
    case undefined:
      if (!isLate) return seen;
  }
  if (!sight.machine.isRunning)
    return judge(
      seen,
      inconclusive("MachineStopped", "The machine stopped, or was stopped outside Sigil."),
      terms,
    );
  return judge(
    seen,
    failed(
      "ProofTimedOut",
      `The machine was provisioned, but did not prove its start within ${proofMinutes} minutes: ${awaited(terms)}.`,
    ),
    terms,
  );
}

function awaited({ profile: { proof } }: Terms): string {
  switch (proof.kind) {
    case "agentReady":
      return "its VM agent is not Ready";
    case "serialLog":
      return `its serial log does not contain ${JSON.stringify(proof.text)}`;
    case "runCommand":
      return "its script has not ended";
  }
}

/** Invariant 3. */
function seeProven(
  test: RegionTestRecord,
  disks: ReadonlyMap<number | undefined, TestedDisk> | undefined,
  terms: Terms,
): RegionTestRecord {
  if (disks === undefined) return test;
  const proven = {
    ...test,
    provenTime: test.provenTime ?? terms.now.toISOString(),
    disks: [...disks.values()],
  };
  const mismatches = terms.plan.disks.flatMap(
    (plan) => mismatchOf(plan, disks.get(plan.lun)) ?? [],
  );
  return mismatches.length > 0
    ? judge(proven, failed("DiskEncryptionMismatch", mismatches.join(" ")), terms)
    : deleting(passed(proven));
}

function passed(test: RegionTestRecord): RegionTestRecord {
  return { ...omit(test, "reason"), result: "passed" };
}

/**
 * The machine was seen before, and this look does not show it. It is gone once a later look agrees.
 */
function missing(test: RegionTestRecord, terms: Terms): RegionTestRecord {
  const { missingSince = terms.now.toISOString() } = test.work;
  return terms.now.getTime() - Date.parse(missingSince) >= terms.pace.confirmMs
    ? judge(
        test,
        inconclusive(
          "MachineDeleted",
          "The machine was deleted or moved outside Sigil. In another resource group, Sigil deletes nothing.",
        ),
        terms,
      )
    : { ...test, work: { ...test.work, missingSince } };
}

/** Stores what a look shows of a machine. */
function shown(
  test: RegionTestRecord,
  { id, agentVersion, interfaceIds }: SeenMachine,
): RegionTestRecord {
  return {
    ...test,
    machineId: id,
    ...(agentVersion !== undefined && { agentVersion }),
    work: {
      ...omit(test.work, "missingSince"),
      ...(interfaceIds.length > 0 && { interfaceIds }),
    },
  };
}

function withOutput(test: RegionTestRecord, proof: SeenProof | undefined): RegionTestRecord {
  const output = proof && "output" in proof ? proof.output : undefined;
  return output === undefined || output === "" ? test : { ...test, output: lastOf(output) };
}

/** The last 4 KB, in whole characters. */
function lastOf(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  return bytes.length <= LONGEST_OUTPUT_BYTES
    ? text
    : bytes
        .subarray(bytes.length - LONGEST_OUTPUT_BYTES)
        .toString("utf8")
        .replace(/^\uFFFD+/u, "");
}

/** Ends the attempt with this verdict. Invariant 2. */
function judge(
  test: RegionTestRecord,
  { result, code, message, mayChange }: Verdict,
  { profile, now }: Terms,
): RegionTestRecord {
  const judged = { ...test, reason: { code, message } };
  if (mayChange && test.attempts < test.attemptsAllowed) return deleting(judged, true);
  return result === "failed" && profile.keepFailedMinutes > 0
    ? {
        ...judged,
        result,
        state: "Kept",
        nextAttemptTime: later(now, profile.keepFailedMinutes * MINUTE_MS),
      }
    : deleting({ ...judged, result });
}

function deleting(test: RegionTestRecord, again = false): RegionTestRecord {
  return {
    ...omit(test, "nextAttemptTime"),
    state: "Deleting",
    work: { ...omit(test.work, "again"), ...(again && { again: true as const }) },
  };
}

/** Ends the region without a machine, for a reason that a person must fix. */
export function hindered(test: RegionTestRecord, reason: Refusal): RegionTestRecord {
  return gone({ ...test, result: "inconclusive", reason });
}

/** Cancels the region: deletes what may exist, and creates nothing more. */
export function abandon(test: RegionTestRecord): RegionTestRecord {
  const work = omit(test.work, "todo");
  if (isOver(test)) return test;
  return test.state === "Waiting" ? gone({ ...test, work }) : deleting({ ...test, work });
}

function gone(test: RegionTestRecord, deletedTime?: string): RegionTestRecord {
  return {
    ...omit(test, "nextAttemptTime"),
    state: "Gone",
    ...(deletedTime !== undefined && { deletedTime }),
  };
}

function seeDeleting(test: RegionTestRecord, sight: Sight, terms: Terms): RegionTestRecord {
  const { now, pace } = terms;
  const { work } = test;
  const left = whatIsLeft(test, sight);
  // Invariant 5.
  if (
    left.length > 0 &&
    test.deadline !== undefined &&
    now.getTime() - Date.parse(test.deadline) >= LEFT_AFTER_MS
  )
    return {
      ...test,
      result: test.result ?? "inconclusive",
      state: "Left",
      left,
    };
  if (sight.error !== undefined) return test;
  if (sight.machine !== undefined) {
    const seen = shown(test, sight.machine);
    return sight.machine.provisioningState === "Deleting" && work.deletions > 0
      ? seen
      : withDeletion(seen, "delete", terms);
  }
  // Invariant 4.
  if (mayBeUnderWay(work, terms)) return test;
  if (work.deletions === 0) return withDeletion(test, "delete", terms);
  if (left.length > 0)
    // By then Azure has deleted what goes with the machine.
    return isBefore(now, later(work.deletionTime, 2 * pace.putTimeoutMs))
      ? test
      : withDeletion(test, "deleteParts", terms, left);
  return work.again === true
    ? {
        ...gone(test),
        state: "Waiting",
        nextAttemptTime: later(now, NEXT_ATTEMPT_MS * 2 ** (test.attempts - 1)),
      }
    : gone(test, now.toISOString());
}

/** What exists, as far as Sigil knows. If nothing could be read, the machine may exist. */
function whatIsLeft(test: RegionTestRecord, sight: Sight): readonly string[] {
  const machine = test.machineId === undefined ? [] : [test.machineId];
  if (sight.error !== undefined) return machine;
  if (sight.machine !== undefined) return [sight.machine.id];
  if (sight.left !== undefined && sight.left.length > 0) return sight.left;
  return test.work.deletions === 0 ? machine : [];
}

/** Repeats a deletion only when the last one can have taken effect; each wait is twice as long. */
function withDeletion(
  test: RegionTestRecord,
  todo: "delete" | "deleteParts",
  { now, pace }: Terms,
  parts?: readonly string[],
): RegionTestRecord {
  const { deletionTime, deletionsSent } = test.work;
  const waitMs = Math.min(
    LONGEST_DELETION_WAIT_MS,
    pace.putTimeoutMs * 2 ** Math.min(deletionsSent, 10),
  );
  if (isBefore(now, later(deletionTime, waitMs))) return test;
  return {
    ...test,
    work: {
      ...test.work,
      todo,
      ...(parts && { parts }),
      deletionTime: now.toISOString(),
      deletionsSent: deletionsSent + 1,
    },
  };
}

/** Applies Azure's answer to the requested call. */
export function answer(test: RegionTestRecord, answered: Answer, terms: Terms): RegionTestRecord {
  const { todo, ...work } = test.work;
  const done = { ...test, work };
  switch (todo) {
    case "create":
      return created(done, answered, terms);
    case "prove":
      return answered.kind === "refused" ? judge(done, verdictOn(answered), terms) : done;
    case "delete":
      return answered.kind === "done"
        ? { ...done, work: { ...work, deletions: work.deletions + 1 } }
        : done;
    default:
      return done;
  }
}

function created(test: RegionTestRecord, answered: Answer, terms: Terms): RegionTestRecord {
  const { now } = terms;
  const unsent = omit(test.work, "sentTime");
  switch (answered.kind) {
    case "done":
      return {
        ...test,
        createdTime: now.toISOString(),
        work: { ...test.work, answered: true },
      };
    case "refused":
      return judge({ ...test, work: unsent }, verdictOn(answered), terms);
    case "delayed":
      return test.work.delays + 1 >= MOST_DELAYS
        ? judge({ ...test, work: unsent }, inconclusive(answered.code, answered.message), terms)
        : {
            ...test,
            reason: { code: answered.code, message: answered.message },
            work: {
              ...unsent,
              sends: unsent.sends - 1,
              delays: unsent.delays + 1,
              notBefore: later(now, answered.retryAfterMs),
            },
          };
    case "unknown":
      return test;
  }
}

/** Whether a start has taken longer than it may, counted from then. */
function late(since: string | undefined, { now, profile }: Terms): boolean {
  return (
    since !== undefined && now.getTime() - Date.parse(since) >= profile.startMinutes * MINUTE_MS
  );
}

function isBefore(now: Date, time: string | undefined): boolean {
  return time !== undefined && now.getTime() < Date.parse(time);
}

function later(time: Date | string, ms: number): string;
function later(time: Date | string | undefined, ms: number): string | undefined;
function later(time: Date | string | undefined, ms: number): string | undefined {
  return time === undefined ? undefined : new Date(new Date(time).getTime() + ms).toISOString();
}
