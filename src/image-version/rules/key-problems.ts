import { judgeKey, type KeySight } from "../../keys/judge.js";
import type { DiskEncryptionReference } from "../properties/disk-encryption-references.js";
import { seenDiskEncryptionSets } from "./seen-disk-encryption-sets.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";
import type { Breach, GatheredSubject } from "./rule.js";

/**
 * Each disk encryption set of the request, once, with the first field that names it and the last
 * look at its key.
 */
export function seenKeys({ request, gathered }: GatheredSubject): readonly {
  readonly reference: DiskEncryptionReference;
  readonly set: DiskEncryptionSet;
  readonly sight: KeySight;
}[] {
  const told = new Set<string>();
  return seenDiskEncryptionSets(request, gathered).flatMap((use) => {
    const key = use.reference.diskEncryptionSetId.toLowerCase();
    const sight = gathered.keys?.bySet.get(key);
    if (sight === undefined || told.has(key)) return [];
    told.add(key);
    return [{ ...use, sight }];
  });
}

/** A breach for each key with this problem, in the key guardian's words. */
export function keyProblems(subject: GatheredSubject, code: string): readonly Breach[] {
  const time = {
    now: subject.now,
    expiryMs: subject.gathered.keys?.expiryMs ?? 0,
  };
  return seenKeys(subject).flatMap(({ reference: { pointer }, set, sight }) =>
    judgeKey(set.id, set.keyUrl, sight, time)
      .filter((problem) => problem.code === code)
      .map(({ message, remediation }) => ({ pointer, message, remediation })),
  );
}
