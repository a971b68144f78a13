import type { ImageVersionRequest } from "../contract.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { ownOf, type Fields } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import type { Look } from "../resources.js";
import { withDefaults } from "../state/reconcile.js";
import { attemptsIn, type ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { protectedBefore, wantedBy } from "../state/wanted.js";

/**
 * What is shown of a version: what Azure shows or, until it has it, what is asked for, or was sent for one who has canceled
 * since. Undefined where nobody has asked for it, nor been answered.
 */
export function shownOf(
  look: Pick<Look, "resource"> | undefined,
  record: ImageVersionRecord | undefined,
): ImageVersionRequest | undefined {
  if (look !== undefined) return look.resource;
  if (record === undefined || isFinal(record.state)) return undefined;
  const version = patched(undefined, {
    ...attemptsIn(record).reduce<Patch>(
      (sent, { changes }) => ({ ...sent, ...changes }),
      {},
    ),
    ...wantedBy(record),
  });
  return version.location === undefined
    ? undefined
    : withDefaults(canonicalForm(version));
}

/** What is Sigil's own: what is asked for, or else what was applied. */
export function shownOwn(record: ImageVersionRecord): Fields {
  return {
    ...ownOf(record.lastApplied ?? protectedBefore(record)),
    ...ownOf(wantedBy(record)),
  };
}
