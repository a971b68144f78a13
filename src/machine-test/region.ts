/**
 * The test of one region, pure: what a look, or Azure's answer to a call, makes of it. Invariants:
 *  1. A machine is asked for only where the very look that is stored with it shows none, and where no earlier PUT of it can
 *     still be under way.
 *  2. Once there is a result nothing changes it. An attempt that is inconclusive, or may change, is followed by another as
 *     long as there are attempts left.
 *  3. It is passed only where the start is proven and each disk is encrypted as the version was asked for.
 *  4. Where a machine may ever have been made the region is Gone only when Azure has answered a DELETE of it, no PUT can be
 *     under way, and a look shows neither machine nor disk nor network interface.
 *  5. At its deadline, at the latest, a machine is being deleted; what is still there long after it is Left, and told.
 *  6. At most `concurrency` regions have a machine, or may have one, at the same time.
 */
import type { PollingPolicy } from "../operation/ports.js";
import type { RegionTestRecord, RegionTestWork, TestedDisk } from "../operation/records.js";
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

/** By what a region is tested, and when. */
export interface Terms {
  readonly operationId: string;
  readonly profile: TestProfile;
  readonly plan: MachinePlan;
  readonly now: Date;
  readonly pace: Pick<PollingPolicy, "putTimeoutMs" | "confirmMs">;
}

/** How far the proof is. */
export type SeenProof =
  | { readonly kind: "notBegun" }
  | { readonly kind: "pending"; readonly output?: string }
  | { readonly kind: "proven"; readonly output?: string }
  | ({ readonly kind: "refuted"; readonly output?: string } & Refusal);

/** One look at a region. What was not looked for is absent; with an error nothing was learnt. */
export type Sight =
  | { readonly error: Refusal }
  | {
      readonly error?: never;
      readonly machine?: SeenMachine;
      readonly proof?: SeenProof;
      /** By LUN, where the start is proven. */
      readonly disks?: ReadonlyMap<number | undefined, TestedDisk>;
      /** Ids of disks and interfaces that are there without their machine. */
      readonly left?: readonly string[];
    };

/** Azure's answer to what was asked of it for a region. */
export type Answer =
  | { readonly kind: "done" }
  | ({ readonly kind: "refused" } & Refusal)
  /** It was not done, and may be later. */
  | ({ readonly kind: "delayed"; readonly retryAfterMs: number } & Refusal)
  /** It may have been done. */
  | { readonly kind: "unknown" };

const MINUTE_MS = 60_000;
/** Machines of a region, one after the other, at most. */
export const ATTEMPTS = 3;
const NEXT_ATTEMPT_MS = 5 * MINUTE_MS;
/** PUTs without an answer, and PUTs that Azure put off, of one attempt. */
const MOST_SENDS = 3;
const MOST_DELAYS = 20;
/** Between the profile's limits and the deadline: for polls, and for what Azure puts off. */
const SLACK_MS = 30 * MINUTE_MS;
/** After its deadline a machine is told to be Left. */
export const LEFT_AFTER_MS = 60 * MINUTE_MS;
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

/** Nothing is left to be done for it. */
export function isOver({ state }: Pick<RegionTestRecord, "state">): boolean {
  return state === "Gone" || state === "Left";
}

/** A machine of it is there, or may be. */
export function hasMachine({ state }: Pick<RegionTestRecord, "state">): boolean {
  return !["Waiting", "Gone", "Left"].includes(state);
}

/** The next step looks at it: its machine is there, or may be, and is not to be left alone. */
export function isLookedAt(test: RegionTestRecord, now: Date): boolean {
  return (
    hasMachine(test) &&
    (test.state !== "Kept" || !isBefore(now, test.nextAttemptTime) || !isBefore(now, test.deadline))
  );
}

/** Where the machine of the present attempt is, or would be. */
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

/** How long a machine is there, at the most, before it is deleted. */
export function longestMs({ startMinutes, proofMinutes, keepFailedMinutes }: TestProfile): number {
  return (startMinutes + proofMinutes + keepFailedMinutes) * MINUTE_MS + SLACK_MS;
}

/** An attempt begins. */
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

/** Invariant 6: what waits begins in turn, as long as there is room and its time has come. */
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

/** One look at a region that has a machine, or may have one. */
export function see(given: RegionTestRecord, sight: Sight, terms: Terms): RegionTestRecord {
  const { todo: _, ...work } = given.work;
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

/** Invariants 1 and 4: a PUT that has no answer yet, and may come to Azure still. */
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
  // What its host runs has had its time; what Azure has not come to run says nothing of the image.
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

function passed({ reason: _, ...test }: RegionTestRecord): RegionTestRecord {
  return { ...test, result: "passed" };
}

/** The machine was seen, and is not shown: once a later look says the same, it is gone. */
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

/** What a look at a machine tells of it. */
function shown(
  { work: { missingSince: _, ...work }, ...test }: RegionTestRecord,
  { id, agentVersion, interfaceIds }: SeenMachine,
): RegionTestRecord {
  return {
    ...test,
    machineId: id,
    ...(agentVersion !== undefined && { agentVersion }),
    work: { ...work, ...(interfaceIds.length > 0 && { interfaceIds }) },
  };
}

function withOutput(test: RegionTestRecord, proof: SeenProof | undefined): RegionTestRecord {
  const output = proof && "output" in proof ? proof.output : undefined;
  return output === undefined || output === "" ? test : { ...test, output: lastOf(output) };
}

/** The last 4 KB: as many whole characters. */
function lastOf(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  return bytes.length <= LONGEST_OUTPUT_BYTES
    ? text
    : bytes
        .subarray(bytes.length - LONGEST_OUTPUT_BYTES)
        .toString("utf8")
        .replace(/^\uFFFD+/u, "");
}

/** Invariant 2: the attempt has come to this. */
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

function deleting(
  { nextAttemptTime: _, work: { again: __, ...work }, ...test }: RegionTestRecord,
  again = false,
): RegionTestRecord {
  return {
    ...test,
    state: "Deleting",
    work: { ...work, ...(again && { again: true as const }) },
  };
}

/** No machine is made for it, for this reason, which a person has to mend. */
export function hindered(test: RegionTestRecord, reason: Refusal): RegionTestRecord {
  return gone({ ...test, result: "inconclusive", reason });
}

/** It is canceled: what may be there is deleted, and nothing further is made. */
export function abandon(test: RegionTestRecord): RegionTestRecord {
  const { todo: _, ...work } = test.work;
  if (isOver(test)) return test;
  return test.state === "Waiting" ? gone({ ...test, work }) : deleting({ ...test, work });
}

function gone(
  { nextAttemptTime: _, ...test }: RegionTestRecord,
  deletedTime?: string,
): RegionTestRecord {
  return {
    ...test,
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
    // What goes with the machine has gone by then.
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

/** What is there, as far as it is known; where nothing could be seen, the machine may be. */
function whatIsLeft(test: RegionTestRecord, sight: Sight): readonly string[] {
  const machine = test.machineId === undefined ? [] : [test.machineId];
  if (sight.error !== undefined) return machine;
  if (sight.machine !== undefined) return [sight.machine.id];
  if (sight.left !== undefined && sight.left.length > 0) return sight.left;
  return test.work.deletions === 0 ? machine : [];
}

/** Sent again no sooner than the last can have had its effect; each time twice as long. */
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

/** Azure has answered what was to be done. */
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
  const { sentTime: _, ...unsent } = test.work;
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

/** Longer than a start may take, since then. */
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
