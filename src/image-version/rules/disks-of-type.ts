import { disksIn, sourceOf } from "./source.js";
import type { Breach, GatheredSubject } from "./rule.js";

/**
 * A breach for each disk of the source with this storage account type. `why` follows the disk and
 * its type.
 */
export function disksOfType(
  { request, gathered }: GatheredSubject,
  type: string,
  why: string,
): readonly Breach[] {
  const source = sourceOf(request, gathered);
  return (source === undefined ? [] : disksIn(source))
    .filter(({ storageAccountType }) => storageAccountType?.toLowerCase() === type.toLowerCase())
    .map(({ pointer, disk, id }) => ({
      pointer,
      message: `${id}, the ${disk} of the source, is ${type}: ${why}.`,
      remediation:
        "Use a source whose disks are Premium SSD, Standard SSD or Standard HDD: copy that disk to one through a snapshot.",
    }));
}
