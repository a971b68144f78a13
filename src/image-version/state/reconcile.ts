/**
 * The one function that decides. Pure: what is asked, what was sent last and what Azure shows now give what to do next.
 * Every step of every operation calls it with a look of that very step. Invariants:
 *  1. Nothing is written while ARM works on the version, nor because of a look that may be older than the last write, or
 *     than a change by others that was seen.
 *  2. A version is created only where it is asked for by a PUT and Azure does not have it.
 *  3. What was written and is not shown is written again at most twice; what cannot be written again (a key, what never
 *     changes) ends the operation. Both only after two looks at rest, two minutes apart or more.
 *  4. A region is taken away for repair only if this look shows it Failed, and added back before anything else is done.
 *  5. The permission to remove regions is taken back before an operation ends.
 *  6. Nothing is written, or called done, for one who has sent the ETag of a version that Azure does not show when the first
 *     look comes that cannot be older: what Sigil says is so was seen no earlier than what was asked.
 */
import type { Finding } from "../../errors.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  patched,
  updateBody,
  withExclusion,
  type Body,
} from "../properties/body.js";
import { differs } from "../properties/changes.js";
import {
  fieldsOf,
  pointerTo,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  type Fields,
} from "../properties/fields.js";
import {
  impossibleAmong,
  unmetBy,
  type Patch,
  type Unmet,
} from "../properties/patch.js";
import { ALLOW_DELETION, EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { isOld, isUncertain, mayHaveFailedBefore } from "./attempts.js";
import { HAVE_IT_AGAIN } from "./deleting.js";
import { includedBefore, includedInWords } from "./guarding.js";
import { batchOf, sentLast, type ImageVersionRecord } from "./record.js";
import {
  flagsUntilTheirTurn,
  isDecidedByHand,
  isToBePromoted,
  mayRemoveRegions,
  presentRule,
  wantedBy,
} from "./wanted.js";
import { exclusionIn, FLAGS_BY_RULE, wavesOf } from "./waves.js";
import { hasFailed, isBusy, type Look } from "../resources.js";

/** Consecutive 404s of a version that ARM had accepted or shown, after which it is taken for gone. */
const NOT_FOUND_BEFORE_GONE = 10;

/** How often what ARM had accepted and does not show is written again. */
const MOST_REWRITES = 2;

const TIMES = ["once", "twice"];

const BUSY = "Azure Resource Manager is working on the version.";

export type Decision =
  /** Send a PUT: where there is nothing yet, or of the whole version as it shall be. */
  | {
      readonly kind: "put";
      readonly body: ImageVersionRequest;
      readonly creates: boolean;
      /** What it changes of what Azure shows: by this a look recognises it. */
      readonly changes: Patch;
      readonly removesRegions: boolean;
      /** Regions that are taken away, to be added back, with what they were. */
      readonly takesAway: Readonly<Record<string, Patch>>;
      readonly addsBack: readonly string[];
      readonly promotes: boolean;
      readonly rewrites: boolean;
      /** Azure shows all that is asked: what is left is Sigil's own to do. */
      readonly isMet: boolean;
    }
  /** Nothing can be decided, or ARM is at work. */
  | { readonly kind: "wait"; readonly why: string; readonly doubt?: string }
  /** Azure shows all that is asked: the regions decide. */
  | { readonly kind: "applied" }
  /** The batch cannot be brought about. */
  | { readonly kind: "failed"; readonly failure: OperationFailure };

export function reconcile(
  record: ImageVersionRecord,
  look: Look | undefined,
  context: TransitionContext,
): Decision {
  if (look === undefined) return whereAbsent(record, context);
  if (isBusy(look)) return { kind: "wait", why: BUSY }; // Invariant 1.
  if (isOld(record, look, context))
    return {
      kind: "wait",
      why: "Azure Resource Manager does not show the last write yet.",
    };
  // A write by this look would undo what others have done.
  if (record.outsideTold?.some(({ returnedTime }) => returnedTime))
    return {
      kind: "wait",
      why: "Azure Resource Manager shows again what others had changed: the next polls tell whether they have taken it back.",
    };
  const fields = fieldsOf(look.resource);
  const undone = unmetBy(fields, presumedBy(record));
  if (undone.length > 0)
    return { kind: "failed", failure: changedSinceRead(undone, record) }; // Invariant 6.
  const unmet = [
    ...unmetBy(fields, ofRegionsThere(record, fields), includedInWords(record)),
    ...promotedInVain(record, fields),
  ];
  if (unmet.length > 0) return whereUnmet(record, look, unmet, context);
  const decision = whereMet(record, look, fields, context);
  const open = { ...wantedBy(record), ...removedInVain(record) };
  if (!isUncertain(record, look, open, context)) return decision;
  return decision.kind === "applied"
    ? {
        kind: "wait",
        why: "An update that was sent before had no answer: the next polls tell whether Azure has carried it out.",
      }
    : decision.kind === "put"
      ? { ...decision, isMet: false }
      : decision;
}

/**
 * What is wanted, but for what is said of a region that others have removed meanwhile to leave the version as it was, or to include or
 * exclude it by hand or by a rule, or to exclude it with the whole version.
 */
function ofRegionsThere(record: ImageVersionRecord, shown: Fields): Patch {
  const asked = batchOf(record).flatMap(
    ([, { byHand, decided, changes, repeats }]) =>
      byHand === true || decided !== undefined ? [] : [changes, repeats],
  );
  return Object.fromEntries(
    Object.entries(wantedBy(record)).filter(([field]) => {
      const region = regionOf(field);
      return (
        region === undefined ||
        !isGone(region, record, shown) ||
        asked.some(
          (patch) =>
            field in patch &&
            !(
              patch[EXCLUDE_FROM_LATEST] === true &&
              field === exclusionIn(region) &&
              patch[field] === true
            ),
        )
      );
    }),
  );
}

/** Flags of a promotion that is not sent yet, where it would include the version in none of the regions that it was asked for. */
function promotedInVain(
  record: ImageVersionRecord,
  shown: Fields,
): readonly Unmet[] {
  return batchOf(record).flatMap(([, { byHand, decided, sent, changes }]) => {
    const flags = Object.keys(changes).filter(
      (field) => regionOf(field) !== undefined && changes[field] === false,
    );
    return byHand === true &&
      decided === undefined &&
      sent !== true &&
      flags.every((field) => isGone(regionOf(field) ?? "", record, shown))
      ? flags.map((field) => ({ field, before: undefined, after: false }))
      : [];
  });
}

/** Regions whose removal was sent before it was canceled, or for a repair: whether Azure has removed them is told, or seen to. */
function removedInVain(record: ImageVersionRecord): Patch {
  const away = Object.entries(record.repairs).flatMap(([name, { removed }]) =>
    removed === undefined ? [] : [name],
  );
  return Object.fromEntries(
    [
      ...batchOf(record).flatMap(([, { removing = [] }]) => removing),
      ...away,
    ].map((name) => [regionField(name), null]),
  );
}

function whereAbsent(
  record: ImageVersionRecord,
  context: TransitionContext,
): Decision {
  const { exists, consecutiveNotFound } = record;
  const sent = sentLast(record);
  const mayCreate = batchOf(record).some(([, { creates }]) => creates === true);
  const sentMs =
    sent === undefined
      ? undefined
      : context.now.getTime() - Date.parse(sent.sentTime);
  // Who may send it again needs to know that the first is not under way; who says that it is not there, that no look is older.
  const unclearMs = mayCreate
    ? context.pace.putTimeoutMs * 2
    : context.pace.staleMs;
  if (!exists && sent?.outcome === "unknown" && (sentMs ?? 0) < unclearMs)
    return {
      kind: "wait",
      why: "The outcome of the create request is unknown.",
    };
  if (!exists && mayCreate) {
    const changes = wantedBy(record);
    return {
      kind: "put",
      body: withDefaults(patched(undefined, changes)),
      creates: true,
      changes,
      removesRegions: false,
      takesAway: {},
      addsBack: [],
      promotes: false,
      rewrites: false,
      isMet: false,
    };
  }
  const wasThere =
    exists ||
    batchOf(record).some(
      ([, { publishedDate }]) => publishedDate !== undefined,
    );
  if (wasThere && consecutiveNotFound < NOT_FOUND_BEFORE_GONE)
    return {
      kind: "wait",
      why: "Azure Resource Manager does not show the version.",
    };
  return {
    kind: "failed",
    failure: {
      code: "ImageVersionGone",
      message: `Azure does not have the version: it was deleted, or never created. ${HAVE_IT_AGAIN}`,
      errors: [],
    },
  };
}

/** What ARM is told in so many words when a version is made. */
export function withDefaults(
  request: ImageVersionRequest,
): ImageVersionRequest {
  const profile = withExclusion(request.properties.publishingProfile);
  return {
    ...request,
    properties: {
      ...request.properties,
      publishingProfile: {
        ...profile,
        targetRegions: (profile.targetRegions ?? []).map((region) => ({
          regionalReplicaCount: profile.replicaCount ?? 1,
          ...region,
        })),
      },
    },
  };
}

function whereUnmet(
  record: ImageVersionRecord,
  look: Look,
  unmet: readonly Unmet[],
  context: TransitionContext,
): Decision {
  const { rewrites } = record;
  const last = sentLast(record);
  // What an operation before has sent is no reason to doubt: it was shown, and is asked otherwise now.
  const own = batchOf(record).some(([id]) => last?.sentFor?.includes(id));
  const isTaken = own && last !== undefined && last.outcome !== "unknown";
  const lost = unmet.filter(
    ({ field, after }) =>
      isTaken &&
      (field in last.changes
        ? // What it asks otherwise by now was not sent before.
          last.changes[field] === after ||
          sameAt(field, last.changes[field], after)
        : // What a promotion found as it asks, others have changed since.
          promotionsIn(record).some(
            ([id, { changes }]) =>
              last.sentFor?.includes(id) === true && field in changes,
          )),
  );
  const impossible = impossibleAmong(unmet);
  const never = unmet.filter(
    (one) =>
      impossible.includes(one) ||
      (lost.includes(one) && isLostForGood(one, look)),
  );
  if (never.length > 0)
    return confirmed(record, "never", context, {
      kind: "failed",
      failure: mismatch(never, record),
    });
  const gone = goneRegions(record, look, unmet);
  if (gone.length > 0)
    return confirmed(record, "gone", context, {
      kind: "failed",
      failure: regionsGone(gone, record),
    });
  if (lost.length === 0) return put(record, look, unmet, false);
  // Invariant 3.
  if (rewrites >= MOST_REWRITES || isTakenBack(lost, record, look))
    return confirmed(record, "ignored", context, {
      kind: "failed",
      failure: overridden(lost, record),
    });
  return confirmed(
    record,
    `unmet/${rewrites}`,
    context,
    put(record, look, unmet, true),
  );
}

/** What such a promotion has sent, and ARM says to have carried out, is not there: whoever has taken it back is not overruled. */
function isTakenBack(
  lost: readonly Unmet[],
  record: ImageVersionRecord,
  { provisioningState }: Look,
): boolean {
  return (
    provisioningState !== "Failed" &&
    promotionsIn(record).some(([, { changes }]) =>
      lost.some(({ field }) => field in changes),
    )
  );
}

/** Of the batch, promotions by a rule, and of waves by anybody. */
function promotionsIn(record: ImageVersionRecord): ReturnType<typeof batchOf> {
  const inWaves = wavesOf(presentRule(record)) !== undefined;
  return batchOf(record).filter(
    ([, request]) =>
      request.byRule !== undefined ||
      (inWaves &&
        isDecidedByHand(request) &&
        request.changes[EXCLUDE_FROM_LATEST] === false),
  );
}

/** Regions of which a request changes something, and that others have removed since: it does not say all that they had. */
function goneRegions(
  record: ImageVersionRecord,
  look: Look,
  unmet: readonly Unmet[],
): readonly string[] {
  const shown = fieldsOf(look.resource);
  return [
    ...new Set(unmet.flatMap(({ field }) => regionOf(field) ?? [])),
  ].filter((region) => isGone(region, record, shown));
}

/** Azure does not show the region, and nobody adds it. */
function isGone(
  region: string,
  record: ImageVersionRecord,
  shown: Fields,
): boolean {
  return (
    !regionsIn(shown).includes(region) &&
    !(`${regionField(region)}/name` in wantedBy(record)) &&
    record.repairs[region]?.removed === undefined
  );
}

/** A key of a region that Azure has: what was copied without it is not encrypted with it afterwards. */
function isLostForGood({ field }: Unmet, look: Look): boolean {
  const region = regionOf(field);
  return (
    region !== undefined &&
    field !== regionField(region) &&
    propertyOf(field).mutability !== "mutable" &&
    regionsIn(fieldsOf(look.resource)).includes(region)
  );
}

/** The decision, once a second look has shown the same. */
function confirmed(
  { doubt }: ImageVersionRecord,
  what: string,
  { now, pace }: TransitionContext,
  decision: Decision,
): Decision {
  return doubt?.what === what &&
    now.getTime() - Date.parse(doubt.since) >= pace.confirmMs
    ? decision
    : {
        kind: "wait",
        why: "Azure does not show the version as it was sent: the next poll decides.",
        doubt: what,
      };
}

function put(
  record: ImageVersionRecord,
  look: Look,
  unmet: readonly Unmet[],
  rewrites: boolean,
): Decision {
  const changes: Record<string, unknown> = {};
  const away = awayFrom(record, look);
  for (const [, removed] of away) Object.assign(changes, removed); // Invariant 4.
  for (const { field, after } of unmet) changes[field] = after;
  const addsBack = away.map(([name]) => name);
  return written(record, look, changes, {}, addsBack, false, rewrites, false);
}

/**
 * Regions that were taken away for repair and are not there again, with what they were; but where the wave of one does not have the
 * version any more, it is excluded there until its turn comes.
 */
function awayFrom(
  record: ImageVersionRecord,
  look: Look,
): readonly (readonly [string, Patch])[] {
  const shown = regionsIn(fieldsOf(look.resource));
  const away = Object.entries(record.repairs).flatMap(([name, { removed }]) =>
    removed === undefined || shown.includes(name)
      ? []
      : [[name, removed] as const],
  );
  const waiting = flagsUntilTheirTurn(
    record,
    look.resource,
    Object.assign({}, ...away.map(([, removed]) => removed)) as Patch,
  );
  return away.map(([name, removed]) => {
    const flag = exclusionIn(name);
    return [
      name,
      flag in waiting ? { ...removed, [flag]: waiting[flag] } : removed,
    ] as const;
  });
}

/** What is Sigil's own to do: repairs, the promotion that is due, the permission that is to be taken back. */
function whereMet(
  record: ImageVersionRecord,
  look: Look,
  fields: Fields,
  context: TransitionContext,
): Decision {
  const changes: Record<string, unknown> = {};
  const away = awayFrom(record, look);
  for (const [, removed] of away) Object.assign(changes, removed); // Invariant 4.
  const takesAway: Record<string, Patch> = {};
  if (away.length === 0)
    for (const name of toRepair(record, look, context)) {
      takesAway[name] = regionPatch(fields, name);
      changes[regionField(name)] = null;
    }
  const promotes = !isEnding(record) && isToBePromoted(record, look);
  const last = sentLast(record);
  const isIgnored =
    promotes && last?.overridesRule === true && last.outcome === "accepted";
  // Invariant 3.
  if (isIgnored && record.rewrites >= MOST_REWRITES)
    return confirmed(record, "ignored", context, {
      kind: "failed",
      failure: overridden(
        [{ field: EXCLUDE_FROM_LATEST, before: true, after: false }],
        record,
      ),
    });
  if (promotes) Object.assign(changes, FLAGS_BY_RULE);
  // Invariant 5.
  if (
    record.opened &&
    fields[ALLOW_DELETION] === true &&
    !staysOpen(record, fields)
  )
    changes[ALLOW_DELETION] = false;
  if (Object.keys(changes).length === 0) return { kind: "applied" };
  return written(
    record,
    look,
    changes,
    takesAway,
    away.map(([name]) => name),
    promotes,
    isIgnored,
    true,
  );
}

function written(
  record: ImageVersionRecord,
  look: Look,
  changes: Patch,
  takesAway: Readonly<Record<string, Patch>>,
  addsBack: readonly string[],
  promotes: boolean,
  rewrites: boolean,
  isMet: boolean,
): Decision {
  const fields = fieldsOf(look.resource);
  const wish = staysOpen(record, fields);
  const body: Body = updateBody(
    look.resource,
    changes,
    wish,
    rewrites,
    includedBefore(record),
  );
  // What it has already cannot tell a look before the write from one after it.
  const distinctive = unmetBy(
    fields,
    { ...changes, [ALLOW_DELETION]: body.removesRegions || wish },
    includedInWords(record),
  ).map(({ field, after }) => [field, after] as const);
  return {
    kind: "put",
    body: body.request,
    creates: false,
    changes: Object.fromEntries(distinctive),
    removesRegions: body.removesRegions && !wish,
    takesAway,
    addsBack,
    promotes,
    rewrites,
    isMet,
  };
}

/** Sigil does not shut what a caller has opened; what Sigil itself has opened, it shuts. */
function staysOpen(record: ImageVersionRecord, shown: Fields): boolean {
  const applied = record.opened ? undefined : record.lastApplied;
  return mayRemoveRegions(wantedBy(record), applied, shown);
}

/** What the look shows of a region, so that it can be added back as it was. */
function regionPatch(fields: Fields, region: string): Patch {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => regionOf(name) === region),
  );
}

/** Regions that this look shows Failed, whose time for a repair has come. The version's own location cannot be taken away. */
function toRepair(
  record: ImageVersionRecord,
  look: Look,
  context: TransitionContext,
): readonly string[] {
  if (isEnding(record)) return [];
  const home = look.resource.location;
  return record.regions
    .filter(({ name, state }) => {
      const { dueTime, removed } = record.repairs[name] ?? {};
      // What was sent to take it away is not shown, and no look is as old as that: it is sent again.
      const again =
        removed !== undefined &&
        !isUncertain(record, look, { [regionField(name)]: null }, context);
      return (
        state === "Failed" &&
        name !==
          fieldsOf({ location: home } as ImageVersionRequest)["/location"] &&
        hasFailed(look, name) &&
        !mayHaveFailedBefore(name, record, look, context) &&
        (again ||
          (dueTime !== undefined &&
            Date.parse(dueTime) <= context.now.getTime()))
      );
    })
    .map(({ name }) => name);
}

/** The end of what has begun is decided: nothing new is begun for it. */
export function isEnding({ requests }: ImageVersionRecord): boolean {
  const all = Object.values(requests);
  return all.length > 0 && all.every(({ decided }) => decided !== undefined);
}

function bodyFor(record: ImageVersionRecord): ImageVersionRequest {
  return (
    batchOf(record).find(([, { body }]) => body !== undefined)?.[1].body ??
    ({ properties: {} } as ImageVersionRequest)
  );
}

/** What is not sent yet was asked of a version of which a look has to show that. */
function presumedBy(record: ImageVersionRecord): Patch {
  return Object.assign(
    {},
    ...batchOf(record).map(([, { presumes, sent, decided }]) =>
      sent === true || decided !== undefined ? {} : presumes,
    ),
  ) as Patch;
}

function changedSinceRead(
  undone: readonly Unmet[],
  record: ImageVersionRecord,
): OperationFailure {
  const code = "ChangedOutside";
  const errors = undone.map((one) => differs(one, bodyFor(record), code));
  return {
    code,
    message: `The version was changed after it was read, and Azure showed that only now: nothing was sent. ${errors[0]?.message} GET it, and send the request with its ETag.`,
    errors,
  };
}

function mismatch(
  unmet: readonly Unmet[],
  record: ImageVersionRecord,
): OperationFailure {
  const errors: readonly Finding[] = unmet.map((one) =>
    differs(one, bodyFor(record), "ReadBackMismatch"),
  );
  return {
    code: "ReadBackMismatch",
    message: `The version in Azure differs from the request in ${errors.length} place${errors.length === 1 ? "" : "s"}, and this cannot be corrected. Do not use it: delete it and publish another version. ${errors[0]?.message}`,
    errors,
  };
}

function regionsGone(
  regions: readonly string[],
  record: ImageVersionRecord,
): OperationFailure {
  const code = "ReadBackMismatch";
  const errors = regions.map((region): Finding => ({
    code,
    pointer: pointerTo(bodyFor(record), regionField(region)),
    message: `${region} is no longer in the version: others have removed it since this was asked.`,
  }));
  return {
    code,
    message: `${errors[0]?.message} Send the request again, with all that the region shall have, to add it.`,
    errors,
  };
}

function overridden(
  unmet: readonly Unmet[],
  record: ImageVersionRecord,
): OperationFailure {
  const removal = unmet.every(({ after }) => after === null);
  const code = removal ? "RemovalIgnored" : "OverriddenByAzure";
  const errors = unmet.map((one) => differs(one, bodyFor(record), code));
  return {
    code,
    message: `${removal ? "Azure keeps what was to be removed" : "Azure, a policy or somebody else changes back what was requested"}, although it was sent ${TIMES[record.rewrites] ?? `${record.rewrites + 1} times`}. ${errors[0]?.message}`,
    errors,
  };
}
