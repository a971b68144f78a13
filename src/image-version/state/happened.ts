/** The result of a decision: the new record, and what happened, in order. telling/ writes it to operations and events. Pure. */
import type { Finding } from "../../errors.js";
import type { OperationFailure, RegionRecord, Requester } from "../../operation/records.js";
import type { Unmet } from "../properties/patch.js";
import type { Look, SoftDeleteRecord } from "../resources.js";
import type { Ending, ImageVersionRecord, VersionRequest } from "./record.js";

/** An operation at its end. */
interface Ended {
  readonly id: string;
  /** Its regions at the end. */
  readonly regions: readonly RegionRecord[];
  /** Regions that a repair removed and Azure does not accept again. */
  readonly lost: readonly string[];
}

/** The end of one operation, whether or not others are open. */
export type End = Ended &
  (
    | { readonly kind: "succeeded"; readonly failed: readonly string[] }
    | ({ readonly kind: "failed" } & OperationFailure)
    | {
        readonly kind: "replicationFailed";
        readonly reason: Pick<OperationFailure, "code" | "message"> | undefined;
        readonly request: Pick<VersionRequest, "body" | "capture" | "sent">;
      }
    | {
        readonly kind: "canceled";
        readonly by: Requester;
        readonly consequence?: string | undefined;
      }
  );

/** A variant for each of these kinds, with its data. */
type Is<Kind, Known> = Kind extends string ? { readonly kind: Kind } & Readonly<Known> : never;

/** A variant for the operations in `ids`; empty: all operations. */
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
  /** `publishedDate`: of the version that others created under this number since then. */
  | Is<"deletedOutside", { publishedDate: string | undefined }>
  /** `latestKept`: where canceled creations stay the latest; replaces earlier findings about that. */
  | OfThese<"found" | "latestKept", { findings: readonly Finding[] }>
  /** The end is decided; cleanup comes first. */
  | OfThese<"endsLater", { ending: Ending; message: string }>
  /** Azure refused several together; each is now tried separately. */
  | OfThese<"splitUp", { message: string }>
  /** What Azure says that a version about to be created is made of. */
  | Is<"createdFrom", { parents: readonly string[] }>
  /** The first confirmed look at a version that Sigil knows parents of. */
  | Is<"begun", object>
  | OfThese<"creating" | "writeAccepted">
  | OfThese<"updating", Updating & { updates: number }>
  | OfThese<"deleting" | "restoring", { isOneOfSeveral: boolean }>
  | Is<"followed", object>
  | OfThese<"restored", { byOthers: boolean }>
  | OfThese<"deleted", { message: string; softDelete: SoftDeleteRecord | undefined }>;

/** Regions that an update removes to repair them, and regions that it adds back. */
export interface Updating {
  readonly removed: readonly string[];
  readonly back: readonly string[];
}

export interface Outcome {
  readonly record: ImageVersionRecord;
  readonly happened: readonly Happened[];
  /** Time until the next step; absent: as already planned. */
  readonly waitMs?: number;
  /** What it waits for. */
  readonly waits?: string;
  /** There was progress, so the wait counter starts again. */
  readonly resumes?: boolean;
}

type Decide = (before: ImageVersionRecord) => Outcome;

export function nothing(record: ImageVersionRecord): Outcome {
  return { record, happened: [] };
}

/** Runs the decisions in order. */
export function inTurn(record: ImageVersionRecord, ...decisions: readonly Decide[]): Outcome {
  return decisions.reduce<Outcome>((before, decide) => {
    const after = decide(before.record);
    return { ...before, ...after, happened: [...before.happened, ...after.happened] };
  }, nothing(record));
}

/** Runs the decision for each item in order. */
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
