/**
 * Checks a version's keys before a promotion. Invariants:
 *  1. A promotion reads the keys again, so it catches a key that broke since the key guardian's last run, and does not wait for the next
 *     run if a key was fixed.
 *  2. If Azure does not answer, the last known state counts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { createKeyLooks } from "../keys/look.js";
import { lookAgain } from "../keys/look-again.js";
import {
  notSeenWords,
  statesOf,
  versionKeys,
  type KeyStatesBySet,
  type VersionKeys,
} from "../keys/version-keys.js";
import { formatImageVersionId, imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { usesOf } from "../queries/keys.js";
import type { Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";

type Asks = Pick<Dependencies, "keyGuardian" | "resources" | "now" | "looks">;
type KeyProblemOf = VersionKeys["problems"][number];
type Record = Pick<ImageVersionRecord, "encryptionTypes"> | undefined;

/** The keys that are broken now; empty if no key guardian runs. Costs one stored read and, with `again`, Azure's reads for each set. */
export async function brokenKeys(
  deps: Asks,
  id: ImageVersionId,
  look: Pick<Look, "resource">,
  record: Record,
  again: boolean,
): Promise<readonly KeyProblemOf[]> {
  const { keys } = await keysOf(deps, id, look, record, again);
  return (keys?.problems ?? []).filter(breaks);
}

async function keysOf(
  deps: Asks,
  id: ImageVersionId,
  look: Pick<Look, "resource">,
  record: Record,
  again: boolean,
): Promise<{
  readonly keys: VersionKeys | undefined;
  readonly stored: KeyStatesBySet;
}> {
  const { keyGuardian } = deps;
  const uses = usesOf(look);
  if (keyGuardian === undefined || uses.length === 0)
    return { keys: undefined, stored: statesOf(undefined) };
  const document = (await keyGuardian.keyStates.read(imageIdOf(id)))?.document;
  const stored = statesOf(document);
  const states = new Map(stored);
  // Invariant 1.
  const looks = createKeyLooks({ ...deps, ...keyGuardian });
  const sets = new Map(uses.map(({ diskEncryptionSetId: set }) => [set.toLowerCase(), set]));
  for (const [key, set] of again ? sets : []) {
    const state = await lookAgain({ ...deps, ...keyGuardian }, looks, set, stored.get(key));
    if (state === undefined) continue;
    states.set(key, state); // Invariant 2.
    if (state !== stored.get(key)) deps.looks.seeKeys(imageIdOf(id), state);
  }
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
  const { keys, stored } = await keysOf(deps, id, look, record, true);
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
    `${formatImageVersionId(id)} was not promoted: ${brokenIn(broken)} Fix each key listed under errors, then promote the version again.`,
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
