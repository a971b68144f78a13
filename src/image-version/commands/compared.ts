/** A PUT or PATCH against what is stored and shown; the same for a plan. Pure. */
import type { Finding } from "../../errors.js";
import type { Change } from "../rules/facts.js";
import type { StoredVersion } from "../ports.js";
import { canonicalForm } from "../properties/canonical-form.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import { isOtherLife } from "../state/fact.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { askedOf, type Asked, type Asking } from "./asked.js";
import type { ChangeCommand } from "./command.js";

/** One request, as far as it is known before the state is. */
export interface Request extends Asking {
  readonly command: ChangeCommand;
  readonly fingerprint: string;
  /** The deleted version that has the number. */
  readonly deleted?: DeletedImageVersion | undefined;
  /** What else is worth saying of it. */
  readonly warnings: readonly Finding[];
}

export interface Compared {
  /** Of the life that Azure shows; absent where nothing of that is known. */
  readonly record: ImageVersionRecord | undefined;
  /** The version was there, and is no more. */
  readonly isGone: boolean;
  readonly asked: Asked;
  /** What the request changes of what Azure shows; absent where the version would be made. */
  readonly change: Change | undefined;
}

export function compared(
  request: Asking,
  stored: StoredVersion | undefined,
): Compared {
  const { look, seen } = request.glance;
  const known = stored?.record;
  const isOther =
    known !== undefined && look !== undefined && isOtherLife(known, look);
  const record = isOther && known.status === undefined ? undefined : known;
  const own = isOther ? undefined : known;
  const asked = askedOf(request, own);
  return {
    record,
    isGone: seen && look === undefined && wasThere(known),
    asked,
    change: look && changeOf(request, asked, look, known, own?.spec),
  };
}

function wasThere(known: ImageVersionRecord | undefined): boolean {
  return (
    known?.publishedDate !== undefined &&
    (isFinal(known.state) || known.status !== undefined)
  );
}

function changeOf(
  { patch, command }: Asking,
  asked: Asked,
  { resource }: Look,
  known: ImageVersionRecord | undefined,
  spec: ImageVersionRecord["spec"],
): Change {
  const isBeingMade =
    known?.write?.creates === true && known.status === undefined;
  const isUnmanaged =
    spec === undefined &&
    patch === undefined &&
    command.ifMatch === undefined &&
    !isBeingMade;
  return {
    observed: canonicalForm(resource),
    patch: asked.patch,
    ...(spec && { lastApplied: spec }),
    ...(isUnmanaged && { unmanaged: true }),
  };
}
