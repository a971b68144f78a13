/**
 * Accepts a request for an image version as it shall be (PUT), or for a change of it (PATCH): to be created, changed or
 * adopted. Invariants, beside those of every acceptance (operation/accepting.ts):
 *  1. Requests that mean the same are one operation, wherever they arrive, as long as Azure shows what it has done of the
 *     very life that it was done to, and nothing that was accepted later asks otherwise (same-operation.ts).
 *  2. Nothing is stored for a request that is refused, but a claim of its Idempotency-Key.
 *  3. What changes nothing is answered with the version and starts nothing, where the regions that it names are ready. A
 *     version that was read and is sent back as it was changes nothing, whatever is being done.
 *  4. Only a PUT creates; under a number that existed and is gone, only one that says so.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { acceptOperation } from "../../operation/accepting.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import type { OperationRecord } from "../../operation/records.js";
import {
  formatImageVersionId,
  imageIdOf,
  keyOf,
  canonicalRegion,
} from "../../resource-id.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { knownDeletedVersions } from "../queries/deleted-versions.js";
import { notFound } from "../queries/not-found.js";
import { errorsAmong } from "../preflight/judge.js";
import { ruleWarnings } from "../preflight/rule.js";
import { mustKeepLatest, takingOf } from "../preflight/latest.js";
import { isGuarded, mustNotBeNeeded } from "../preflight/use.js";
import { canonicalForm, fingerprintOf } from "../properties/canonical-form.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { mergePatch } from "../properties/merge-patch.js";
import { writableForm } from "../properties/body.js";
import { getImageVersion, type KnownImageVersion } from "../queries/get.js";
import { lookAt, mustBeGone } from "../queries/look-at.js";
import { latestRegions } from "../queries/use.js";
import { contextOf } from "../../operation/steps.js";
import { ownAsked } from "../state/fold.js";
import { believed } from "../state/observe.js";
import { isOtherLife } from "../state/fact.js";
import { etagOf } from "../queries/etag.js";
import type { ImageVersionRecord } from "../state/record.js";
import {
  type ChangeCommand,
  glance,
  listIn,
  mustBeAdmitted,
  orShown,
  withNextFreeVersion,
} from "./command.js";
import { planImageVersion } from "./plan.js";
import { chooseSets } from "./encryption-rule.js";
import {
  fingerprintOfPut,
  sameOperation,
  sameRequest,
} from "./same-operation.js";
import { withSetIds } from "./set-names.js";
import {
  decideOn,
  errorsIn,
  subjectOf,
  type Request,
  type Unchanged,
} from "./decide-put.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface PutImageVersion extends ChangeCommand {
  readonly body: ImageVersionRequest;
}

interface PatchImageVersion extends Omit<
  PutImageVersion,
  "body" | "pasted" | "ifNoneMatch"
> {
  /** RFC 7396, over the version as Azure shows it. */
  readonly patch: unknown;
  /** Every mistake in the version as it would be. */
  readonly validate: (document: unknown) => readonly Finding[];
}

/** The operation that does what was asked; or the version, where there is nothing to do. */
export type PutAnswer =
  | { readonly kind: "accepted"; readonly operation: OperationRecord }
  | { readonly kind: "unchanged"; readonly version: KnownImageVersion };

/**
 * Throws ServiceError InvalidRequest with every finding, PreflightFailed with those of a plan that is required,
 * ImageVersionConflict where it contradicts what is being done or changes what cannot be changed, ImageVersionGone,
 * TooManyReads, Forbidden, PreconditionFailed, IdempotencyKeyReused when the key is another request's, and StateConflict, retryable, while as many
 * are open as can be.
 */
export async function putImageVersion(
  deps: Dependencies,
  command: PutImageVersion,
): Promise<PutAnswer> {
  const { id, ifMatch, ifNoneMatch, pasted } = command;
  const key = keyOf(formatImageVersionId(id));
  const given = canonicalForm(withSetIds(command.body, id));
  const rule = command.body.sigil?.encryption;
  mustBeAdmitted(deps, command, given);
  const removeRegions = canonicalRegions(command.removeRegions);
  const fingerprint = fingerprintOfPut(given, removeRegions, rule, ifMatch);
  const { requestKey, earlier } = await claimKey(
    deps,
    command,
    key,
    fingerprint,
  );
  if (earlier !== undefined) return { kind: "accepted", operation: earlier };
  const stored = await deps.store.read(key);
  const record = stored?.record;
  const conditional = ifMatch !== undefined || ifNoneMatch !== undefined;
  // Without a source it is one of a version that is there, which its caller has read.
  const partial =
    pasted === true ||
    Object.keys(given.properties.storageProfile).length === 0;
  const mustSee = conditional || (partial && record?.status === undefined);
  const shown =
    record !== undefined || mustSee
      ? await glance(deps, id, record, mustSee)
      : { look: undefined, seen: false };
  // Others may have made the version of which nothing is known: a tag keeps the sets that it has.
  const had =
    rule?.tag !== undefined && record === undefined && !mustSee
      ? await lookAt(deps, id)
      : shown.look;
  const body = await withChosenSets(deps, command, given, rule, {
    shown: had?.resource,
    before: sameRequest(stored, had, fingerprint),
  });
  await mustPassPlan(deps, rule ? { ...command, body } : command);
  const request = {
    command,
    body,
    fingerprint,
    requestKey,
    removeRegions,
    mayCreate: true,
    glance: shown,
    deleted:
      record !== undefined && shown.seen && shown.look === undefined
        ? (await knownDeletedVersions(deps, imageIdOf(id))).find(
            ({ name }) => name === id.versionName,
          )
        : undefined,
  };
  return decide(deps, request, stored);
}

/** As `putImageVersion`, of a version that Azure has; throws ServiceError NotFound where it has none. */
export async function patchImageVersion(
  deps: Dependencies,
  command: PatchImageVersion,
): Promise<PutAnswer> {
  const { id, validate } = command;
  const key = keyOf(formatImageVersionId(id));
  const removeRegions = canonicalRegions(command.removeRegions);
  const fingerprint = fingerprintOfPatch(command, removeRegions);
  const { requestKey, earlier } = await claimKey(
    deps,
    command,
    key,
    fingerprint,
  );
  if (earlier !== undefined) return { kind: "accepted", operation: earlier };
  const shown = await deps.resourceManager.getImageVersion(id);
  const stored = await deps.store.read(key);
  if (shown === undefined)
    await mustBeGone(deps, id, stored?.record, listIn(deps));
  const { look, isFact } = believed(
    stored?.record,
    shown && { ...shown, time: deps.now().toISOString() },
    contextOf(deps),
  );
  if (look === undefined) throw notFound(id, stored?.record);
  // What was of an earlier life is none of it.
  const own =
    stored === undefined || isOtherLife(stored.record, look)
      ? {}
      : ownAsked(stored.record);
  const patch = withTagsOf(look.resource, command.patch);
  const document = mergePatch(
    withoutRegions(writableForm(look.resource, own), removeRegions),
    patch,
  );
  const findings = validate(document);
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      `The version would have ${errorsIn(findings)} after the patch; each is listed under errors.`,
      { findings },
    );
  const version = document as ImageVersionRequest;
  const observed = canonicalForm(look.resource);
  const given = canonicalForm(withSetIds(version, id));
  mustBeAdmitted(deps, command, given, observed);
  const body = await withChosenSets(
    deps,
    command,
    given,
    version.sigil?.encryption,
    {
      shown: look.resource,
      admitted: observed,
      before: sameRequest(stored, look, fingerprint),
    },
  );
  await mustPassPlan(deps, {
    ...command,
    body,
    ifMatch: etagOf(look, stored?.record),
  });
  const request = {
    command,
    body,
    fingerprint,
    requestKey,
    removeRegions,
    mayCreate: false,
    patch,
    glance: { look, seen: isFact },
  };
  return decide(deps, request, stored);
}

/** Azure does not tell tags apart by case: a patch names the tag that is there, in whatever case. */
function withTagsOf(
  { tags: present = {} }: ImageVersionRequest,
  patch: unknown,
): unknown {
  const { tags } = (patch ?? {}) as { readonly tags?: unknown };
  if (typeof tags !== "object" || tags === null || Array.isArray(tags))
    return patch;
  const names = Object.keys(present);
  return {
    ...(patch as object),
    tags: Object.fromEntries(
      Object.entries(tags).map(([name, value]) => [
        names.find((one) => one.toLowerCase() === name.toLowerCase()) ?? name,
        value as unknown,
      ]),
    ),
  };
}

/** A patch that does not name a region leaves it out: what is to be removed is not put back by the merge. */
function withoutRegions(
  version: ImageVersionRequest,
  names: readonly string[],
): ImageVersionRequest {
  const { publishingProfile, ...properties } = version.properties;
  return publishingProfile?.targetRegions === undefined
    ? version
    : {
        ...version,
        properties: {
          ...properties,
          publishingProfile: {
            ...publishingProfile,
            targetRegions: publishingProfile.targetRegions.filter(
              ({ name }) => !names.includes(canonicalRegion(name)),
            ),
          },
        },
      };
}

function canonicalRegions(names: readonly string[] = []): readonly string[] {
  return [...new Set(names.map(canonicalRegion))].sort();
}

function fingerprintOfPatch(
  { patch, ifMatch }: PatchImageVersion,
  removeRegions: readonly string[],
): string {
  return fingerprintOf(
    { properties: {} } as ImageVersionRequest,
    "patch",
    JSON.stringify(patch),
    ...removeRegions,
    ...(ifMatch === undefined ? [] : [`If-Match: ${ifMatch}`]),
  );
}

/** The request with the sets that its rule chooses; throws ServiceError InvalidRequest where it cannot choose one. */
async function withChosenSets(
  deps: Dependencies,
  command: Pick<PutImageVersion, "id" | "requireMayUse">,
  given: ImageVersionRequest,
  rule: EncryptionRule | undefined,
  {
    shown,
    admitted,
    before,
  }: {
    /** As Azure has it, where it is to keep its sets. */
    readonly shown?: ImageVersionRequest | undefined;
    readonly admitted?: ImageVersionRequest;
    /** As it is being done already. */
    readonly before: ImageVersionRequest | undefined;
  },
): Promise<ImageVersionRequest> {
  if (rule === undefined) return given;
  const { request, findings } = await chooseSets(
    deps,
    command.id,
    given,
    rule,
    { shown, before },
  );
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      `The rule in sigil.encryption has ${errorsIn(findings)}; each is listed under errors.`,
      { findings },
    );
  mustBeAdmitted(deps, command, request, admitted);
  return request;
}

async function mustPassPlan(
  deps: Dependencies,
  command: PutImageVersion,
): Promise<void> {
  const { plan, requireMayUse: _, ...admitted } = command;
  if (plan !== "require") return;
  const { findings } = await planImageVersion(deps, admitted);
  const errors = errorsAmong(findings);
  if (errors.length > 0)
    throw new ServiceError(
      "PreflightFailed",
      `The plan found ${errorsIn(errors)}; each is listed under errors. Nothing was stored.`,
      { findings },
    );
}

async function decide(
  deps: Dependencies,
  request: Request,
  read: StoredVersion | undefined,
): Promise<PutAnswer> {
  const { command, requestKey } = request;
  const { id } = command;
  const resourceId = formatImageVersionId(id);
  await mustNotBeNeededThere(deps, request, read);
  const latest = await mustKeepLatestThere(deps, request, read);
  const shown = request.glance.look?.resource;
  const warnings = [
    ...latest,
    ...(await ruleWarnings(deps, id, request.body, shown)),
  ];
  try {
    const answer = await orShown(
      deps,
      id,
      request.glance,
      acceptOperation<ImageVersionRecord, Unchanged>(
        deps,
        keyOf(resourceId),
        (stored) => decideOn(deps, { ...request, warnings }, stored),
        { stored: read },
      ),
    );
    if ("unchanged" in answer) {
      const version = await getImageVersion(deps, id);
      return {
        kind: "unchanged",
        version: {
          ...version,
          warnings: [...version.warnings, ...answer.warnings],
        },
      };
    }
    await bindKey(deps, requestKey, answer);
    deps.looks.forget(id, imageIdOf(id));
    return { kind: "accepted", operation: answer };
  } catch (error) {
    throw await withNextFreeVersion(deps, id, error);
  }
}

/** Throws where a region would have no latest; answers what is to be told of others. */
async function mustKeepLatestThere(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
): Promise<readonly Finding[]> {
  const { command, fingerprint, glance } = request;
  const isAsked = ({ fingerprint: other }: OperationRecord): boolean =>
    other === fingerprint;
  if (
    glance.look === undefined ||
    sameOperation(stored, glance.look, isAsked) !== undefined
  )
    return [];
  const { asked, record } = subjectOf(request, stored);
  const taking = takingOf(command.id, glance.look, record, asked);
  return mustKeepLatest(deps, taking, command);
}

/** Throws where somebody needs the version in a region that is to be removed. */
async function mustNotBeNeededThere(
  deps: Dependencies,
  { command: { id, ignoreUse }, fingerprint, glance, ...request }: Request,
  stored: StoredVersion | undefined,
): Promise<void> {
  const { look } = glance;
  if (!isGuarded(deps) || ignoreUse === true || look === undefined) return;
  const shown = regionsIn(fieldsOf(look.resource));
  const regions = request.removeRegions.filter((name) => shown.includes(name));
  const isAsked = ({ fingerprint: other }: OperationRecord): boolean =>
    other === fingerprint;
  if (regions.length === 0 || sameOperation(stored, look, isAsked)) return;
  await mustNotBeNeeded(deps, {
    id,
    latestIn: await latestRegions(deps, id),
    regions,
    pointer: "/query/removeRegions",
  });
}
