/** The resources that a request asks Sigil to read, counted before anything is read. Pure. */
import { distinct } from "../../bounded-reads.js";
import { ServiceError } from "../../errors.js";
import { parseResourceId, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Gathered } from "../rules/gathered.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
} from "../properties/disk-encryption-references.js";
import { STORAGE_PROFILE, TARGET_REGIONS } from "../rules/rule.js";
import { namesSource, sourceReferences } from "../properties/source-references.js";

/** Distinct resources; keys are ids in lower case, as ARM compares them. */
interface NamedResources {
  readonly diskEncryptionSets: ReadonlyMap<string, string>;
  readonly sources: ReadonlyMap<string, string>;
  /** Distinct sets that are refused without a read. Each is judged, so they count. */
  readonly otherSets: number;
}

/** The gallery, the image definition, the version and the subscription's regions. */
const PLACES = 4;

/**
 * The resources to read for a canonical request. Another rule reports ids that are no set or
 * source. A set of another subscription is refused in any case, so it is not read.
 */
export function namedResources(
  { subscriptionId }: ImageVersionId,
  request: ImageVersionRequest,
): NamedResources {
  const uses = diskEncryptionReferences(request);
  const diskEncryptionSets = distinct(
    uses
      .filter((use) => namesDiskEncryptionSet(use))
      .map((use) => use.diskEncryptionSetId)
      .filter((set) => parseResourceId(set)?.subscriptionId === subscriptionId.toLowerCase()),
  );
  const all = distinct(uses.map((use) => use.diskEncryptionSetId));
  return {
    diskEncryptionSets,
    otherSets: all.size - diskEncryptionSets.size,
    sources: distinct(
      sourceReferences(request)
        .filter((use) => namesSource(use))
        .map((use) => use.id),
    ),
  };
}

/** The number of resources that were read. */
export function readsOf({
  registrations,
  diskEncryptionSets,
  sources,
  sourceDefinitions,
}: Gathered): number {
  return (
    PLACES + registrations.size + diskEncryptionSets.size + sources.size + sourceDefinitions.size
  );
}

/**
 * Throws ServiceError TooManyReads if more than `most` distinct resources would be read. `found`:
 * those that the sources lead to.
 */
export function requireFewReads(
  most: number,
  registrations: number,
  { diskEncryptionSets, sources, otherSets }: NamedResources,
  found = 0,
): void {
  const sets = diskEncryptionSets.size + otherSets;
  const reads = PLACES + registrations + sets + sources.size + found;
  if (reads <= most) return;
  const ofSources = sources.size + found > sets;
  const message = `This request needs ${reads} reads of Azure: ${sets} disk encryption sets${otherSets === 0 ? "" : ` (with ${otherSets} of other subscriptions, which count as well)`}, ${sources.size + found} sources and their disks, and ${PLACES + registrations} for the gallery, image definition and subscription. SIGIL_MAX_READS allows ${most}.`;
  const remediation = `Publish to some of the regions first and add the others later, use one disk encryption set for several disks of a region, or ask the operator to raise SIGIL_MAX_READS.`;
  throw new ServiceError("TooManyReads", `${message} ${remediation}`, {
    fields: { reads, allowedReads: most, setting: "SIGIL_MAX_READS" },
    findings: [
      {
        code: "TooManyReads",
        pointer: ofSources ? STORAGE_PROFILE : TARGET_REGIONS,
        message,
        severity: "error",
        remediation,
      },
    ],
  });
}
