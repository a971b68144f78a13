import { canonicalRegion } from "../../resource-id.js";
import type { ImageSummaryView, ImageVersionRequest, ImageVersionView } from "../contract.js";
import { keyIn, type KeyStatesBySet } from "../../keys/version-keys.js";
import { omit } from "../../objects.js";
import { latestIn } from "../latest/flags.js";

export type Summary = ImageSummaryView["versions"][number];

/**
 * A version before its sets are numbered, and before the other versions decide which is the latest.
 */
export interface Shown extends Omit<Summary, "latest" | "keys" | "regions"> {
  readonly regions: readonly (Omit<Summary["regions"][number], "latest" | "diskEncryptionSets"> & {
    readonly sets: readonly string[];
  })[];
}

/** The summary of a version. */
export function summaryOf({ name, properties, sigil }: ImageVersionView): Shown {
  const { publishingProfile: profile, provisioningState } = properties;
  const included = latestIn({
    location: "",
    properties,
  } as ImageVersionRequest);
  return {
    name,
    managedBy: sigil.managedBy,
    provisioningState,
    ...(sigil.state && { state: sigil.state }),
    ...(sigil.operationId && { operationId: sigil.operationId }),
    ...(sigil.conditions && { conditions: sigil.conditions }),
    excludeFromLatest: included.length === 0,
    ...(sigil.heldBack === true && { heldBack: true }),
    ...(sigil.rollout && { rollout: sigil.rollout }),
    ...(profile.endOfLifeDate && { endOfLifeDate: profile.endOfLifeDate }),
    ...(profile.publishedDate && { publishedDate: profile.publishedDate }),
    ...seenIn(sigil.regions),
    regions: sigil.regions.map((region) => {
      const target = profile.targetRegions?.find(
        (each) => canonicalRegion(each.name) === region.name,
      );
      const { osDiskImage, dataDiskImages } = region.encryption;
      const ids = [osDiskImage, ...dataDiskImages]
        .flatMap((disk) => [disk.diskEncryptionSetId, disk.secureVMDiskEncryptionSetId])
        .filter((id) => id !== undefined);
      const replicas = target?.regionalReplicaCount ?? profile.replicaCount;
      const storage = target?.storageAccountType ?? profile.storageAccountType;
      return {
        name: region.name,
        state: region.state,
        progress: region.progress,
        excludeFromLatest: !included.includes(region.name),
        encryptionType: osDiskImage.type,
        sets: [...new Set(ids)],
        ...(replicas !== undefined && { regionalReplicaCount: replicas }),
        ...(storage && { storageAccountType: storage }),
        ...(region.expectedEndTime && {
          expectedEndTime: region.expectedEndTime,
        }),
        ...(region.nextAttemptTime && {
          nextAttemptTime: region.nextAttemptTime,
        }),
        ...(region.stalledTime && { stalledTime: region.stalledTime }),
      };
    }),
  };
}

/** One look shows all regions of a version. */
function seenIn(regions: ImageVersionView["sigil"]["regions"]): Pick<Summary, "seenTime"> {
  const seen = regions.find(({ seenTime }) => seenTime !== undefined);
  return seen?.seenTime === undefined ? {} : { seenTime: seen.seenTime };
}

/** The age of the looks behind a summary. */
export function ageOf(versions: readonly Summary[]): ImageSummaryView["seen"] {
  const times = versions
    .flatMap(({ seenTime }) => seenTime ?? [])
    .sort((a, b) => Date.parse(a) - Date.parse(b));
  const [oldest] = times;
  const newest = times.at(-1);
  return {
    ...(newest !== undefined && { newest }),
    ...(oldest !== undefined && { oldest }),
    never: versions.length - times.length,
  };
}

/** Two runs of the key guardian. */
const SEEN_LATELY_MS = 2 * 3_600_000;

/** Each set with a known state, by its index in `ids`. */
export function keysOf(
  ids: readonly string[],
  states: KeyStatesBySet | undefined,
  now: Date,
): NonNullable<ImageSummaryView["keys"]> {
  return ids.flatMap((id, diskEncryptionSet) => {
    const state = states?.get(id.toLowerCase());
    return state === undefined
      ? []
      : [
          {
            diskEncryptionSet,
            seenTime: state.lookedTime,
            seenLately:
              state.notSeen.length === 0 &&
              now.getTime() - Date.parse(state.lookedTime) < SEEN_LATELY_MS,
            ...(state.since !== undefined && { since: state.since }),
            ...keyIn(state),
            problems: state.problems.map((problem) => ({
              ...omit(problem, "seenBy"),
              breaks: [...problem.breaks],
            })),
            notSeen: state.notSeen.map((one) => ({ ...one })),
          },
        ];
  });
}

/** Each set once, ignoring case. */
export class Sets {
  readonly ids: string[] = [];
  readonly #places = new Map<string, number>();

  placeOf(id: string): number {
    const known = this.#places.get(id.toLowerCase());
    if (known !== undefined) return known;
    this.#places.set(id.toLowerCase(), this.ids.length);
    return this.ids.push(id) - 1;
  }
}
