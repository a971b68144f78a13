/**
 * Checks a version's keys before a promotion. Invariants:
 *  1. A promotion looks for itself, so it catches a key that broke since the key guardian's last run, and does not wait for the next
 *     run if a key was fixed.
 *  2. If Azure does not answer, the last known state counts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { KeyUse } from "../../keys/memory.js";
import { seeSets, type SeeDependencies } from "../../keys/see-sets.js";
import {
  notSeenWords,
  statesOf,
  versionKeys,
  type KeyStatesBySet,
  type VersionKeys,
} from "../../keys/version-keys.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { usesOf } from "../queries/keys.js";
import type { Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";

type Asks = Pick<Dependencies, "keyGuardian"> & SeeDependencies;
type KeyProblemOf = VersionKeys["problems"][number];
type Record = Pick<ImageVersionRecord, "encryptionTypes"> | undefined;

/**
 * The keys that are broken now; empty if no key guardian runs. Costs one stored read, and a look at
 * each set that the memory did not see recently.
 */
export async function brokenKeys(
  deps: Asks,
  id: ImageVersionId,
  look: Pick<Look, "resource">,
  record: Record,
  use: KeyUse = "act",
): Promise<readonly KeyProblemOf[]> {
  const { keys } = await keysOf(deps, id, look, record, use);
  return (keys?.problems ?? []).filter(breaks);
}

async function keysOf(
  deps: Asks,
  id: ImageVersionId,
  look: Pick<Look, "resource">,
  record: Record,
  use: KeyUse,
): Promise<{
  readonly keys: VersionKeys | undefined;
  readonly stored: KeyStatesBySet;
}> {
  const { keyGuardian } = deps;
  const uses = usesOf(look);
  if (keyGuardian === undefined || uses.length === 0)
    return { keys: undefined, stored: statesOf(undefined) };
  const imageId = imageIdOf(id);
  const stored = statesOf((await keyGuardian.keyStates.read(imageId))?.document);
  const sets = uses.map(({ diskEncryptionSetId }) => diskEncryptionSetId);
  // Invariants 1 and 2.
  const states = await seeSets(deps, keyGuardian, imageId, sets, stored, use);
  return {
    keys: versionKeys(states, uses, record?.encryptionTypes ?? {}),
    stored,
  };
}

function breaks({ severity }: KeyProblemOf): boolean {
  return severity === "error";
}

/** Warns about keys that will break or could not be read. Throws ServiceError KeyAtRisk if a key is broken now. */
export async function keysMustWork(
  deps: Asks,
  id: ImageVersionId,
  look: Look,
  record: Record,
): Promise<readonly Finding[]> {
  const { keys, stored } = await keysOf(deps, id, look, record, "act");
  const { problems = [], notSeen = [] } = keys ?? {};
  const broken = problems.filter(breaks);
  if (broken.length === 0)
    return [
      ...problems.map(findingOf),
      ...notSeen.map(({ diskEncryptionSetId, regions, ...one }) =>
        findingOf({
          ...notSeenWords(diskEncryptionSetId, one, stored.get(diskEncryptionSetId.toLowerCase())),
          severity: "warning",
          regions,
        }),
      ),
    ];
  throw new ServiceError(
    "KeyAtRisk",
    `${id.versionName} was not promoted: ${brokenIn(broken)} Fix each key listed under errors, then promote the version again.`,
    { findings: broken.map(findingOf) },
  );
}

/** For people: "KeyDisabled in westus; KeyExpired in eastus2." */
export function brokenIn(broken: readonly KeyProblemOf[]): string {
  return `${broken.map(({ code, regions }) => `${code} in ${regions.join(", ")}`).join("; ")}.`;
}

export function findingOf({
  code,
  severity,
  message,
  regions,
  remediation,
}: Pick<KeyProblemOf, "code" | "severity" | "message" | "regions" | "remediation">): Finding {
  return {
    code,
    pointer: "",
    message: `${message} It encrypts the version in ${regions.join(", ")}.`,
    severity,
    remediation,
  };
}
