import type { ImageVersionRequest } from "../contract.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
  type DiskEncryptionReference,
} from "../properties/disk-encryption-references.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";
import type { Gathered } from "./gathered.js";
import { found } from "../../bounded-reads.js";

/** Each reference whose disk encryption set could be read, with the set. */
export function seenDiskEncryptionSets(
  request: ImageVersionRequest,
  gathered: Gathered,
): readonly {
  readonly reference: DiskEncryptionReference;
  readonly set: DiskEncryptionSet;
}[] {
  return diskEncryptionReferences(request).flatMap((reference) => {
    const set = found(gathered.diskEncryptionSets.get(reference.diskEncryptionSetId.toLowerCase()));
    return set === undefined || !namesDiskEncryptionSet(reference) ? [] : [{ reference, set }];
  });
}
