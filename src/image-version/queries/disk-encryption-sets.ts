import { ServiceError } from "../../errors.js";
import { canonicalRegion } from "../../resource-id.js";
import type { Page } from "../../operation/queries.js";
import type { ResourceReader } from "../ports.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";

/**
 * One page of a subscription's disk encryption sets: those of ARM's page in `region`, perhaps none.
 * Throws ServiceError NotFound for a subscription that ARM does not know, and what the read throws.
 */
export async function listDiskEncryptionSets(
  resources: Pick<ResourceReader, "listDiskEncryptionSets">,
  subscriptionId: string,
  region: string | undefined,
  continuationToken: string | undefined,
): Promise<Page<DiskEncryptionSet>> {
  const page = await resources.listDiskEncryptionSets(subscriptionId, continuationToken);
  if (page === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no subscription ${subscriptionId}, or hides it from Sigil's identity.`,
    );
  const wanted = region === undefined ? undefined : canonicalRegion(region);
  return {
    ...page,
    value: page.value.filter((set) => wanted === undefined || set.region === wanted),
  };
}
