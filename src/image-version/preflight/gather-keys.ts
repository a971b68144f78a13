/**
 * Gathers what the rules need to know about keys. Invariants:
 *  1. It reads the keys of sets that the request starts to use: by creating or restoring a version,
 *     adding a region, or promoting. A use that works already is not judged again.
 *  2. A key that Sigil may not read is reported with its last known state, and never refused for
 *     that.
 *  3. A set or key that is found at risk is stored and reported, if a version uses it.
 */
import { canonicalRegion, imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { judgeKey, notSeenOf, setWorks, type KeySight } from "../../keys/judge.js";
import { createKeyLooks } from "../../keys/look.js";
import { seeSets, type SeeDependencies } from "../../keys/see-sets.js";
import { statesOf } from "../../keys/version-keys.js";
import { shownFields, latestIn } from "../latest/flags.js";
import type { Dependencies } from "../ports.js";
import { diskEncryptionReferences } from "../properties/disk-encryption-references.js";
import { seenDiskEncryptionSets } from "../rules/seen-disk-encryption-sets.js";
import { regionsIn } from "../properties/fields.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";
import type { Gathered } from "../rules/gathered.js";
import { bounded, found } from "../../bounded-reads.js";
import { readsOf } from "./named.js";

/**
 * The gathered facts, with the keys that `version` (canonical) starts to use. `observed`: the
 * version as Azure has it, if it does. Costs a read for each key, and one stored read if a key is
 * at risk or not seen. Throws transient errors of a read.
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

/** Sets that are gone, or that cannot encrypt a new version. */
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
