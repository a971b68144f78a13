/** What a decision makes of a version: the record after it, and what has happened, in order. Telling it is the work of telling/. Pure. */
import type { Finding } from "../../errors.js";
import type {
  OperationFailure,
  RegionRecord,
  Requester,
  SoftDeleteRecord,
} from "../../operation/records.js";
import type { Unmet } from "../properties/patch.js";
import type { Look } from "../resources.js";
import type { DecidedEnd, ImageVersionRecord, VersionRequest } from "./record.js";

/** An operation, and how it ends. */
interface Ended {
  readonly id: string;
  /** Its regions as they are then. */
  readonly regions: readonly RegionRecord[];
  /** Regions that a repair has removed and Azure does not take back. */
  readonly lost: readonly string[];
}

/** How an operation ends beside others, or as the last one. */
export type End = Ended &
  (
    | { readonly kind: "succeeded"; readonly failed: readonly string[] }
    | ({ readonly kind: "failed" } & OperationFailure)
    | {
        readonly kind: "replicationFailed";
        readonly reason: Pick<OperationFailure, "code" | "message"> | undefined;
        readonly body: VersionRequest["body"];
      }
    | {
        readonly kind: "canceled";
        readonly by: Requester;
        readonly consequence?: string | undefined;
      }
  );

/** Each of these kinds, with what is known of it. */
type Is<Kind, Known> = Kind extends string ? { readonly kind: Kind } & Readonly<Known> : never;

/** What happens to these operations; none are named: to all. */
type OfThese<Kind, Known = object> = Is<Kind, Known & { readonly ids: readonly string[] }>;

export type Happened =
  | End
  | Is<
      "regionCompleted" | "regionReplicating" | "regionStalled" | "regionResumed" | "regionFailed",
      { region: RegionRecord }
    >
  | Is<"regionNotAddedBack", { region: string }>
  | OfThese<"regionRemoved", { region: string }>
  | Is<"regionRepairing", { region: string; updates: number }>
  | Is<"promoted" | "demoted", { updates: number; lookTime: string }>
  | Is<"changedOutside", { changes: readonly Unmet[]; look: Look }>
  /** `publishedDate` is of the version that others have made under the number since. */
  | Is<"deletedOutside", { publishedDate: string | undefined }>
  /** Of `latestKept`, where canceled creations stay the latest: it replaces what was found of that before. */
  | OfThese<"found" | "latestKept", { findings: readonly Finding[] }>
  /** Its end is decided, and something is put right first. */
  | OfThese<"endsLater", { decided: DecidedEnd; message: string }>
  /** Several were refused together, and each is tried alone. */
  | OfThese<"splitUp", { message: string }>
  | OfThese<"creating" | "writeAccepted">
  | OfThese<"updating", Updating & { updates: number }>
  | OfThese<"deleting" | "restoring", { isOneOfSeveral: boolean }>
  | Is<"followed", object>
  | OfThese<"restored", { byOthers: boolean }>
  | OfThese<"deleted", { message: string; softDelete: SoftDeleteRecord | undefined }>;

/** The regions that an update removes for their repair, and those that it adds back. */
export interface Updating {
  readonly away: readonly string[];
  readonly back: readonly string[];
}

export interface Outcome {
  readonly record: ImageVersionRecord;
  readonly happened: readonly Happened[];
  /** Until the next step; absent: it comes as it was planned. */
  readonly waitMs?: number;
  /** What is waited for until then. */
  readonly waits?: string;
  /** It gets on: it has not waited in vain. */
  readonly resumes?: boolean;
}

type Decide = (before: ImageVersionRecord) => Outcome;

export function nothing(record: ImageVersionRecord): Outcome {
  return { record, happened: [] };
}

/** One decision after the other. */
export function inTurn(record: ImageVersionRecord, ...decisions: readonly Decide[]): Outcome {
  return decisions.reduce<Outcome>((before, decide) => {
    const after = decide(before.record);
    return { ...before, ...after, happened: [...before.happened, ...after.happened] };
  }, nothing(record));
}

/** One decision of each, one after the other. */
export function forEach<T>(
  record: ImageVersionRecord,
  all: readonly T[],
  decide: (before: ImageVersionRecord, one: T) => Outcome,
): Outcome {
  return inTurn(
    record,
    ...all.map(
      (one): Decide =>
        (before) =>
          decide(before, one),
    ),
  );
}
