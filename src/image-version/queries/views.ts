import { omit } from "../../objects.js";
import { operationIdOf, type RegionRecord } from "../../operation/records.js";
import { viewRegion } from "../../operation/views.js";
import { canonicalRegion, formatImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest, ImageVersionView } from "../contract.js";
import { shownFields } from "../latest/flags.js";
import { patched } from "../properties/body.js";
import { encryptionOf } from "../state/encryption.js";
import { changesOf } from "../properties/changes.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import { PROMOTION, PROTECTED } from "../properties/table.js";
import { conditionsOf, type Beside } from "./conditions.js";
import type { KnownImageVersion } from "./get.js";
import { viewParents } from "./parents.js";
import { shownOf } from "./shown.js";
import { desired, isManaged, sigilFieldsToBe, ruleInForce } from "../state/fold.js";
import { isFinal } from "../state/states.js";

/** An image version as the API shows it: Azure's resource, and Sigil's state of it at this time. */
export function viewImageVersion(
  known: KnownImageVersion,
  now: Date,
  beside: Beside = {},
): ImageVersionView {
  const { id, look, record } = known;
  const shown = shownOf(look, record);
  if (shown === undefined) throw new TypeError("a version is in Azure, or asked of Sigil");
  const regions = regionsOf(known, shown);
  const { location, tags } = shown;
  return {
    id: formatImageVersionId(id),
    name: id.versionName,
    type: "Microsoft.Compute/galleries/images/versions",
    location: canonicalRegion(location),
    ...(tags && { tags }),
    properties: {
      ...propertiesOf(shown),
      provisioningState: look?.provisioningState ?? "Creating",
      replicationStatus: {
        aggregatedState: aggregatedState(regions),
        summary: regions.map(({ name, state, progress, details }) => ({
          region: name,
          state,
          progress,
          ...(details !== undefined && { details }),
        })),
      },
    },
    sigil: {
      ...sigilOf(known, now, beside),
      regions: regions.map((region) => {
        const { osDiskImage, dataDiskImages } = encryptionOf(
          shown,
          record ?? { encryptionTypes: {}, dataDiskLuns: [] },
          region.name,
        );
        return {
          ...region,
          encryption: { osDiskImage, dataDiskImages: [...dataDiskImages] },
        };
      }),
    },
  } as ImageVersionView;
}

type Sigil = ImageVersionView["sigil"];

/** Sigil's state of the version as a whole. */
function sigilOf(known: KnownImageVersion, now: Date, beside: Beside): Omit<Sigil, "regions"> {
  const { look, record, latest, latestIn, warnings } = known;
  const own = record && sigilFieldsToBe(record);
  const { [PROMOTION]: promotion, [PROTECTED]: isProtected } = own ?? {};
  const conditions = conditionsOf(known, now, beside);
  const { inherited, ...shownBeside } = omit(beside, "gateWaits");
  const createdTime = record?.createdTime ?? look?.publishedDate;
  return {
    managedBy: record && isManaged(record) ? "Sigil" : "Others",
    ...(promotion !== undefined && {
      promotion: promotion as NonNullable<Sigil["promotion"]>,
    }),
    ...(isProtected === true && { protected: true }),
    ...viewParents(record, own, inherited),
    ...(record && ruleInForce(record) && { heldBack: true }),
    ...(record && { operationId: operationIdOf(record), state: record.state }),
    ...(conditions.length > 0 && { conditions: [...conditions] }),
    ...shownBeside,
    latest,
    latestIn: [...latestIn],
    ...(look && { seenTime: look.time }),
    pending: pendingOf(known),
    ...(createdTime !== undefined && {
      createdTime,
      ageSeconds: Math.max(0, Math.floor((now.getTime() - Date.parse(createdTime)) / 1_000)),
    }),
    ...(warnings.length > 0 && {
      warnings: warnings.map((finding) => ({ ...finding })),
    }),
  };
}

/** Azure's resource, with canonical region names. */
function propertiesOf(shown: ImageVersionRequest): Record<string, unknown> {
  const { publishingProfile, ...others } = shown.properties;
  return {
    ...others,
    publishingProfile: {
      ...publishingProfile,
      targetRegions: (publishingProfile?.targetRegions ?? []).map((region) => ({
        ...region,
        name: canonicalRegion(region.name),
      })),
    },
  };
}

interface SeenRegion extends RegionRecord {
  /** When Azure showed it; absent: no look yet. RFC 3339. */
  readonly seenTime?: string;
}

/**
 * Each region as Azure shows it; while an operation runs, also its history. A region without a look
 * is Unknown.
 */
function regionsOf(
  { look, record }: KnownImageVersion,
  shown: ImageVersionRequest,
): readonly SeenRegion[] {
  const running = record !== undefined && !isFinal(record.state);
  const names = [
    ...new Set([
      ...regionsIn(fieldsOf(shown)),
      ...(running ? record.regions.map(({ name }) => name) : []),
    ]),
  ];
  return names.map((name) => {
    const seen = look?.regions.find((region) => region.name === name);
    const followed: RegionRecord = viewRegion(
      record?.regions.find((region) => region.name === name) ?? {
        name,
        state: "Unknown",
        progress: 0,
        attempts: 0,
      },
      running,
    );
    if (seen === undefined)
      return running
        ? { ...followed, ...seenAt(followed, record.status?.time) }
        : { ...followed, state: "Unknown", progress: 0 };
    const known = omit(followed, "details");
    return {
      ...known,
      state: seen.state,
      progress: seen.state === "Completed" ? 100 : seen.progress,
      ...seenAt(seen, look?.regionsTime ?? look?.time),
      ...(seen.details !== undefined && { details: seen.details }),
    };
  });
}

function seenAt(
  { state }: Pick<RegionRecord, "state">,
  time: string | undefined,
): Pick<SeenRegion, "seenTime"> {
  return state === "Unknown" || time === undefined ? {} : { seenTime: time };
}

/** Requested changes that Azure does not show yet, with pointers into the version after them. */
function pendingOf({ look, record }: KnownImageVersion): NonNullable<Sigil["pending"]> {
  if (record === undefined || isFinal(record.state)) return [];
  const { patch } = desired(record);
  const shown = look?.resource;
  return changesOf(unmetBy(shown ? shownFields(shown) : {}, patch), patched(shown, patch));
}

function aggregatedState(
  regions: readonly RegionRecord[],
): "Unknown" | "InProgress" | "Completed" | "Failed" {
  const all = (state: RegionRecord["state"]): boolean =>
    regions.every((region) => region.state === state);
  if (all("Completed")) return "Completed";
  if (all("Unknown")) return "Unknown";
  return regions.some((region) => region.state === "Failed") ? "Failed" : "InProgress";
}
