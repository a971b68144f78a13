/**
 * Turns the options of `az sig image-version create` into the body that az sends to Azure Resource
 * Manager: names become ids, and regions get their counts and keys. It reports an error where az
 * silently ignores an option or loses a key.
 */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";
import { compact, type Place } from "./names.js";
import { edgeZonesOf, targetRegionsOf } from "./regions.js";
import { storageOf } from "./sources.js";

export type Body = Schemas["GalleryImageVersion"];

export function bodyOf(values: Values, place: Place): Body {
  const targetRegions = targetRegionsOf(values, place);
  // az uses the resource group's location. Every source is in the version's location, and the plan
  // refuses a wrong one.
  const location = values.text("--location") ?? targetRegions?.[0]?.name;
  if (location === undefined)
    throw new UsageError(
      "Where? Give --target-regions, --location, or both: the version's own region is --location, or the first of --target-regions.",
    );
  const edgeZones = edgeZonesOf(values, place);
  const tags = tagsOf(values.list("--tags"));
  const safety = compact({
    allowDeletionOfReplicatedLocations: values.boolean("--allow-replicated-location-deletion"),
    blockDeletionBeforeEndOfLife: values.boolean("--block-deletion-before-end-of-life"),
  });
  return {
    location,
    ...(tags && { tags }),
    properties: {
      publishingProfile: compact({
        targetRegions: targetRegions ?? [{ name: location }],
        replicaCount: values.number("--replica-count"),
        storageAccountType: values.text("--storage-account-type"),
        excludeFromLatest: values.boolean("--exclude-from-latest"),
        endOfLifeDate: endOfLifeOf(values.text("--end-of-life-date")),
        replicationMode: values.text("--replication-mode"),
        targetExtendedLocations: edgeZones?.length ? edgeZones : undefined,
      }) as NonNullable<Body["properties"]["publishingProfile"]>,
      storageProfile: storageOf(values, place),
      ...(Object.keys(safety).length > 0 && { safetyProfile: safety }),
    },
  };
}

/** Parses a date as az does: without a time it means 12:59:59 UTC. */
export function endOfLifeOf(date: string | undefined): string | undefined {
  return date === undefined || /t/iu.test(date) ? date : `${date}T12:59:59Z`;
}

/** Undefined if no tags are given; a single `''` means no tags. */
export function tagsOf(list: readonly string[] | undefined): Record<string, string> | undefined {
  if (list === undefined) return undefined;
  return Object.fromEntries(
    list
      .filter((each) => each !== "")
      .map((each) => {
        const [, name = each, value = ""] = /^([^=]*)=(.*)$/su.exec(each) ?? [];
        return [name, value];
      }),
  );
}
