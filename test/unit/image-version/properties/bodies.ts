/** Bodies that the contract allows, and what Azure Resource Manager shows of them. */
import fc from "fast-check";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { valuesOf } from "../../../fuzz/schema-values.js";

type Json = Record<string, unknown>;

/** Few names, so that two bodies have some in common, each in the spellings that mean the same. */
const REGIONS = [
  ["westus", "West US", "WESTUS"],
  ["eastus2", "East US 2", "EastUS2"],
  ["uksouth", "UK South", "uk south"],
] as const;
const TAGS = ["build", "Build", "a/b~c", "__proto__", "constructor", ""];
const ZONES = ["losangeles", "Los Angeles 2", ""];

/** Requests as callers write them; each region, edge zone, LUN and tag once, as the rules demand. */
export const bodies: fc.Arbitrary<ImageVersionRequest> = fc
  .record({
    body: valuesOf({ $ref: "#/components/schemas/GalleryImageVersion" }),
    tags: fc.option(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...TAGS), fc.constantFrom("1", "2", "")), {
        selector: ([name]) => name.toLowerCase(),
        maxLength: 4,
      }),
      { nil: undefined },
    ),
    regions: fc.shuffledSubarray([...REGIONS], { minLength: 1 }),
    spelling: fc.nat({ max: 2 }),
  })
  .map(({ body, tags, regions, spelling }) => {
    const form = structuredClone(body) as Json;
    const properties = form["properties"] as Json;
    const profile = properties["publishingProfile"] as Json | undefined;
    const sigil = form["sigil"] as { builtFrom?: readonly string[] } | undefined;
    if (sigil?.builtFrom !== undefined)
      sigil.builtFrom = [
        ...new Map(sigil.builtFrom.map((id) => [id.toLowerCase(), id] as const)).values(),
      ];
    delete form["tags"];
    form["location"] = regions[0]?.[spelling];
    const named = (list: unknown): unknown =>
      Array.isArray(list)
        ? (list as Json[]).slice(0, regions.length).map((region, i) => ({
            ...region,
            name: regions[i]?.[spelling],
            ...(region["encryption"] !== undefined && {
              encryption: oncePerLun(region["encryption"] as Json),
            }),
          }))
        : list;
    if (profile !== undefined) {
      profile["targetRegions"] = named(profile["targetRegions"]);
      const zones = named(profile["targetExtendedLocations"]);
      profile["targetExtendedLocations"] = Array.isArray(zones)
        ? (zones as Json[]).map((zone, i) => ({
            ...zone,
            extendedLocation: { ...(zone["extendedLocation"] as Json | undefined), name: ZONES[i] },
          }))
        : zones;
    }
    const storage = properties["storageProfile"] as Json | undefined;
    if (storage !== undefined) properties["storageProfile"] = oncePerLun(storage);
    // As it comes over the wire: what is undefined is not there.
    const text = JSON.stringify(form);
    return JSON.parse(
      tags === undefined
        ? text
        : `{"tags":{${tags.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}},${text.slice(1)}`,
    ) as ImageVersionRequest;
  });

function oncePerLun(holder: Json): Json {
  const disks = holder["dataDiskImages"];
  return Array.isArray(disks)
    ? {
        ...holder,
        dataDiskImages: (disks as Json[]).map((disk, lun) => ({ ...disk, lun: lun * 7 })),
      }
    : holder;
}

/** What ARM shows of a version that was asked for so: its own spellings, its defaults, what it alone sets, and what is newer. */
export function shownBy(body: ImageVersionRequest): ImageVersionRequest {
  const { sigil: _, ...request } = canonicalForm(body);
  const form = structuredClone(request) as unknown as Json;
  const properties = form["properties"] as Json;
  const profile = properties["publishingProfile"] as Json;
  const regions = (profile["targetRegions"] as Json[]).map((region) => ({
    regionalReplicaCount: 1,
    excludeFromLatest: false,
    ...region,
    name: REGIONS.find(([name]) => name === region["name"])?.[1],
    newInRegion: { as: "ARM has it" },
  }));
  return {
    ...form,
    id: "/subscriptions/s/versions/1.0.0",
    name: "1.0.0",
    type: "Microsoft.Compute/galleries/images/versions",
    etag: "1",
    systemData: { createdBy: "somebody" },
    properties: {
      ...properties,
      provisioningState: "Succeeded",
      replicationStatus: { aggregatedState: "Completed" },
      publishingProfile: {
        replicaCount: 1,
        excludeFromLatest: false,
        replicationMode: "Full",
        ...profile,
        targetRegions: regions,
        publishedDate: "2026-01-01T00:00:10.1234567+00:00",
      },
      safetyProfile: {
        allowDeletionOfReplicatedLocations: false,
        ...(properties["safetyProfile"] as Json | undefined),
        reportedForPolicyViolation: false,
      },
      newInProperties: ["of a newer API version"],
    },
  } as unknown as ImageVersionRequest;
}

/** The same request as another caller may write it. */
export function otherwiseWritten(body: ImageVersionRequest): ImageVersionRequest {
  return rewritten(body) as ImageVersionRequest;
}

function rewritten(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => rewritten(item, name));
    // One wave follows the other.
    return name === "waves" ? items : items.reverse();
  }
  if (typeof value === "object" && value !== null)
    return name === "tags"
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([member, item]) => [member, rewritten(item, member)]),
        );
  if (typeof value !== "string") return value;
  if (/Id$|^id$/u.test(name)) return `${value.toUpperCase()}/`;
  return /^(?:hostCaching|storageAccountType|replicationMode)$/u.test(name)
    ? value.toLowerCase()
    : value;
}
