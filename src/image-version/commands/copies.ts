/**
 * The copies that Azure keeps of a version after a planned change: their content, and how long new
 * ones usually take. Pure.
 */
import type { ImageVersionRequest, PlanView } from "../contract.js";
import { regionsOf, targetRegionsOf } from "../properties/canonical-form.js";
import type { Gathered } from "../rules/gathered.js";
import { storageTakenIn } from "../rules/place/storage-chosen-by-azure.js";
import { sourceOf } from "../rules/source.js";
import type { UsualTimes } from "../state/usual.js";

/** The replicas of one storage account type in one region. */
type PlannedCopies = NonNullable<PlanView["copies"]>[number];

/** `document`: the version after the change, canonical. */
export function plannedCopies(
  document: ImageVersionRequest,
  shown: ImageVersionRequest | undefined,
  gathered: Pick<Gathered, "sources" | "sourceDefinitions" | "regions">,
  usual: UsualTimes,
): PlannedCopies[] {
  const profile = document.properties.publishingProfile ?? {};
  const there = shown === undefined ? [] : regionsOf(shown);
  const size = sizeOf(document, shown, gathered);
  return targetRegionsOf(document).flatMap((region) => {
    const isNew = !there.includes(region.name);
    const expected = isNew ? usual.get(region.name) : undefined;
    const storage =
      region.storageAccountType ??
      profile.storageAccountType ??
      (isNew ? storageTakenIn(document, gathered, region.name) : undefined);
    return [
      {
        regionalReplicaCount: region.regionalReplicaCount ?? 1,
        storageAccountType: storage,
      },
      ...(region.additionalReplicaSets ?? []),
    ].map(({ regionalReplicaCount, storageAccountType }): PlannedCopies => ({
      region: region.name,
      replicas: regionalReplicaCount ?? 1,
      ...(storageAccountType && { storageAccountType }),
      ...(size !== undefined && { sizeInGB: size }),
      ...(isNew && { isNew }),
      ...(expected && { usual: expected }),
    }));
  });
}

/**
 * GB of all disks, as Azure shows them on the version, or on its source if there is no version yet.
 */
function sizeOf(
  document: ImageVersionRequest,
  shown: ImageVersionRequest | undefined,
  gathered: Pick<Gathered, "sources" | "sourceDefinitions">,
): number | undefined {
  const { osDiskImage, dataDiskImages = [] } = (shown?.properties.storageProfile ?? {}) as {
    readonly osDiskImage?: { readonly sizeInGB?: number };
    readonly dataDiskImages?: readonly { readonly sizeInGB?: number }[];
  };
  const source = sourceOf(document, gathered);
  const disks =
    shown !== undefined
      ? [osDiskImage, ...dataDiskImages]
      : source === undefined
        ? []
        : [source.osDisk, ...source.dataDisks.values()];
  const sizes = disks.flatMap((disk) => disk?.sizeInGB ?? []);
  return disks.length === 0 || sizes.length < disks.length
    ? undefined
    : sizes.reduce((sum, one) => sum + one, 0);
}

/**
 * The most that all copies hold, as one sentence in the units of a price list. `home`: the
 * version's own region.
 */
export function storageSentence(copies: readonly PlannedCopies[], home: string): string {
  const replicas = copies.reduce((sum, one) => sum + one.replicas, 0);
  const [size] = copies.flatMap(({ sizeInGB }) => sizeInGB ?? []);
  const all = copies.map(
    (one) =>
      `${one.region} ${one.replicas} × ${size === undefined ? "" : `${size} GB `}${one.storageAccountType ?? "storage that Azure chooses"}`,
  );
  const sum =
    size === undefined
      ? "of a size that the source does not show"
      : `at most ${replicas * size} GB`;
  const sent = newRegions(copies).filter(({ region }) => region !== home);
  return `${all.join(", ")}: ${counted(replicas, "replica")}, ${sum}${sent.length === 0 ? "" : `; ${counted(sent.length, "copy", "copies")} over the network`}.`;
}

/** How long new copies usually take, as one sentence; undefined: there are none. */
export function durationSentence(copies: readonly PlannedCopies[]): string | undefined {
  const all = newRegions(copies).map(({ region, usual }) =>
    usual === undefined
      ? `${region} not known yet`
      : `${region} usually ${minutes(usual.p50Seconds)}, nine of ten within ${minutes(usual.p90Seconds)} (${counted(usual.ends, "copy", "copies")})`,
  );
  return all.length === 0 ? undefined : `${all.join("; ")}.`;
}

function newRegions(copies: readonly PlannedCopies[]): readonly PlannedCopies[] {
  return copies.filter(
    ({ region, isNew }, i) =>
      isNew === true && copies.findIndex((one) => one.region === region) === i,
  );
}

function minutes(seconds: number): string {
  return `${Math.max(1, Math.round(seconds / 60))} min`;
}

function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
