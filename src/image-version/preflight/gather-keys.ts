/**
 * What the rules need to know of keys. Invariants:
 *  1. Read are those of the sets that a request puts to use: by a version that is created or restored, a region that is added, a
 *     promotion. What works with a key already is not judged anew.
 *  2. What may not be seen is told with what was seen last, and never refused for.
 *  3. A set or key that is found at risk is stored and told, where a version has it.
 */
import { canonicalRegion, imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { judgeKey, notSeenOf, setWorks, type KeySight } from "../keys/judge.js";
import { createKeyLooks } from "../keys/look.js";
import { seeSets, type SeeDependencies } from "../keys/see-sets.js";
import { statesOf } from "../keys/version-keys.js";
import { shownFields, latestIn } from "../latest/flags.js";
import type { Dependencies } from "../ports.js";
import { diskEncryptionReferences } from "../properties/disk-encryption-references.js";
import { seenDiskEncryptionSets } from "../rules/seen-disk-encryption-sets.js";
import { regionsIn } from "../properties/fields.js";
import type { DiskEncryptionSet } from "../resources.js";
import { found, type Gathered } from "../rules/gathered.js";
import { readsOf } from "./named.js";
import { bounded } from "./see.js";

/**
 * What was gathered, with the keys that `version`, which is canonical, puts to use; `observed`: as Azure has it, absent where it does not.
 * Costs a read for each key, and one of what is stored where one is at risk or not seen. Throws what a read throws that may pass.
 */
export async function gatherKeys<F extends Gathered>(
  deps: Pick<Dependencies, "keyGuardian" | "maxReads"> & SeeDependencies,
  id: ImageVersionId,
  gathered: F,
  version: ImageVersionRequest,
  observed: ImageVersionRequest | undefined,
): Promise<F> {
  const { keyGuardian, maxReads, now } = deps;
  const sets = setsPutToUse(version, observed, gathered);
  const brokenSets = brokenSetsIn(gathered);
  if (keyGuardian === undefined || (sets.length === 0 && brokenSets.length === 0)) return gathered;
  const room = maxReads - readsOf(gathered);
  const { keyOf } = createKeyLooks({ ...deps, ...keyGuardian }, "act");
  const see = bounded();
  const bySet: ReadonlyMap<string, KeySight> = new Map(
    await Promise.all(
      sets.map(
        async (set, i) =>
          [
            set.id.toLowerCase(),
            i < room ? (found(await see(() => keyOf(set))) ?? {}) : tooMany(maxReads),
          ] as const,
      ),
    ),
  );
  const { keyExpiryMs: expiryMs, keyStates } = keyGuardian;
  const sightOf = ({ id: set }: DiskEncryptionSet): KeySight => bySet.get(set.toLowerCase()) ?? {};
  const atRisk = sets.filter(
    (set) => judgeKey(set.id, set.keyUrl, sightOf(set), { now: now(), expiryMs }).length > 0,
  );
  const isUnseen = sets.some((set) => {
    const { key, vault, newest } = sightOf(set);
    return notSeenOf(key, vault, newest).length > 0;
  });
  const imageId = imageIdOf(id);
  const lastKnown = statesOf(
    isUnseen || atRisk.length > 0 || brokenSets.length > 0
      ? (await keyStates.read(imageId))?.document
      : undefined,
  );
  // Invariant 3.
  const ids = [...brokenSets.filter((id) => lastKnown.has(id)), ...atRisk.map((set) => set.id)];
  await seeSets(deps, keyGuardian, imageId, ids, lastKnown, "show");
  return {
    ...gathered,
    keys: { bySet, lastKnown, expiryMs },
  };
}

/** Those that are gone, or that no version can be made with. */
function brokenSetsIn({ diskEncryptionSets }: Gathered): readonly string[] {
  return [...diskEncryptionSets].flatMap(([id, seen]) =>
    seen.kind === "absent" || (seen.kind === "found" && !setWorks(seen.value)) ? [id] : [],
  );
}

/** Invariant 1. */
function setsPutToUse(
  version: ImageVersionRequest,
  observed: ImageVersionRequest | undefined,
  gathered: Gathered,
): readonly DiskEncryptionSet[] {
  const had = observed ? diskEncryptionReferences(observed) : [];
  const there = observed ? regionsIn(shownFields(observed)) : [];
  const included = observed ? latestIn(observed) : [];
  const promoted = latestIn(version).filter(
    (name) => there.includes(name) && !included.includes(name),
  );
  const sets = new Map<string, DiskEncryptionSet>();
  for (const { reference, set } of seenDiskEncryptionSets(version, gathered)) {
    const key = reference.diskEncryptionSetId.toLowerCase();
    const isNew = !had.some(
      ({ region, diskEncryptionSetId }) =>
        region === reference.region && diskEncryptionSetId.toLowerCase() === key,
    );
    if (isNew || promoted.includes(canonicalRegion(reference.region))) sets.set(key, set);
  }
  return [...sets.values()];
}

function tooMany(maxReads: number): KeySight {
  return {
    key: {
      kind: "unseen",
      code: "TooManyReads",
      message: `SIGIL_MAX_READS allows ${maxReads} reads of Azure's resources for one request.`,
    },
  };
}
