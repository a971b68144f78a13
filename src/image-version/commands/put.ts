/**
 * Accepts a request for an image version as it shall be (PUT), or for a change of it (PATCH): to be created, changed or
 * adopted. Invariants, beside those of every acceptance (operation/accepting.ts):
 *  1. Requests that mean the same are one operation, wherever they arrive, as long as Azure shows what it has done of the
 *     very life that it was done to, and nothing that was accepted later asks otherwise (same-operation.ts).
 *  2. Nothing is stored for a request that is refused, but a claim of its Idempotency-Key.
 *  3. What changes nothing is answered with the version and starts nothing, where the regions that it names are ready. A
 *     managed version that was read and is sent back as it was changes nothing, whatever is being done.
 *  4. Only a PUT creates; under a number that existed and is gone, only one that says so.
 *  5. `restore: true` is the restore command, and nothing else (restore-by-body.ts).
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { errorsAmong } from "../preflight/judge.js";
import { patched, writableForm } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { regionField } from "../properties/fields.js";
import { mergePatch } from "../properties/merge-patch.js";
import type { Patch } from "../properties/patch.js";
import { knownDeletedVersion } from "../queries/deleted-versions.js";
import { getImageVersion, type KnownImageVersion } from "../queries/get.js";
import { notFound } from "../queries/not-found.js";
import type { RuleFinding } from "../rules/rule.js";
import { sigilFieldsToBe } from "../state/fold.js";
import { isOtherLife } from "../state/confirmed.js";
import { acceptCommand, glance, type Glance } from "./acceptance.js";
import {
  canonicalRegions,
  errorsIn,
  mustBeAdmitted,
  refuse,
  withNextFreeVersion,
  type ChangeCommand,
} from "./command.js";
import type { Request } from "./compared.js";
import { decideOn, type Unchanged } from "./decide-put.js";
import { planOf } from "./plan.js";
import { restoreByBody, restores } from "./restore-by-body.js";
import { readRequest, saidByBody, type Said } from "./request.js";
import { fingerprintOfCommand } from "./same-operation.js";
import { withSetIds } from "./set-names.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface PutImageVersion extends ChangeCommand {
  readonly body: ImageVersionRequest;
}

interface PatchImageVersion extends Omit<PutImageVersion, "body" | "pasted" | "ifNoneMatch"> {
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
  const { id, ifMatch, ifNoneMatch, pasted, plan, body } = command;
  if (restores(body)) return await restored(restoreByBody(deps, command, body)); // Invariant 5.
  const said = saidByBody(deps, command);
  const { given, rule } = said;
  // Without a source it is one of a version that is there, which its caller has read.
  const isPartial = pasted === true || Object.keys(given.properties.storageProfile).length === 0;
  const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
  return await change(deps, command, said.fingerprint, async (read) => {
    const record = read?.record;
    const mustSee =
      isConditional ||
      (isPartial && record?.status === undefined) ||
      // Others may have made the version of which nothing is known: a tag keeps the sets that it has.
      (rule?.tag !== undefined && record === undefined);
    const isAsked = record !== undefined || mustSee || plan !== undefined;
    return {
      said,
      glance: isAsked ? await glance(deps, id, record, mustSee) : { look: undefined, seen: false },
    };
  });
}

async function restored(operation: Promise<OperationRecord>): Promise<PutAnswer> {
  return { kind: "accepted", operation: await operation };
}

/** As `putImageVersion`, of a version that Azure has; throws ServiceError NotFound where it has none. */
export function patchImageVersion(
  deps: Dependencies,
  command: PatchImageVersion,
): Promise<PutAnswer> {
  const { id, validate, patch } = command;
  if (restores(patch)) return restored(restoreByBody(deps, command, patch));
  const removeRegions = canonicalRegions(command.removeRegions);
  const fingerprint = fingerprintOfCommand(
    "patch",
    JSON.stringify(command.patch),
    ...removeRegions,
  );
  return change(deps, command, fingerprint, async (read) => {
    const record = read?.record;
    const shown = await glance(deps, id, record, true);
    const { look } = shown;
    if (look === undefined) throw notFound(id, record);
    // What was of an earlier life is none of it.
    const own = record === undefined || isOtherLife(record, look) ? {} : sigilFieldsToBe(record);
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
      said: {
        given,
        written: given,
        rule: version.sigil?.encryption,
        admitted: observed,
        removeRegions,
        patch,
        fingerprint,
      },
      glance: shown,
    };
  });
}

/** Azure does not tell tags apart by case: a patch names the tag that is there, in whatever case. */
function withTagsOf({ tags: present = {} }: ImageVersionRequest, patch: unknown): unknown {
  const { tags } = (patch ?? {}) as { readonly tags?: unknown };
  if (typeof tags !== "object" || tags === null || Array.isArray(tags)) return patch;
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

async function change(
  deps: Dependencies,
  command: ChangeCommand,
  fingerprint: string,
  saidOn: (
    read: StoredVersion | undefined,
  ) => Promise<{ readonly said: Said; readonly glance: Glance }>,
): Promise<PutAnswer> {
  const { id, plan } = command;
  try {
    const answer = await acceptCommand<Unchanged>(deps, command, fingerprint, async (read) => {
      const { said, glance } = await saidOn(read);
      const asked = await readRequest(deps, command, said, glance, read);
      const { unchosen } = asked;
      refuse(
        "InvalidRequest",
        `The rule in sigil.encryption has ${errorsIn(unchosen)}; each is listed under errors.`,
        unchosen,
      );
      const infos = plan ? await mustPassPlan(deps, asked, read) : [];
      const isToBeMade = glance.seen && glance.look === undefined;
      const request: Request = {
        ...asked,
        warnings: [...asked.warnings, ...infos],
        deleted: read && isToBeMade ? await knownDeletedVersion(deps, id) : undefined,
      };
      return {
        glance,
        decide: ({ stored }) => decideOn(deps, request, stored),
      };
    });
    if (!("unchanged" in answer)) return { kind: "accepted", operation: answer };
    const version = await getImageVersion(deps, id);
    const warnings = [...version.warnings, ...answer.warnings];
    return { kind: "unchanged", version: { ...version, warnings } };
  } catch (error) {
    throw await withNextFreeVersion(deps, id, error);
  }
}

/** What a plan that is required says for information: what it warns of the request itself does. */
async function mustPassPlan(
  deps: Dependencies,
  request: Request,
  read: StoredVersion | undefined,
): Promise<readonly RuleFinding[]> {
  const { findings } = await planOf(deps, request, read, "act");
  const errors = errorsAmong(findings);
  if (errors.length > 0)
    throw new ServiceError(
      "PreflightFailed",
      `The plan found ${errorsIn(errors)}; each is listed under errors. Nothing was stored.`,
      { findings },
    );
  return findings.filter(({ severity }) => severity === "info");
}
