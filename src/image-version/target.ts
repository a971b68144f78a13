/** What ARM shall be told, made of what is desired and what ARM has: every update carries every region, with its keys. */
import { canonicalForm, targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest, TargetRegion } from "./contract.js";
import type { ObservedImageVersion } from "./ports.js";
import { differsFrom, regionsOtherwise } from "./read-back.js";
import type { ImageVersionRecord } from "./records.js";

type Desired = Pick<
  ImageVersionRecord,
  "request" | "fingerprint" | "removing" | "repairing"
>;

export interface Target {
  /** The whole body of an update. */
  readonly request: ImageVersionRequest;
  /** Regions that ARM has beyond what is desired: somebody else's, which are kept. */
  readonly foreign: readonly string[];
  /** Regions that ARM shows with other replicas or keys than they shall have. */
  readonly changing: readonly string[];
  /** What is sent, named: a target that was sent and does not come true was lost by ARM. */
  readonly name: string;
  /** True while ARM shows something else. */
  readonly differs: boolean;
}

/** ARM is changing the version, or has not shown that it has done with it: it refuses another update now. */
export function isBusy({ provisioningState }: ObservedImageVersion): boolean {
  return !["Succeeded", "Failed"].includes(provisioningState);
}

export function targetOf(
  { request, fingerprint, removing, repairing }: Desired,
  observed: ObservedImageVersion,
): Target {
  const shown = writable(observed);
  const existing = new Map(
    targetRegionsOf(shown).map((region) => [region.name, region]),
  );
  const desired = targetRegionsOf(request).filter(
    (region) => !repairing.includes(region.name),
  );
  const wanted = targetRegionsOf(request).map((region) => region.name);
  const foreign = [...existing.keys()].filter(
    (name) => !wanted.includes(name) && !removing.regions.includes(name),
  );
  const targetRegions = [
    ...desired.map((region) => completed(region, existing.get(region.name))),
    ...foreign.flatMap((name) => existing.get(name) ?? []),
  ];
  const names = targetRegions.map((region) => region.name);
  // ARM removes a region only from a version whose safety profile allows it: opened for that update, closed by the next.
  const opened = [...existing.keys()].some((name) => !names.includes(name));
  const { publishingProfile, safetyProfile, ...others } = request.properties;
  const shownProfile = shown.properties.publishingProfile ?? {};
  const tags = {
    ...without(shown.tags, removing.tags),
    ...request.tags,
  };
  const target: ImageVersionRequest = {
    ...request,
    ...(Object.keys(tags).length > 0 && { tags }),
    properties: {
      ...others,
      publishingProfile: {
        ...(shownProfile.endOfLifeDate !== undefined && {
          endOfLifeDate: shownProfile.endOfLifeDate,
        }),
        ...(shownProfile.targetExtendedLocations !== undefined && {
          targetExtendedLocations: shownProfile.targetExtendedLocations,
        }),
        ...publishingProfile,
        targetRegions,
      },
      safetyProfile: {
        ...shown.properties.safetyProfile,
        ...safetyProfile,
        allowDeletionOfReplicatedLocations:
          opened ||
          (safetyProfile?.allowDeletionOfReplicatedLocations ?? false),
      },
    },
  };
  return {
    request: target,
    foreign,
    changing: [...regionsOtherwise(target, observed.request)],
    name: targetName({ fingerprint, repairing }, opened),
    differs: opened || differsFrom(target, observed.request).length > 0,
  };
}

/** Names what is sent of a record, with the safety profile opened or not. */
export function targetName(
  { fingerprint, repairing }: Pick<Desired, "fingerprint" | "repairing">,
  opened = false,
): string {
  return JSON.stringify([fingerprint, [...repairing].sort(), opened]);
}

/** A region that ARM has keeps the storage type that it got there: it cannot be changed. */
function completed(
  region: TargetRegion,
  existing: TargetRegion | undefined,
): TargetRegion {
  const storageAccountType =
    region.storageAccountType ?? existing?.storageAccountType;
  return {
    ...region,
    ...(storageAccountType !== undefined && { storageAccountType }),
  };
}

/** What can be written of what ARM shows, in canonical form. */
export function writable({
  request: { location, tags, properties },
}: ObservedImageVersion): ImageVersionRequest {
  const { publishingProfile, safetyProfile, storageProfile } = properties;
  const { allowDeletionOfReplicatedLocations, blockDeletionBeforeEndOfLife } =
    safetyProfile ?? {};
  return canonicalForm({
    location,
    ...(tags && { tags }),
    properties: {
      storageProfile,
      ...(publishingProfile && { publishingProfile }),
      safetyProfile: {
        ...(allowDeletionOfReplicatedLocations !== undefined && {
          allowDeletionOfReplicatedLocations,
        }),
        ...(blockDeletionBeforeEndOfLife !== undefined && {
          blockDeletionBeforeEndOfLife,
        }),
      },
    },
  });
}

function without(
  tags: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags ?? {}).filter(([name]) => !names.includes(name)),
  );
}
