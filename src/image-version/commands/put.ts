/**
 * Accepts a PUT of an image version, with its desired state, or a PATCH: to create, change or adopt
 * it. Invariants, in addition to those of every acceptance (operation/accepting.ts):
 *  1. Requests with the same meaning are one operation, wherever they arrive, as long as Azure
 *     shows what it did to that same life, and nothing accepted later asks for another value
 *     (same-operation.ts).
 *  2. A refused request stores nothing, except the claim of its Idempotency-Key.
 *  3. A request that changes nothing is answered with the version and starts nothing, if the
 *     regions that it names are ready. A managed version that was read and is sent back as it was
 *     changes nothing, whatever is in progress.
 *  4. Only a PUT creates; for a number that existed and is gone, only with If-None-Match.
 *  5. `restore: true` is the restore command, and nothing else (restore-by-body.ts).
 */
import { ServiceError } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import { mustNotCapture } from "../capture/choose.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { errorsAmong } from "../preflight/judge.js";
import { knownDeletedVersion } from "../queries/deleted-versions.js";
import { getImageVersion, type KnownImageVersion } from "../queries/get.js";
import type { RuleFinding } from "../rules/rule.js";
import { acceptCommand, glance, type Glance } from "./acceptance.js";
import { errorsIn, refuse, withNextFreeVersion, type ChangeCommand } from "./command.js";
import type { Request } from "./compared.js";
import { decideOn, type Unchanged } from "./decide-put.js";
import { planOf } from "./plan.js";
import { restoreByBody, restores } from "./restore-by-body.js";
import { readRequest, saidByBody, type Said } from "./request.js";
import { fingerprintOfPatch, saidByPatch, type MergePatch } from "./said-by-patch.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface PutImageVersion extends ChangeCommand {
  readonly body: ImageVersionRequest;
}

interface PatchImageVersion
  extends Omit<PutImageVersion, "body" | "pasted" | "ifNoneMatch">, MergePatch {}

/** The operation that does the request, or the version if there is nothing to do. */
export type PutAnswer =
  | { readonly kind: "accepted"; readonly operation: OperationRecord }
  | { readonly kind: "unchanged"; readonly version: KnownImageVersion };

/**
 * Throws ServiceError InvalidRequest with every finding, PreflightFailed with those of a required
 * plan, ImageVersionConflict if it contradicts an open operation or changes a fixed property,
 * ImageVersionGone, TooManyReads, Forbidden, PreconditionFailed, IdempotencyKeyReused if the key
 * belongs to another request, and StateConflict, retryable, while the most possible operations are
 * open.
 */
export async function putImageVersion(
  deps: Dependencies,
  command: PutImageVersion,
): Promise<PutAnswer> {
  const { id, ifMatch, ifNoneMatch, pasted, plan, body } = command;
  if (restores(body)) return await restored(restoreByBody(deps, command, body)); // Invariant 5.
  const said = saidByBody(deps, command);
  const { given, rule, captures } = said;
  // A body without a source is that of an existing version, which the caller read.
  const isPartial = pasted === true || Object.keys(given.properties.storageProfile).length === 0;
  const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
  return await change(deps, command, said.fingerprint, async (read) => {
    const record = read?.record;
    const mustSee =
      isConditional ||
      (isPartial && record?.status === undefined) ||
      // Others may have created a version that Sigil does not know: it keeps its snapshots and, with a
      // tag, its sets.
      ((rule?.tag !== undefined || captures === true) && record === undefined);
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

/**
 * As `putImageVersion`, for a version that Azure has; throws ServiceError NotFound if it has none.
 */
export function patchImageVersion(
  deps: Dependencies,
  command: PatchImageVersion,
): Promise<PutAnswer> {
  const { patch } = command;
  if (restores(patch)) return restored(restoreByBody(deps, command, patch));
  mustNotCapture(patch);
  return change(deps, command, fingerprintOfPatch(command), (read) =>
    saidByPatch(deps, command, read),
  );
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
        `The request has ${errorsIn(unchosen)} under sigil; each is listed under errors.`,
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

/** The infos of a required plan; acceptance itself raises its warnings. */
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
