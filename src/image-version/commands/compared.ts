/**
 * Compares a PUT or PATCH with the stored state and with what Azure shows; the same for a plan.
 * Pure.
 */
import type { CapturePlan } from "../capture/choose.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Change } from "../rules/gathered.js";
import type { StoredVersion } from "../ports.js";
import { canonicalForm } from "../properties/canonical-form.js";
import type { DeletedImageVersion } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { isOtherLife } from "../state/confirmed.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { askedOf, type Asked, type Asking } from "./asked.js";
import type { ChangeOptions } from "./command.js";

/** A request, as far as it is known before the state is. */
export interface Request extends Asking {
  readonly command: ChangeOptions;
  /** As the caller wrote it, with the ids of its disk encryption sets. */
  readonly written: ImageVersionRequest;
  readonly fingerprint: string;
  /** Id of the machine that is captured before the version is created. */
  readonly capture?: string;
  readonly capturePlan?: CapturePlan;
  /** Why its machine cannot be captured, or its rule chose no disk encryption set. */
  readonly unchosen: readonly RuleFinding[];
  /** The soft-deleted version that has the number. */
  readonly deleted?: DeletedImageVersion | undefined;
  /** Further warnings about it. */
  readonly warnings: readonly RuleFinding[];
}

export interface Compared extends Asked {
  /** Of the life that Azure shows; absent: nothing is known of that life. */
  readonly record: ImageVersionRecord | undefined;
  /** True if the version existed and is gone. */
  readonly isGone: boolean;
  /** The difference from what Azure shows; absent: the version would be created. */
  readonly change: Change | undefined;
}

export function compared(request: Asking, stored: StoredVersion | undefined): Compared {
  const { look, seen } = request.glance;
  const known = stored?.record;
  const isOther = known !== undefined && look !== undefined && isOtherLife(known, look);
  const record = isOther ? undefined : known;
  const asked = askedOf(request, record);
  const { spec } = record ?? {};
  return {
    ...asked,
    record,
    isGone: seen && look === undefined && wasThere(known),
    change: look && {
      observed: canonicalForm(look.resource),
      patch: asked.patch,
      ...(spec && { lastApplied: spec }),
      ...(spec === undefined &&
        !isSeenByCaller(request) &&
        !isBeingMade(known) && { unmanaged: true }),
    },
  };
}

function wasThere(known: ImageVersionRecord | undefined): boolean {
  return known?.publishedDate !== undefined && (isFinal(known.state) || known.status !== undefined);
}

function isBeingMade(known: ImageVersionRecord | undefined): boolean {
  return known?.write?.creates === true && known.status === undefined;
}

function isSeenByCaller({ patch, command: { ifMatch } }: Asking): boolean {
  return patch !== undefined || ifMatch !== undefined;
}
