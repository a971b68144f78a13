/** What a JSON merge patch (RFC 7396) asks of the version that Azure has. */
import type { Finding } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { patched, writableForm } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { regionField } from "../properties/fields.js";
import { mergePatch } from "../properties/merge-patch.js";
import type { Patch } from "../properties/patch.js";
import { notFound } from "../queries/not-found.js";
import { isOtherLife } from "../state/confirmed.js";
import { sigilFieldsToBe } from "../state/fold.js";
import { glance, type Glance } from "./acceptance.js";
import {
  canonicalRegions,
  errorsIn,
  mustBeAdmitted,
  refuse,
  type ChangeOptions,
} from "./command.js";
import type { Said } from "./request.js";
import { fingerprintOfCommand } from "./same-operation.js";
import { withSetIds } from "./set-names.js";

export interface MergePatch {
  /** Applied to the version as Azure shows it. */
  readonly patch: unknown;
  /** Every mistake in the version after the patch. */
  readonly validate: (document: unknown) => readonly Finding[];
}

export function fingerprintOfPatch({
  patch,
  removeRegions,
}: Pick<MergePatch, "patch"> & Pick<ChangeOptions, "removeRegions">): string {
  return fingerprintOfCommand("patch", JSON.stringify(patch), ...canonicalRegions(removeRegions));
}

/** Throws ServiceError NotFound if Azure has no version, InvalidRequest, and as `mustBeAdmitted`. */
export async function saidByPatch(
  deps: Dependencies,
  command: ChangeOptions & MergePatch,
  read: StoredVersion | undefined,
): Promise<{ readonly said: Said; readonly glance: Glance }> {
  const { id, validate } = command;
  const removeRegions = canonicalRegions(command.removeRegions);
  const record = read?.record;
  const shown = await glance(deps, id, record, true);
  const { look } = shown;
  if (look === undefined) throw notFound(id, record);
  // Fields of an earlier life do not belong to this one.
  const own = record === undefined || isOtherLife(record, look) ? {} : sigilFieldsToBe(record);
  const patch = withTagsOf(look.resource, command.patch);
  // The merge must not put removed regions back, so they leave the version before it.
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
      fingerprint: fingerprintOfPatch(command),
    },
    glance: shown,
  };
}

/** Azure compares names of tags without case, so a patch names the existing tag in any case. */
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
