/**
 * Every way into latest is asked of one port, which the rest of Sigil answers: as it is accepted, and again right before it is sent.
 * This room knows no reason. Invariants:
 *  1. What says in so many words that a version comes into latest is refused. A region that is made, or comes, is held back instead.
 *  2. No creation is refused right before it is sent: what it is made of is known only then.
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
import { desired, regionsAway, ruleOf, supposing } from "../state/fold.js";
import type { Outcome } from "../state/happened.js";
import { withFindings } from "../state/proven.js";
import type { Put } from "../state/reconcile.js";
import { withRequest, type ImageVersionRecord, type VersionRequest } from "../state/record.js";

type Asks = Pick<Dependencies, "objections">;

/** Throws ServiceError with the code of the first objection, and each of them. */
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

/** What there is against regions that a request makes or adds: there it is held back. Throws as `mustBeUnopposed`. Invariant 1. */
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
  // A promotion that brings it nowhere may take the place of a demotion.
  if (regions.length === 0 && request.release?.kind !== "include") return [];
  const deed = { kind: "enterLatest", regions } as const;
  if (isOfBody(request)) return deps.objections(id, deed);
  await mustBeUnopposed(deps, id, deed);
  return [];
}

/** Canonical regions that the request brings into latest, beside all that was asked before. `shown`: what Azure has. */
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
 * Azure restores a version as it was, and does not show a deleted one: `body` is what Sigil knows of it. Throws as `mustBeUnopposed`, if
 * it comes into latest anywhere.
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

/** A body that says how a version is made, or which regions it has, says of latest what pipelines repeat. */
function isOfBody({ body, release }: VersionRequest): boolean {
  return body !== undefined && saidBy(release) !== "person";
}

/** The request, held back where there is an objection. What is made so is in latest everywhere once it is promoted. */
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

/** Warns of versions that are not to be built from; one that is there was built. */
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

/** What there is against the regions of a version that is about to be created, as it is proven. Invariant 2. */
export async function objectionsToCreation(
  deps: Asks,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { body, creates }: Put,
): Promise<readonly Objection[]> {
  const regions = creates ? latestIn(body) : [];
  return regions.length === 0 ? [] : deps.objections(id, { kind: "enterLatest", regions, record });
}

/** These requests, held back where there is an objection; their operations say so. */
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
 * Asked right before it is sent. What a repair has taken away was in latest, and what a deletion that comes to nothing gives back.
 * Throws as `mustBeUnopposed`.
 */
export async function mustStillBeUnopposed(
  deps: Asks,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { body, sentFor, creates }: Put,
): Promise<void> {
  if (creates) return;
  const had = [...(record.status ? latestIn(record.status.resource) : []), ...regionsAway(record)];
  const regions = latestIn(body).filter((name) => !had.includes(name));
  const isGivenBack = sentFor.every((one) => record.requests[one]?.ending !== undefined);
  if (regions.length > 0 && isGivenBack) await mustBeUnopposed(deps, id, { kind: "fallBackTo" });
  else if (regions.length > 0) await mustBeUnopposed(deps, id, { kind: "enterLatest", regions });
}
