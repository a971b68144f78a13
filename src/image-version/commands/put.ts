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
import type { OperationRecord } from "../../operation/records.js";
import { imageIdOf } from "../../resource-id.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { errorsAmong } from "../preflight/judge.js";
import { mustKeepLatest, takingOf } from "../preflight/latest.js";
import { sourceWarnings } from "../preflight/objections.js";
import { ruleWarnings } from "../preflight/rule.js";
import { isGuarded, mustNotBeNeeded } from "../preflight/use.js";
import { patched, writableForm } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { fieldsOf, regionField, regionsIn } from "../properties/fields.js";
import { mergePatch } from "../properties/merge-patch.js";
import type { Patch } from "../properties/patch.js";
import { knownDeletedVersions } from "../queries/deleted-versions.js";
import { etagOf } from "../queries/etag.js";
import { getImageVersion, type KnownImageVersion } from "../queries/get.js";
import { notFound } from "../queries/not-found.js";
import { latestRegions } from "../queries/use.js";
import type { Look } from "../resources.js";
import { ownAsked } from "../state/fold.js";
import { isOtherLife } from "../state/fact.js";
import { acceptCommand, glance } from "./acceptance.js";
import {
  canonicalRegions,
  errorsIn,
  mustBeAdmitted,
  refuse,
  withNextFreeVersion,
  type ChangeCommand,
} from "./command.js";
import { compared, type Request } from "./compared.js";
import { decideOn, type Unchanged } from "./decide-put.js";
import { chooseSets } from "./encryption-rule.js";
import { planImageVersion } from "./plan.js";
import {
  fingerprintOfCommand,
  fingerprintOfPut,
  repeated,
  sameRequest,
} from "./same-operation.js";
import { withSetIds } from "./set-names.js";

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
  const { id, ifMatch, ifNoneMatch, pasted, body } = command;
  const given = canonicalForm(withSetIds(body, id));
  const rule = body.sigil?.encryption;
  mustBeAdmitted(deps, command, given);
  const removeRegions = canonicalRegions(command.removeRegions);
  // Without a source it is one of a version that is there, which its caller has read.
  const isPartial =
    pasted === true ||
    Object.keys(given.properties.storageProfile).length === 0;
  const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
  const fingerprint = fingerprintOfPut(given, removeRegions, rule, ifMatch);
  return await change(deps, command, fingerprint, async (read) => {
    const record = read?.record;
    const mustSee =
      isConditional ||
      (isPartial && record?.status === undefined) ||
      // Others may have made the version of which nothing is known: a tag keeps the sets that it has.
      (rule?.tag !== undefined && record === undefined);
    const isAsked = record !== undefined || mustSee;
    return {
      given,
      rule,
      // The plan answers in the caller's spelling.
      ...(rule === undefined && { planned: body }),
      removeRegions,
      glance: isAsked
        ? await glance(deps, id, record, mustSee)
        : { look: undefined, seen: false },
    };
  });
}

/** As `putImageVersion`, of a version that Azure has; throws ServiceError NotFound where it has none. */
export function patchImageVersion(
  deps: Dependencies,
  command: PatchImageVersion,
): Promise<PutAnswer> {
  const { id, validate } = command;
  const removeRegions = canonicalRegions(command.removeRegions);
  const fingerprint = fingerprintOfPatch(command, removeRegions);
  return change(deps, command, fingerprint, async (read) => {
    const record = read?.record;
    const shown = await glance(deps, id, record, true);
    const { look } = shown;
    if (look === undefined) throw notFound(id, record);
    // What was of an earlier life is none of it.
    const own =
      record === undefined || isOtherLife(record, look) ? {} : ownAsked(record);
    const patch = withTagsOf(look.resource, command.patch);
    // A patch that does not name a region leaves it out: what is to be removed is not put back by the merge.
    const removed = removeRegions.map((name) => [regionField(name), null]);
    const left = patched(look.resource, Object.fromEntries(removed) as Patch);
    const document = mergePatch(writableForm(left, own), patch);
    const findings = validate(document);
    refuse(
      "InvalidRequest",
      `The version would have ${errorsIn(findings)} after the patch; each is listed under errors.`,
      findings,
    );
    const version = document as ImageVersionRequest;
    const observed = canonicalForm(look.resource);
    const given = canonicalForm(withSetIds(version, id));
    mustBeAdmitted(deps, command, given, observed);
    return {
      given,
      rule: version.sigil?.encryption,
      admitted: observed,
      ifMatch: etagOf(look, record),
      removeRegions,
      patch,
      glance: shown,
    };
  });
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

function fingerprintOfPatch(
  { patch, ifMatch }: PatchImageVersion,
  removeRegions: readonly string[],
): string {
  return fingerprintOfCommand(
    "patch",
    JSON.stringify(patch),
    ...removeRegions,
    ...(ifMatch === undefined ? [] : [`If-Match: ${ifMatch}`]),
  );
}

/** What a request says, once it was read what it is about. */
interface Said extends Pick<Request, "patch" | "removeRegions" | "glance"> {
  /** Canonical, without the sets that its rule chooses. */
  readonly given: ImageVersionRequest;
  readonly rule: EncryptionRule | undefined;
  /** What its caller has been admitted to already. */
  readonly admitted?: ImageVersionRequest;
  /** As a plan of it is asked, where that is otherwise. */
  readonly planned?: ImageVersionRequest;
  readonly ifMatch?: string;
}

async function change(
  deps: Dependencies,
  command: ChangeCommand,
  fingerprint: string,
  saidOn: (read: StoredVersion | undefined) => Promise<Said>,
): Promise<PutAnswer> {
  const { id } = command;
  try {
    const answer = await acceptCommand<Unchanged>(
      deps,
      command,
      fingerprint,
      async (read) => {
        const said = await saidOn(read);
        const { glance, patch, removeRegions, ifMatch, planned } = said;
        const body = await withChosenSets(deps, command, said, {
          shown: glance.look?.resource,
          before: sameRequest(read, glance.look, fingerprint),
        });
        const infos = await mustPassPlan(deps, {
          ...command,
          body: planned ?? body,
          ...(ifMatch !== undefined && { ifMatch }),
        });
        const request: Request = {
          command,
          body,
          fingerprint,
          removeRegions,
          patch,
          glance,
          deleted:
            read !== undefined && glance.seen && glance.look === undefined
              ? (await knownDeletedVersions(deps, imageIdOf(id))).find(
                  ({ name }) => name === id.versionName,
                )
              : undefined,
          warnings: [],
        };
        const warnings = await warningsOf(deps, request, read);
        return {
          glance,
          decide: ({ stored }) =>
            decideOn(
              deps,
              { ...request, warnings: [...warnings, ...infos] },
              stored,
            ),
        };
      },
    );
    if (!("unchanged" in answer))
      return { kind: "accepted", operation: answer };
    const version = await getImageVersion(deps, id, "display");
    const warnings = [...version.warnings, ...answer.warnings];
    return { kind: "unchanged", version: { ...version, warnings } };
  } catch (error) {
    throw await withNextFreeVersion(deps, id, error);
  }
}

/** The request with the sets that its rule chooses; throws ServiceError InvalidRequest where it cannot choose one. */
async function withChosenSets(
  deps: Dependencies,
  command: Pick<PutImageVersion, "id" | "requireMayUse">,
  { given, rule, admitted }: Said,
  known: Parameters<typeof chooseSets>[4],
): Promise<ImageVersionRequest> {
  if (rule === undefined) return given;
  const { request, findings } = await chooseSets(
    deps,
    command.id,
    given,
    rule,
    known,
  );
  refuse(
    "InvalidRequest",
    `The rule in sigil.encryption has ${errorsIn(findings)}; each is listed under errors.`,
    findings,
  );
  mustBeAdmitted(deps, command, request, admitted);
  return request;
}

/** What a plan that is required says for information: what it warns of the request itself does. */
async function mustPassPlan(
  deps: Dependencies,
  { plan, requireMayUse: _, ...admitted }: PutImageVersion,
): Promise<readonly Finding[]> {
  if (plan !== "require") return [];
  const { findings } = await planImageVersion(deps, admitted);
  const errors = errorsAmong(findings);
  if (errors.length > 0)
    throw new ServiceError(
      "PreflightFailed",
      `The plan found ${errorsIn(errors)}; each is listed under errors. Nothing was stored.`,
      { findings },
    );
  return findings.filter(({ severity }) => severity === "info");
}

/** Throws where somebody needs a region that is to be removed, or one would have no latest; a repeat asks nothing of that. */
async function warningsOf(
  deps: Dependencies,
  request: Request,
  read: StoredVersion | undefined,
): Promise<readonly Finding[]> {
  const { command, body, fingerprint, glance } = request;
  const { look } = glance;
  const { id } = command;
  const rule = [
    ...(await ruleWarnings(deps, id, body, look?.resource)),
    ...(await sourceWarnings(deps, body, look?.resource)),
  ];
  if (look === undefined || repeated(read, look, fingerprint)) return rule;
  await mustNotBeNeededThere(deps, request, look);
  const { asked, record } = compared(request, read);
  const taking = takingOf(id, look, record, asked);
  return [...(await mustKeepLatest(deps, taking, command)), ...rule];
}

/** Throws where somebody needs the version in a region that is to be removed. */
async function mustNotBeNeededThere(
  deps: Dependencies,
  { command: { id, ignoreUse }, removeRegions }: Request,
  { resource }: Look,
): Promise<void> {
  if (!isGuarded(deps) || ignoreUse === true) return;
  const shown = regionsIn(fieldsOf(resource));
  const regions = removeRegions.filter((name) => shown.includes(name));
  if (regions.length === 0) return;
  await mustNotBeNeeded(deps, {
    id,
    latestIn: await latestRegions(deps, id),
    regions,
    pointer: "/query/removeRegions",
  });
}
