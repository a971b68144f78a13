/**
 * Computes the desired state, which is never stored: the open requests are patches, folded in the order of acceptance. Pure. Invariants:
 *  1. An applied request is not part of it. From then on only its regions matter.
 *  2. Leaving out a region, key, flag, rule or protection never removes it.
 *  3. Only requests that set the release, creations and new regions set flags of latest. All other flags stay as Azure shows them.
 *  4. Restrictions (protection, the end of a rule) take effect on acceptance, relaxations when the request is applied.
 */
import { omit } from "../../objects.js";
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

/** Stands in for an operation id, for a hypothetical request. */
export const SUPPOSED = "supposed";

/** All unfinished requests. */
export function requestsOf(record: ImageVersionRecord): Requests {
  return isFinal(record.state) ? [] : Object.entries(record.requests);
}

/** Unfinished requests whose outcome is not decided. */
export function openRequests(record: ImageVersionRecord): Requests {
  return requestsOf(record).filter(([, { ending }]) => ending === undefined);
}

/** Whether Sigil created or adopted the version, or is about to. */
export function isManaged(record: ImageVersionRecord): boolean {
  if (record.spec !== undefined || unapplied(record).length > 0) return true;
  return record.status === undefined && !isFinal(record.state);
}

/** Requests that Azure does not show yet, decided or not. A deletion counts only if it must first exclude the version from latest. */
export function unapplied(record: ImageVersionRecord): Requests {
  return requestsOf(record).filter(
    ([, { appliedTime, deletion, release }]) =>
      appliedTime === undefined && (deletion === undefined || release !== undefined),
  );
}

/** The requests that the next write carries. */
export function inWindow(record: ImageVersionRecord): Requests {
  return unapplied(record).slice(0, record.window);
}

export interface Desired {
  /** Azure's fields only. */
  readonly patch: Patch;
  /** The release after the write; absent: no request sets it. */
  readonly release?: Release;
  readonly ids: readonly string[];
}

/** What the next write should achieve; `ids` limits it to these requests. */
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

/** If the request that set the release of the creation is gone, the next creating request sets it. */
function releaseOfCreation({ status }: ImageVersionRecord, window: Requests): Release | undefined {
  const body = window.find(
    ([, { creates, ending }]) => creates === true && ending === undefined,
  )?.[1].body;
  return status === undefined && body ? createdAs(body) : undefined;
}

/** Adds regions that a repair removed back unchanged, whatever else is requested. */
function regionsToAddBack(record: ImageVersionRecord): Patch {
  return withoutFlags(
    Object.assign(
      {},
      ...removedRegions(record).map((name) => record.repairs[name]?.removed),
    ) as Patch,
  );
}

/** Regions that a repair removed and that are not back yet. */
export function removedRegions({
  repairs,
  status,
}: Pick<ImageVersionRecord, "repairs" | "status">): readonly string[] {
  const there = regionsHad({ status });
  return Object.entries(repairs).flatMap(([name, { removed, lost }]) =>
    removed === undefined || lost === true || there.includes(name) ? [] : [name],
  );
}

/** Whether a repair has removed a region, or the write in flight removes one. It is added back before the last operation ends. */
export function isRepairing(record: ImageVersionRecord): boolean {
  const { repairs, write } = record;
  return (
    removedRegions(record).length > 0 ||
    Object.entries(repairs).some(
      ([name, { removed }]) => removed !== undefined && write?.changes[regionField(name)] === null,
    )
  );
}

/** The combined patch of the requests; the later wins. */
export function patchOf(requests: readonly VersionRequest[]): Patch {
  return combined(requests.map(({ patch }) => patch));
}

/** The regions that the confirmed look shows. */
export function regionsHad({ status }: { readonly status?: Look | undefined }): readonly string[] {
  return status ? regionsIn(shownFields(status.resource)) : [];
}

/** The regions of the version once the patch is applied. */
export function regionsAfter(
  record: Pick<ImageVersionRecord, "status">,
  patch: Patch,
): readonly string[] {
  const removed = removedBy(patch);
  return [...new Set([...regionsHad(record), ...regionsIn(patch)])].filter(
    (name) => !removed.includes(name),
  );
}

/** The release after these requests; undefined: none sets it. */
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

/** A hypothetical record: Azure is idle and shows `shown`, and `request` is open too. */
export function supposing(
  record: ImageVersionRecord | undefined,
  shown: (Pick<Look, "resource"> & Partial<Look>) | undefined,
  request?: VersionRequest,
): ImageVersionRecord {
  const { status, ...kept } = omit(
    record ?? emptyRecord("", "", ""),
    "write",
    "unconfirmed",
    "window",
  );
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

/** The confirmed release, with open requests applied. */
export function releaseToBe(
  record: ImageVersionRecord | undefined,
  resource: ImageVersionRequest,
): Release {
  const { release = releaseOf(resource) } = record ?? {};
  return desired(supposing(record, { resource })).release ?? release;
}

/** Canonical regions with the version in latest once all open requests are done. */
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

/** The record with only those requests that a write has carried. */
export function withSentRequests(record: ImageVersionRecord): ImageVersionRecord {
  const { write } = record;
  const requests = Object.entries(record.requests).filter(
    ([id, { sent, ending }]) =>
      // Of a canceled request, only what it asked before was sent.
      (sent === true && ending === undefined) ||
      (write?.sentFor.includes(id) === true && (ending === undefined || write.creates !== true)),
  );
  return { ...record, requests: Object.fromEntries(requests) };
}

/** The regions of `latestToBe` that Azure already shows in latest, and that the write in flight keeps there. */
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

/** Regions where the requests set a flag of latest. Including a region never excludes another. */
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

/** The part of the patch that goes to Azure. */
export function azureFields(patch: Patch): Patch {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !isSigilField(field)));
}

/** Whether a request through Sigil has allowed regions to be removed at any time. */
export function staysOpen(record: ImageVersionRecord, patch: Patch): boolean {
  const asked = patch[ALLOW_DELETION];
  return asked === undefined ? record.spec?.[ALLOW_DELETION] === true : asked === true;
}

/** Sigil's own fields: `spec`, with open requests applied. */
export function sigilFieldsToBe(record: ImageVersionRecord): Fields {
  return Object.fromEntries(
    Object.entries({
      ...record.spec,
      ...patchOf(openRequests(record).map(([, request]) => request)),
    }).filter(([field, value]) => isSigilField(field) && value !== null),
  );
}

/** Whether the version is protected from deletion. Invariant 4. */
export function isProtected(record: ImageVersionRecord): boolean {
  return (
    record.spec?.[PROTECTED] === true ||
    openRequests(record).some(([, { patch }]) => patch[PROTECTED] === true)
  );
}

/** The promotion rule, from `spec` or an open request. */
export function ruleIn(record: ImageVersionRecord): PromotionRule | undefined {
  return ruleOf(sigilFieldsToBe(record));
}

export function ruleOf(fields: Fields | undefined): PromotionRule | undefined {
  return (fields?.[PROMOTION] ?? undefined) as PromotionRule | undefined;
}

/** The rule, if it has yet to promote the version or its next wave. A rule that has promoted everywhere is done. Invariant 4. */
export function ruleInForce(record: ImageVersionRecord): PromotionRule | undefined {
  const rule = ruleIn(record);
  if (rule === undefined) return undefined;
  const open = openRequests(record).map(([, request]) => request);
  const regions = regionsAfter(record, patchOf(open));
  const release = releaseAfter(record, open, regions) ?? record.release ?? EVERYWHERE;
  return release.by === "rule" && release.in !== "all" ? rule : undefined;
}

/** The regions without those that the patch removes. */
export function withoutGone<R extends { readonly name: string }>(
  regions: readonly R[],
  patch: Patch,
): readonly R[] {
  const removed = removedBy(patch);
  return regions.filter(({ name }) => !removed.includes(name));
}

/** The fields of one region. */
export function ofRegion(fields: Fields, region: string): Patch {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => regionOf(field) === region));
}
