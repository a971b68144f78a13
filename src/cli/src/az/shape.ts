/** A version as az shows it: the members of `properties` stand next to `name`. */
import type { Schemas } from "@sigil/client";

type ImageVersion = Schemas["ImageVersion"];

/** The members that `--query` and `--set` name in az, and `sigil`. */
export type AzVersion = Omit<ImageVersion, "properties"> &
  ImageVersion["properties"] & { readonly resourceGroup: string };

const OWN = ["id", "name", "type", "location", "tags", "sigil"];

export function toAz({ properties, ...version }: ImageVersion): AzVersion {
  const [, resourceGroup = ""] = /\/resourceGroups\/([^/]+)\//iu.exec(version.id) ?? [];
  return { ...version, ...properties, resourceGroup };
}

export function fromAz(version: AzVersion): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(version))
    if (name !== "resourceGroup") (OWN.includes(name) ? own : properties)[name] = value;
  return { ...own, properties };
}

/** "East US 2" and eastus2 are one region. */
export function canonicalRegion(name: unknown): string {
  return String(name).toLowerCase().replaceAll(" ", "");
}
