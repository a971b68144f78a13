import type { ImageVersionRequest } from "./contract.js";
import type { ResourceManager } from "./ports.js";
import { diskEncryptionReferences } from "./rules/disk-encryption-references.js";
import type { Facts } from "./rules/rule.js";
import { sourceReferences } from "./rules/source-disks.js";

/** Reads what the rules need to know: in parallel, each distinct resource once. Throws what a read throws. */
export async function gatherFacts(
  resourceManager: ResourceManager,
  request: ImageVersionRequest,
): Promise<Facts> {
  const [diskEncryptionSets, sources] = await Promise.all([
    readEach(
      diskEncryptionReferences(request).map(
        (reference) => reference.diskEncryptionSetId,
      ),
      (id) => resourceManager.getDiskEncryptionSet(id),
    ),
    readEach(
      sourceReferences(request).map((reference) => reference.id),
      (id) => resourceManager.getSource(id),
    ),
  ]);
  return { diskEncryptionSets, sources };
}

async function readEach<T>(
  ids: readonly string[],
  read: (id: string) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  const distinct = new Map(ids.map((id) => [id.toLowerCase(), id]));
  return new Map(
    await Promise.all(
      [...distinct].map(async ([key, id]) => [key, await read(id)] as const),
    ),
  );
}
