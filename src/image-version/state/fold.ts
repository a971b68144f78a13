/**
 * What Azure is to show: computed, never stored. The open requests are patches, folded in the order in which they were accepted. Pure. Invariants:
 *  1. A request that is applied is no part of it: from then on its regions alone decide.
 *  2. Regions, keys, flags, rule and protection are never removed by silence.
 *  3. Flags of latest are asked by requests about latest, by a creation, and for regions that come. All others stay as Azure shows them.
 *  4. What is stricter holds from acceptance (protection, the end of a rule); what is looser once it is applied.
 */
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import { exclusionIn, shownFields, flagsFor, latestIn, withoutFlags } from "../latest/flags.js";
import {
  createdAs,
  EVERYWHERE,
  released,
  releasedIn,
  releaseOf,
  type Release,
} from "../latest/release.js";
import {
  isSigilField,
  regionField,
  regionOf,
  regionsIn,
  removedBy,
  type Fields,
} from "../properties/fields.js";
import { combined, withApplied, type Patch } from "../properties/patch.js";
import { ALLOW_DELETION, PROMOTION, PROTECTED } from "../properties/table.js";
import { emptyRecord, type ImageVersionRecord, type VersionRequest } from "./record.js";
import type { Look } from "../resources.js";
import { isFinal } from "./states.js";

type Requests = readonly (readonly [id: string, request: VersionRequest])[];

/** Instead of the id of an operation: of a request that is only supposed. */
export const SUPPOSED = "supposed";

/** All that are not over. */
export function requestsOf(record: ImageVersionRecord): Requests {
  return isFinal(record.state) ? [] : Object.entries(record.requests);
}

/** Those whose end is not decided. */
export function openRequests(record: ImageVersionRecord): Requests {
  return requestsOf(record).filter(([, { ending }]) => ending === undefined);
}

/** Sigil has made or adopted the version, or is about to. */
export function isManaged(record: ImageVersionRecord): boolean {
  if (record.spec !== undefined || unapplied(record).length > 0) return true;
  return record.status === undefined && !isFinal(record.state);
}

/** Those that Azure does not show yet, decided or not. Of a deletion that is the end of being in latest, where it is guarded. */
export function unapplied(record: ImageVersionRecord): Requests {
  return requestsOf(record).filter(
    ([, { appliedTime, deletion, release }]) =>
      appliedTime === undefined && (deletion === undefined || release !== undefined),
  );
}

/** The open requests that the next write has. */
export function inWindow(record: ImageVersionRecord): Requests {
  return unapplied(record).slice(0, record.window);
}

export interface Desired {
  /** Of Azure's own fields. */
  readonly patch: Patch;
  /** What is in latest then; absent: nobody says anything of it. */
  readonly release?: Release;
  readonly ids: readonly string[];
}

/** What the next write is to bring about; `ids`: of these requests alone. */
export function desired(record: ImageVersionRecord, ids?: readonly string[]): Desired {
  const window = inWindow(record).filter(([id]) => ids === undefined || ids.includes(id));
  const patch = combined([regionsToAddBack(record), ...window.map(([, request]) => request.patch)]);
  const regions = regionsAfter(record, patch);
  const release =
    releaseAfter(
      record,
      window.map(([, request]) => request),
      regions,
    ) ?? releaseOfCreation(record, window);
  return {
    patch: {
      ...azureFields(patch),
      ...flagsOf(
        record,
        regions,
        release,
        window.map(([, one]) => one),
      ),
    },
    ...(release && { release }),
    ids: window.map(([id]) => id),
  };
}

/** Who was to say of latest how the version is made has left: the next one that creates it does. */
function releaseOfCreation({ status }: ImageVersionRecord, window: Requests): Release | undefined {
  const body = window.find(
    ([, { creates, ending }]) => creates === true && ending === undefined,
  )?.[1].body;
  return status === undefined && body ? createdAs(body) : undefined;
}

/** Regions that a repair has taken away are added back as they were, whoever asks for what. */
function regionsToAddBack(record: ImageVersionRecord): Patch {
  return withoutFlags(
    Object.assign({}, ...regionsAway(record).map((name) => record.repairs[name]?.removed)) as Patch,
  );
}

/** Regions that a repair has taken away, and that are not there again. */
export function regionsAway({
  repairs,
  status,
}: Pick<ImageVersionRecord, "repairs" | "status">): readonly string[] {
  const there = regionsHad({ status });
  return Object.entries(repairs).flatMap(([name, { removed, lost }]) =>
    removed === undefined || lost === true || there.includes(name) ? [] : [name],
  );
}

/** A repair has taken a region away, or a write that may arrive does: it is added back before the last operation ends. */
export function isRepairing(record: ImageVersionRecord): boolean {
  const { repairs, write } = record;
  return (
    regionsAway(record).length > 0 ||
    Object.entries(repairs).some(
      ([name, { removed }]) => removed !== undefined && write?.changes[regionField(name)] === null,
    )
  );
}

/** What requests ask together: the later says the last word. */
export function patchOf(requests: readonly VersionRequest[]): Patch {
  return combined(requests.map(({ patch }) => patch));
}

/** The regions that a fact shows. */
export function regionsHad({ status }: { readonly status?: Look | undefined }): readonly string[] {
  return status ? regionsIn(shownFields(status.resource)) : [];
}

/** The regions that the version has once the patch is applied. */
export function regionsAfter(
  record: Pick<ImageVersionRecord, "status">,
  patch: Patch,
): readonly string[] {
  const removed = removedBy(patch);
  return [...new Set([...regionsHad(record), ...regionsIn(patch)])].filter(
    (name) => !removed.includes(name),
  );
}

/** Undefined where nobody says anything of latest. */
function releaseAfter(
  record: Pick<ImageVersionRecord, "release">,
  requests: readonly VersionRequest[],
  regions: readonly string[],
): Release | undefined {
  return requests.reduce<Release | undefined>(
    (before, { release }) =>
      release === undefined
        ? before
        : released(before ?? record.release ?? EVERYWHERE, release, regions),
    undefined,
  );
}

/** The record as if Azure showed that, at rest, and this were asked, too: what is desired of it is how the version is to be. */
export function supposing(
  record: ImageVersionRecord | undefined,
  shown: (Pick<Look, "resource"> & Partial<Look>) | undefined,
  request?: VersionRequest,
): ImageVersionRecord {
  const {
    write: _,
    unconfirmed: __,
    window: ___,
    status,
    ...kept
  } = record ?? emptyRecord("", "", "");
  return {
    ...kept,
    state: "Accepted",
    ...(shown && {
      status: {
        regions: [],
        time: "",
        ...status,
        ...shown,
        provisioningState: "Succeeded",
      },
      release: kept.release ?? releaseOf(shown.resource),
    }),
    requests: {
      ...(isFinal(kept.state) ? {} : kept.requests),
      ...(request && { [SUPPOSED]: request }),
    },
  };
}

/** What facts have shown of latest, with what is asked of it. */
export function releaseToBe(
  record: ImageVersionRecord | undefined,
  resource: ImageVersionRequest,
): Release {
  const { release = releaseOf(resource) } = record ?? {};
  return desired(supposing(record, { resource })).release ?? release;
}

/** Canonical regions that have the version in latest once all that is asked of it is done. */
export function latestToBe(
  record: ImageVersionRecord | undefined,
  resource: ImageVersionRequest,
  request?: VersionRequest,
): readonly string[] {
  const open = record ? openRequests(record).map(([, one]) => one) : [];
  if ([...open, request].some((one) => one?.deletion !== undefined)) return [];
  const shown = shownFields(resource);
  const { patch } = desired(supposing(record, { resource }, request));
  const after = withApplied(shown, patch);
  return regionsIn(shown).filter((name) => after[exclusionIn(name)] === false);
}

/** The record with those requests alone of which something was sent. */
export function withSentRequests(record: ImageVersionRecord): ImageVersionRecord {
  const { write } = record;
  const requests = Object.entries(record.requests).filter(
    ([id, { sent, ending }]) =>
      // Of a canceled one, what it has asked before was sent.
      (sent === true && ending === undefined) ||
      (write?.sentFor.includes(id) === true && (ending === undefined || write.creates !== true)),
  );
  return { ...record, requests: Object.fromEntries(requests) };
}

/** Those of `latestToBe` that Azure shows now: nothing is to bring them about, and the write under way leaves them. */
export function latestToStay(
  record: ImageVersionRecord | undefined,
  resource: ImageVersionRequest,
): readonly string[] {
  const { changes = {} } = record?.write ?? {};
  const shown = latestIn(resource);
  return latestToBe(record, resource).filter(
    (name) =>
      shown.includes(name) &&
      changes[exclusionIn(name)] !== true &&
      changes[regionField(name)] !== null,
  );
}

/** Invariant 3. */
function flagsOf(
  record: ImageVersionRecord,
  regions: readonly string[],
  release: Release | undefined,
  requests: readonly VersionRequest[],
): Patch {
  const known = record.status ? shownFields(record.status.resource) : {};
  const present = release ?? record.release ?? EVERYWHERE;
  const paused = isPaused(record) && release === undefined;
  const included = paused ? [] : releasedIn(present, regions);
  const said = saidOfLatest(requests, included, regions);
  return flagsFor(
    included,
    regions.filter((name) => said.includes(name) || !(`${regionField(name)}/name` in known)),
  );
}

/** Regions in which requests say whether the version is in latest: an inclusion takes it out nowhere. */
export function saidOfLatest(
  requests: readonly VersionRequest[],
  included: readonly string[],
  regions: readonly string[],
): readonly string[] {
  return requests.flatMap(({ release }) => {
    if (release === undefined) return [];
    if (release.kind === "set") return regions;
    const named = release.regions ?? regions;
    return release.kind === "exclude" ? named : named.filter((name) => included.includes(name));
  });
}

export function isPaused({ conditions }: Pick<ImageVersionRecord, "conditions">): boolean {
  return conditions.some(({ type }) => type === "Paused");
}

/** What is asked of Azure itself. */
export function azureFields(patch: Patch): Patch {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !isSigilField(field)));
}

/** True where regions may be removed at any time: somebody has asked for that through Sigil. */
export function staysOpen(record: ImageVersionRecord, patch: Patch): boolean {
  const asked = patch[ALLOW_DELETION];
  return asked === undefined ? record.spec?.[ALLOW_DELETION] === true : asked === true;
}

/** What is Sigil's own: what was achieved, with what is asked. */
export function sigilFieldsToBe(record: ImageVersionRecord): Fields {
  return Object.fromEntries(
    Object.entries({
      ...record.spec,
      ...patchOf(openRequests(record).map(([, request]) => request)),
    }).filter(([field, value]) => isSigilField(field) && value !== null),
  );
}

/** No deletion of it is accepted: that was asked for, and nobody has taken it off. Invariant 4. */
export function isProtected(record: ImageVersionRecord): boolean {
  return (
    record.spec?.[PROTECTED] === true ||
    openRequests(record).some(([, { patch }]) => patch[PROTECTED] === true)
  );
}

/** The promotion rule that was achieved, or that is asked. */
export function ruleIn(record: ImageVersionRecord): PromotionRule | undefined {
  return ruleOf(sigilFieldsToBe(record));
}

export function ruleOf(fields: Fields | undefined): PromotionRule | undefined {
  return (fields?.[PROMOTION] ?? undefined) as PromotionRule | undefined;
}

/** The rule that is still to promote the version, or its next wave. One that has promoted it everywhere is done. Invariant 4. */
export function ruleInForce(record: ImageVersionRecord): PromotionRule | undefined {
  const rule = ruleIn(record);
  if (rule === undefined) return undefined;
  const open = openRequests(record).map(([, request]) => request);
  const regions = regionsAfter(record, patchOf(open));
  const release = releaseAfter(record, open, regions) ?? record.release ?? EVERYWHERE;
  return release.by === "rule" && release.in !== "all" ? rule : undefined;
}

/** Regions without those that a patch removes. */
export function withoutGone<R extends { readonly name: string }>(
  regions: readonly R[],
  patch: Patch,
): readonly R[] {
  const removed = removedBy(patch);
  return regions.filter(({ name }) => !removed.includes(name));
}

/** The region's own fields. */
export function ofRegion(fields: Fields, region: string): Patch {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => regionOf(field) === region));
}
