import type { ImageVersionRequest } from "../contract.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { regionsIn } from "../properties/fields.js";
import type { Look } from "../resources.js";
import { desired } from "../state/fold.js";
import { withReplicas } from "../state/reconcile.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { withLatest, withoutFlags } from "../latest/flags.js";
import { EVERYWHERE, releasedIn } from "../latest/release.js";

/**
 * The version as it is shown: as Azure shows it or, until Azure has it, as requested, or as sent
 * for a request canceled since. Undefined if nobody requested it.
 */
export function shownOf(
  look: Pick<Look, "resource"> | undefined,
  record: ImageVersionRecord | undefined,
): ImageVersionRequest | undefined {
  if (look !== undefined) return look.resource;
  if (record === undefined || isFinal(record.state)) return undefined;
  const { patch, release = record.write?.release ?? EVERYWHERE } = desired(record);
  const asked = { ...record.write?.changes, ...patch };
  const version = patched(undefined, withoutFlags(asked));
  return version.location === undefined
    ? undefined
    : withReplicas(withLatest(canonicalForm(version), releasedIn(release, regionsIn(asked))));
}
