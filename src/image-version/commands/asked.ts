/**
 * What a request asks of the version that Azure shows: its changes, and what it merely repeats. Pure. The same for a plan as
 * for a PUT or PATCH.
 */
import type { ImageVersionRequest } from "../contract.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  fieldsOf,
  nameIn,
  ownOf,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  type Fields,
} from "../properties/fields.js";
import {
  askedBy,
  askedOfSeen,
  statedBy,
  statedIn,
  takenAway,
  withApplied,
  withRuleAlone,
  type Asked,
  type Conflict,
  type Patch,
} from "../properties/patch.js";
import { DRIFT, EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import { isExcluded, type Look } from "../resources.js";
import { shownOf } from "../queries/shown.js";
import { isMadeByOthers, unsettled } from "../state/adoption.js";
import { settingAnew } from "../state/correcting.js";
import { ruleHolding } from "../state/held.js";
import { isFinal } from "../state/states.js";
import type { ImageVersionRecord } from "../state/record.js";
import {
  openRequests,
  regionsToGo,
  ruleOf,
  ruleToBe,
} from "../state/wanted.js";
import {
  exclusionIn,
  flagsByHand,
  flagsOfNext,
  wavesOf,
} from "../state/waves.js";
import { namesOne, type ChangeCommand, type Glance } from "./command.js";

export interface Asking {
  readonly command: Pick<ChangeCommand, "ifMatch" | "pasted">;
  /** Canonical. */
  readonly body: ImageVersionRequest;
  readonly removeRegions: readonly string[];
  /** The merge patch that was sent, where one was. */
  readonly patch?: unknown;
  readonly glance: Glance;
  /**
   * What Azure may have instead of what the glance shows: a look shows it which may be older, or newer, as others may have taken
   * back what was done last.
   */
  readonly otherwise?: Fields;
  /** As that was applied before which this glance is the first to show of a canceled operation that is not over. */
  readonly unsettled?: Patch;
}

/** Only what differs from what Azure shows is asked: that was read, as a patch or an ETag says. */
export function asksOnlyChanges({
  patch,
  command: { ifMatch },
}: Pick<Asking, "patch" | "command">): boolean {
  return patch !== undefined || namesOne(ifMatch);
}

/**
 * What a request asks, where so much is applied. What it says of that which may have been applied since it does not merely
 * repeat, whichever way that was.
 */
export function askedOf(
  request: Asking,
  record: ImageVersionRecord | undefined,
  applied: Fields | undefined,
): Asked {
  const perhaps =
    record && applied && unsaid(record, request.glance.look, request);
  const { body, removeRegions, glance: seen, command } = request;
  const { otherwise } = request;
  const shownNow = seen.look && fieldsOf(seen.look.resource);
  const onlyChanges = asksOnlyChanges(request);
  const fields = onlyChanges
    ? fieldsOf(body)
    : statedIn(fieldsOf(body), shownNow);
  if (onlyChanges && seen.look !== undefined) {
    const shown = { ...fieldsOf(seen.look.resource), ...ownOf(applied) };
    const { changes, repeats } = askedOfSeen(shown, fields, removeRegions);
    // The rule that it repeats is in force already.
    const { [PROMOTION]: rule, ...stated } = statedBy(
      request.patch ?? {},
      fields,
    );
    const everywhere = everywhereBy(stated[EXCLUDE_FROM_LATEST], request, {
      look: seen.look,
      record,
      applied,
      rule,
    });
    const again = {
      // Who sends an ETag has seen what is shown: only what differs from that is asked.
      ...(otherwise &&
        !namesOne(command.ifMatch) &&
        unrestated(undoes(request, otherwise))),
      ...(perhaps && undoes(request, withApplied(shown, perhaps))),
    };
    const held =
      request.patch === undefined &&
      fields[PROMOTION] !== undefined &&
      record !== undefined &&
      ruleHolding(record, seen.look) !== undefined;
    const removed =
      request.patch === undefined
        ? {}
        : takenAway(fieldsOf(canonicalForm(seen.look.resource)), fields);
    return {
      changes: withRuleAlone(
        {
          ...newsIn(request, fields, record, applied),
          ...saidToStay(request, fields, applied),
          ...again,
          ...changes,
          ...stated,
          ...everywhere,
          ...removed,
        },
        rule ?? (held ? fields[PROMOTION] : undefined),
      ),
      repeats,
    };
  }
  const adopts =
    applied === undefined &&
    (command.ifMatch === "*" || isBeingAdopted(record, seen.look));
  const said = adopts
    ? withoutInclusion(fields)
    : command.pasted !== true && isBesideRule(fields, applied)
      ? withoutExclusion(fields)
      : fields;
  const whole = leftToWaves(said, shownNow);
  const askedWhere = (before: Fields | undefined): Asked =>
    askedBy(
      whole,
      command.pasted === true ? (before ?? shownNow) : before,
      removeRegions,
    );
  const asked = askedWhere(applied);
  if (command.pasted === true && (applied ?? shownNow) === undefined)
    return {
      ...asked,
      changes: { ...leftOut(request, record), ...asked.changes },
    };
  if (applied === undefined) return asked;
  const { changes } = askedWhere(
    withApplied(applied, { ...perhaps, ...request.unsettled }),
  );
  return {
    changes: { ...asked.changes, ...changes },
    repeats: Object.fromEntries(
      Object.entries(asked.repeats).filter(([name]) => !(name in changes)),
    ),
  };
}

/** A version of others that an open request takes over, or is to create. */
function isBeingAdopted(
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
): boolean {
  return (
    record !== undefined &&
    (record.unmanaged === true ||
      (look !== undefined && isMadeByOthers(record, look))) &&
    openRequests(record).some(([, { byHand }]) => byHand !== true)
  );
}

/** Who takes a version of others over includes nothing that they hold back by the false that tools say in every body. */
function withoutInclusion(body: Fields): Fields {
  return Object.fromEntries(
    Object.entries(body).filter(
      ([name, value]) =>
        value !== false || !name.endsWith("/excludeFromLatest"),
    ),
  );
}

/** Of a region that it adds beside waves a body says nothing by false: they say when that is included. */
function leftToWaves(body: Fields, shown: Fields | undefined): Fields {
  if (shown === undefined || wavesOf(ruleOf(body)) === undefined) return body;
  const there = regionsIn(shown);
  const added = regionsIn(body).filter((name) => !there.includes(name));
  return Object.fromEntries(
    Object.entries(body).filter(
      ([name, value]) =>
        value !== false || !added.some((one) => exclusionIn(one) === name),
    ),
  );
}

/** What an edit of a version that Azure does not show yet takes away of what GET has shown. */
function leftOut(
  { body, removeRegions }: Asking,
  record: ImageVersionRecord | undefined,
): Patch {
  const shown = shownOf(undefined, record);
  if (shown === undefined) return {};
  const { changes } = askedBy(fieldsOf(body), fieldsOf(shown), removeRegions);
  return Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value === null),
  );
}

/**
 * What a body repeats of the version whose ETag it sends, and Azure may show otherwise: its condition is not known to be met.
 * What others ask of Sigil meanwhile is no news.
 */
export function presumedBy(
  request: Asking,
  { changes }: Asked,
  others: readonly Asked[],
): Patch {
  const { command, patch, otherwise } = request;
  if (
    otherwise === undefined ||
    patch !== undefined ||
    !namesOne(command.ifMatch)
  )
    return {};
  return Object.fromEntries(
    Object.entries(undoes(request, otherwise)).filter(([name]) =>
      [changes, ...others.map((other) => other.changes)].every(
        (asked) => nameIn(asked, name) === undefined,
      ),
    ),
  );
}

/** With what a patch says in so many words, also where Azure shows that now, and another is about to change it. */
export function withStated(
  { patch, body }: Asking,
  { changes, repeats }: Asked,
): Asked {
  const stated =
    patch === undefined ? {} : statedBy(patch, fieldsOf(body), "lists");
  return { changes: { ...stated, ...changes }, repeats };
}

/** In what it gives way, it asks nothing. */
export function withoutThose(
  { changes, repeats }: Asked,
  yields: readonly Conflict[],
): Asked {
  return {
    changes: Object.fromEntries(
      Object.entries(changes).filter(
        ([name]) => !yields.some(({ field }) => field === name),
      ),
    ),
    repeats,
  };
}

/** What may have been applied since, or was by Sigil itself: what a body says of that is no mere repetition. */
function unsaid(
  record: ImageVersionRecord,
  look: Look | undefined,
  { command: { ifMatch } }: Asking,
): Patch | undefined {
  const perhaps = unsettled(record, look);
  const isHeldBack =
    record.excludedByCancel === true ||
    // It will be, once its cancel is done. Who sends back what was read has not said anything of that.
    (!namesOne(ifMatch) &&
      Object.values(record.requests).some(
        ({ created, decided }) => created === true && decided !== undefined,
      ));
  return isHeldBack ? { ...perhaps, [EXCLUDE_FROM_LATEST]: true } : perhaps;
}

/** What it says of latest beside the rule that was applied held until that has promoted the version, and says nothing more. */
function isBesideRule(fields: Fields, applied: Fields | undefined): boolean {
  const rule = applied?.[PROMOTION];
  return rule != null && sameAt(PROMOTION, rule, fields[PROMOTION]);
}

function withoutExclusion({
  [EXCLUDE_FROM_LATEST]: _,
  ...others
}: Fields): Fields {
  return others;
}

/**
 * What a body that was not read says of latest, as it is shown, and otherwise than was applied: whoever says it again, without
 * having seen the version, repeats that.
 */
function newsIn(
  { patch, command, glance: { look } }: Asking,
  { [EXCLUDE_FROM_LATEST]: says }: Fields,
  record: ImageVersionRecord | undefined,
  applied: Fields | undefined,
): Patch {
  return patch === undefined &&
    command.pasted !== true &&
    typeof says === "boolean" &&
    record !== undefined &&
    isFinal(record.state) &&
    applied !== undefined &&
    look !== undefined &&
    isExcluded(look.resource) === says &&
    !sameAt(EXCLUDE_FROM_LATEST, applied[EXCLUDE_FROM_LATEST], says)
    ? { [EXCLUDE_FROM_LATEST]: says }
    : {};
}

/**
 * Where what others change is put back, what a patch says is not put back to what was set before; nor is what a request says by which
 * that begins.
 */
function saidToStay(
  { patch }: Asking,
  fields: Fields,
  applied: Fields | undefined,
): Patch {
  const says = patch === undefined ? fields : statedBy(patch, fields, "lists");
  const isOn = applied?.[DRIFT] === "correct";
  return (isOn ? patch !== undefined : says[DRIFT] === "correct")
    ? settingAnew(says, applied ?? {})
    : {};
}

/** Without what tools say in every body: who has changed that by hand is not overruled by it. None says that it is excluded. */
function unrestated(patch: Patch): Patch {
  return Object.fromEntries(
    Object.entries(patch).filter(
      ([name, value]) =>
        regionField(regionOf(name) ?? "") === name ||
        value === true ||
        propertyOf(name).restated !== true,
    ),
  );
}

/** Of what a request says, what is otherwise in a version as it may be by now. */
function undoes(
  { body, patch, removeRegions }: Asking,
  perhaps: Fields,
): Patch {
  const fields = fieldsOf(body);
  const { changes } = askedOfSeen(perhaps, fields, removeRegions);
  if (patch === undefined) return changes;
  const stated = statedBy(patch, fields, "lists");
  return Object.fromEntries(
    Object.entries(changes).filter(([name]) => name in stated),
  );
}

/**
 * What a patch says of latest, in each region, as a promotion or demotion by hand does; under a rule of waves it includes the
 * next one. A rule beside it says by itself when, and a list of regions where.
 */
function everywhereBy(
  excluded: unknown,
  { patch, body, removeRegions }: Asking,
  {
    look: { resource },
    record,
    applied,
    rule,
  }: {
    readonly look: Look;
    readonly record: ImageVersionRecord | undefined;
    readonly applied: Fields | undefined;
    readonly rule: unknown;
  },
): Patch {
  const isOfRegions = Object.keys(
    statedBy(patch, fieldsOf(body), "lists"),
  ).some((name) => name === exclusionIn(regionOf(name) ?? ""));
  if (typeof excluded !== "boolean" || isOfRegions) return {};
  const waves = wavesOf(record ? ruleToBe(record, applied) : undefined);
  if (!excluded && (rule != null || !isExcluded(resource))) return {};
  const flags =
    waves === undefined || excluded
      ? flagsByHand(resource, excluded)
      : flagsOfNext(waves, resource);
  // Of a region that is being removed nothing is asked: it would be added again.
  const removed = [...removeRegions, ...(record ? regionsToGo(record) : [])];
  return Object.fromEntries(
    Object.entries(flags).filter(
      ([field]) => !removed.includes(regionOf(field) ?? ""),
    ),
  );
}

/** It holds back, in so many words, what a rule is to promote. */
export function overrules(
  { changes }: Asked,
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
): boolean {
  return (
    changes[EXCLUDE_FROM_LATEST] === true &&
    record !== undefined &&
    look !== undefined &&
    (ruleHolding(record, look) ?? { when: "manual" }).when !== "manual"
  );
}

/** It says of latest what is so, and for another reason than was known: whoever says it again repeats this. */
export function isNewsOfLatest(
  { patch }: Asking,
  { changes }: Asked,
  record: ImageVersionRecord | undefined,
): boolean {
  const says = changes[EXCLUDE_FROM_LATEST];
  if (says === undefined || record === undefined) return false;
  return (
    record.excludedByCancel === true ||
    (patch === undefined &&
      record.lastApplied !== undefined &&
      !sameAt(
        EXCLUDE_FROM_LATEST,
        record.lastApplied[EXCLUDE_FROM_LATEST],
        says,
      ))
  );
}
