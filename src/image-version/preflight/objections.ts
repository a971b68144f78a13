/**
 * Asks one port, which the rest of Sigil implements, about every way into latest: on acceptance,
 * and again right before the write is sent. This room knows none of the reasons. Invariants:
 *  1. A request that explicitly includes a version in latest is refused. For a region that is
 *     created or added, the version is held back instead.
 *  2. No creation is refused right before it is sent, because only then the version's parents are
 *     known.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { parseImageVersionId, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { exclusionIn, shownFields, latestIn } from "../latest/flags.js";
import { releasedIn, saidBy } from "../latest/release.js";
import type { Deed, Dependencies, Objection } from "../ports.js";
import { regionsIn } from "../properties/fields.js";
import { withApplied } from "../properties/patch.js";
import { sourceReferences } from "../properties/source-references.js";
import { lastShown } from "../queries/look-at.js";
import type { Look } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { desired, removedRegions, ruleOf, supposing } from "../state/fold.js";
import type { Outcome } from "../state/happened.js";
import { withFindings } from "../state/proven.js";
import type { Put } from "../state/reconcile.js";
import { withRequest, type ImageVersionRecord, type VersionRequest } from "../state/record.js";

type Asks = Pick<Dependencies, "objections">;

/** Throws ServiceError with the code of the first objection, and lists all. */
export async function mustBeUnopposed(deps: Asks, id: ImageVersionId, deed: Deed): Promise<void> {
  const objections = await deps.objections(id, deed);
  const [first] = objections;
  if (first !== undefined)
    throw new ServiceError(first.code, `${first.message} ${first.remediation}`.trim(), {
      findings: objections.map((one) => findingOf(one, "error")),
    });
}

export function findingOf(
  { code, pointer, message, remediation }: Objection,
  severity: "error" | "warning",
): RuleFinding {
  return { rule: "latest", code, pointer, message, severity, remediation };
}

/**
 * The objections for regions that a request creates or adds, where the version is held back. Throws
 * as `mustBeUnopposed`. Invariant 1.
 */
export async function admitted(
  deps: Asks,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
  request: VersionRequest,
  isRestore: boolean,
): Promise<readonly Objection[]> {
  const { when = "manual" } = ruleOf(request.patch) ?? {};
  if (when !== "manual") await mustBeUnopposed(deps, id, { kind: "followRule" });
  if (isRestore) {
    await mayBeRestored(deps, id, record, request.body);
    return [];
  }
  const regions = enteredBy(record, look, request);
  // A promotion that includes it nowhere may replace an open demotion.
  if (regions.length === 0 && request.release?.kind !== "include") return [];
  const deed = { kind: "enterLatest", regions, record } as const;
  if (isOfBody(request)) return deps.objections(id, deed);
  await mustBeUnopposed(deps, id, deed);
  return [];
}

/**
 * Canonical regions that the request includes in latest, beyond all earlier requests. `shown`: what
 * Azure has.
 */
function enteredBy(
  record: ImageVersionRecord | undefined,
  shown: Pick<Look, "resource"> | undefined,
  request: VersionRequest,
): readonly string[] {
  const included = (asked?: VersionRequest): readonly string[] => {
    const { patch } = desired(supposing(record, shown, asked));
    const after = withApplied(shown ? shownFields(shown.resource) : {}, patch);
    return regionsIn(after).filter((name) => after[exclusionIn(name)] === false);
  };
  const before = included();
  return included(request).filter((name) => !before.includes(name));
}

/**
 * Azure restores a version as it was, and does not show a deleted one: `body` is what Sigil last
 * knew. Throws as `mustBeUnopposed`, if it comes into latest anywhere.
 */
export async function mayBeRestored(
  deps: Asks,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  body: ImageVersionRequest | undefined,
): Promise<void> {
  const regions = body ? latestIn(body) : "any";
  if (regions.length > 0)
    await mustBeUnopposed(deps, id, {
      kind: "enterLatest",
      regions,
      restored: lastShown(record),
    });
}

/**
 * Whether the release comes from a body that creates a version or lists its regions: pipelines
 * repeat it.
 */
function isOfBody({ body, release }: VersionRequest): boolean {
  return body !== undefined && saidBy(release) !== "person";
}

/**
 * The request, held back if there is an objection. Once promoted, such a version is in latest
 * everywhere.
 */
export function holdingBack(
  request: VersionRequest,
  objections: readonly Objection[],
): VersionRequest {
  const regions = objections.flatMap((one) => one.regions ?? []);
  if (regions.length === 0) return request;
  const { release, body } = request;
  if (release?.kind === "set" && body !== undefined) {
    const all = regionsIn(shownFields(body));
    const left = releasedIn(release.release, all).filter((name) => !regions.includes(name));
    const made = { in: left.length === 0 ? ("none" as const) : left };
    return {
      ...request,
      release: { kind: "set", release: { ...release.release, ...made } },
    };
  }
  const before = release?.kind === "exclude" ? release : undefined;
  return {
    ...request,
    release: {
      kind: "exclude",
      by: before?.by ?? "request",
      regions: [...(before?.regions ?? []), ...regions],
    },
  };
}

export function heldBackFindings(objections: readonly Objection[]): readonly Finding[] {
  return objections.map((one) => {
    const { message, ...finding } = findingOf(one, "warning");
    return {
      ...finding,
      message: `${message} It is excluded in ${one.regions?.join(", ")}. Promote it there once this is settled.`,
    };
  });
}

/** Warns of sources that nothing should be built from; an existing version is built already. */
export async function sourceWarnings(
  { objections }: Asks,
  request: ImageVersionRequest,
  observed: ImageVersionRequest | undefined,
): Promise<readonly RuleFinding[]> {
  if (observed !== undefined) return [];
  const found: RuleFinding[] = [];
  for (const { pointer, id } of sourceReferences(request)) {
    const source = parseImageVersionId(id);
    for (const one of source ? await objections(source, { kind: "build" }) : [])
      found.push({ ...findingOf(one, "warning"), rule: "source", pointer });
  }
  return found;
}

/** The objections for the regions of a version that is about to be created. Invariant 2. */
export async function objectionsToCreation(
  deps: Asks,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { body, creates }: Put,
): Promise<readonly Objection[]> {
  const regions = creates ? latestIn(body) : [];
  return regions.length === 0 ? [] : deps.objections(id, { kind: "enterLatest", regions, record });
}

/** These requests, held back if there is an objection; their operations report it. */
export function withHeldBack(
  record: ImageVersionRecord,
  ids: readonly string[],
  objections: readonly Objection[],
): Outcome {
  const after = ids.reduce((next, one) => {
    const request = next.requests[one];
    return request?.body === undefined
      ? next
      : withRequest(next, one, holdingBack(request, objections));
  }, record);
  return withFindings(after, ids, heldBackFindings(objections));
}

/**
 * Checked right before a write is sent. A region removed for repair was in latest before, and so
 * were those that a failed deletion restores. Throws as `mustBeUnopposed`.
 */
export async function mustStillBeUnopposed(
  deps: Asks,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { body, sentFor, creates }: Put,
): Promise<void> {
  if (creates) return;
  const had = [
    ...(record.status ? latestIn(record.status.resource) : []),
    ...removedRegions(record),
  ];
  const regions = latestIn(body).filter((name) => !had.includes(name));
  const isGivenBack = sentFor.every((one) => record.requests[one]?.ending !== undefined);
  if (regions.length > 0 && isGivenBack) await mustBeUnopposed(deps, id, { kind: "fallBackTo" });
  else if (regions.length > 0) await mustBeUnopposed(deps, id, { kind: "enterLatest", regions });
}
