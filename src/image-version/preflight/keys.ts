/**
 * Whether a version may be promoted with the keys that it has. Invariants:
 *  1. What is known to be bad is looked at again before it refuses anything: who has mended it need not wait.
 *  2. Where Azure cannot be asked now, what was known counts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { createKeyLooks } from "../keys/look.js";
import { lookAgain } from "../keys/look-again.js";
import {
  statesOf,
  versionKeys,
  type VersionKeys,
} from "../keys/version-keys.js";
import {
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { usesOf } from "../queries/keys.js";
import type { Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";

type Asks = Pick<Dependencies, "keyGuardian" | "resources" | "now">;
type KeyProblemOf = VersionKeys["problems"][number];
type Record = Pick<ImageVersionRecord, "encryptionTypes"> | undefined;

/**
 * What breaks now; none where nobody looks after keys. Costs one read of what is stored, and with `again` reads of Azure where
 * something is bad.
 */
export async function brokenKeys(
  deps: Asks,
  id: ImageVersionId,
  look: Pick<Look, "resource">,
  record: Record,
  again: boolean,
): Promise<readonly KeyProblemOf[]> {
  const { keyGuardian } = deps;
  const uses = usesOf(look);
  if (keyGuardian === undefined || uses.length === 0) return [];
  const stored = await keyGuardian.keyStates.read(imageIdOf(id));
  const madeWith = record?.encryptionTypes ?? {};
  const states = statesOf(stored?.document);
  const known = versionKeys(states, uses, madeWith)?.problems ?? [];
  const broken = known.filter(breaks);
  if (broken.length === 0 || !again) return broken;
  // Invariant 1.
  const looks = createKeyLooks({ ...deps, ...keyGuardian });
  const now = new Map(states);
  for (const { diskEncryptionSetId } of broken) {
    const key = diskEncryptionSetId.toLowerCase();
    const state = states.get(key);
    if (state === undefined || now.get(key) !== state) continue;
    now.set(key, await lookAgain({ ...deps, ...keyGuardian }, looks, state)); // Invariant 2.
  }
  return (versionKeys(now, uses, madeWith)?.problems ?? []).filter(breaks);
}

function breaks({ severity }: KeyProblemOf): boolean {
  return severity === "error";
}

/** Throws ServiceError KeyAtRisk. */
export async function keysMustWork(
  deps: Asks,
  id: ImageVersionId,
  look: Look,
  record: Record,
): Promise<void> {
  const broken = await brokenKeys(deps, id, look, record, true);
  if (broken.length === 0) return;
  throw new ServiceError(
    "KeyAtRisk",
    `${formatImageVersionId(id)} is not promoted: ${brokenIn(broken)} Mend what is listed under errors, then send the request again: it is looked at anew.`,
    { findings: broken.map(findingOf) },
  );
}

/** For people: "KeyDisabled in westus; KeyExpired in eastus2." */
export function brokenIn(broken: readonly KeyProblemOf[]): string {
  return `${broken
    .map(({ code, regions }) => `${code} in ${regions.join(", ")}`)
    .join("; ")}.`;
}

export function findingOf({
  code,
  message,
  regions,
  remediation,
}: KeyProblemOf): Finding {
  return {
    code,
    pointer: "",
    message: `${message} It encrypts the version in ${regions.join(", ")}.`,
    severity: "error",
    remediation,
  };
}
