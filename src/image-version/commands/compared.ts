/** A PUT or PATCH against what is stored and shown; the same for a plan. Pure. */
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

/** One request, as far as it is known before the state is. */
export interface Request extends Asking {
  readonly command: ChangeOptions;
  /** As its caller has written it, with ids of its sets. */
  readonly written: ImageVersionRequest;
  readonly fingerprint: string;
  /** Why its rule has chosen no set. */
  readonly unchosen: readonly RuleFinding[];
  /** The deleted version that has the number. */
  readonly deleted?: DeletedImageVersion | undefined;
  /** What else is worth saying of it. */
  readonly warnings: readonly RuleFinding[];
}

export interface Compared extends Asked {
  /** Of the life that Azure shows; absent where nothing of that is known. */
  readonly record: ImageVersionRecord | undefined;
  /** The version was there, and is no more. */
  readonly isGone: boolean;
  /** What the request changes of what Azure shows; absent where the version would be made. */
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
