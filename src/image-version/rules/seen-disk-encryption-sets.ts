import type { ImageVersionRequest } from "../contract.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
  type DiskEncryptionReference,
} from "../properties/disk-encryption-references.js";
import type { DiskEncryptionSet } from "../resources.js";
import { found, type Facts } from "./facts.js";

/** Each reference whose disk encryption set could be read, with the set. */
export function seenDiskEncryptionSets(
  request: ImageVersionRequest,
  facts: Facts,
): readonly {
  readonly reference: DiskEncryptionReference;
  readonly set: DiskEncryptionSet;
}[] {
  return diskEncryptionReferences(request).flatMap((reference) => {
    const set = found(facts.diskEncryptionSets.get(reference.diskEncryptionSetId.toLowerCase()));
    return set === undefined || !namesDiskEncryptionSet(reference) ? [] : [{ reference, set }];
  });
}
