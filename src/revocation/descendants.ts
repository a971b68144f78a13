/** The descendants of a version, as the answer of a revocation and the listing show them. */
import { orNone, type Finding } from "../errors.js";
import { latestOfListed } from "../image-version/index.js";
import { descendantsOf, inTurns, type Descendant } from "../lineage/descendants.js";
import {
  formatImageVersionId,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import { banOf } from "./bans.js";
import type { RevocationDependencies } from "./ports.js";

export interface KnownDescendant extends Descendant {
  /** Canonical regions. */
  readonly latestIn: readonly string[];
  /** False: Azure could not be asked where it is the latest. */
  readonly known?: false;
  readonly revoked: boolean;
}

export interface KnownDescendants {
  /** Depth first. */
  readonly found: readonly KnownDescendant[];
  /** False: there are more, or Azure does not say which of them are the latest. */
  readonly complete: boolean;
}

/** Reads the list of each image definition from Azure, unless this instance read it in the last 30 seconds. */
export async function knownDescendants(
  { imageVersions, revocations }: RevocationDependencies,
  id: ImageVersionId,
): Promise<KnownDescendants> {
  const { found, complete } = await descendantsOf(imageVersions, formatImageVersionId(id));
  const versions = found.flatMap((one) => {
    const version = parseImageVersionId(one.id);
    return version === undefined ? [] : [{ one, version }];
  });
  const images = [...new Set(versions.map(({ version }) => imageIdOf(version)))];
  const latest = new Map(
    await inTurns(images, (image) =>
      orNone(
        imageVersions.looks
          .versions(image)
          .then((listed) => latestOfListed(imageVersions, image, listed?.candidates ?? [])),
      ),
    ),
  );
  const bans = await inTurns(versions, ({ version }) => banOf(revocations, version));
  return {
    found: bans.map(([{ one, version }, ban]) => ({
      ...one,
      latestIn: [...(latest.get(imageIdOf(version))?.inRegion ?? [])]
        .flatMap(([region, name]) => (name === version.versionName ? [region] : []))
        .sort(),
      ...(latest.get(imageIdOf(version)) === undefined && { known: false as const }),
      revoked: ban !== undefined,
    })),
    complete: complete && [...latest.values()].every((one) => one !== undefined),
  };
}

const FIRST = 10;

/** Counts the descendants and names the first ten. Those that are the latest somewhere come first. */
export function counted({ found, complete }: KnownDescendants) {
  const inLatest = found.filter(({ latestIn }) => latestIn.length > 0);
  const others = found.filter(({ latestIn }) => latestIn.length === 0);
  return {
    count: found.length,
    inLatest: inLatest.length,
    complete,
    first: [...inLatest, ...others].slice(0, FIRST),
  };
}

/** Warns if a descendant is the latest somewhere. */
export function inLatestFindings(
  { count, inLatest, first }: ReturnType<typeof counted>,
  replacement: string | undefined,
): readonly Finding[] {
  if (inLatest === 0) return [];
  const names = first.filter(({ latestIn }) => latestIn.length > 0).slice(0, NAMED);
  return [
    {
      code: "DescendantsInLatest",
      pointer: "",
      severity: "warning",
      message: `${count} version${count === 1 ? " was" : "s were"} built from it, and ${inLatest} ${inLatest === 1 ? "is" : "are"} the latest somewhere: ${names.map(nameOf).join(", ")}${inLatest > names.length ? ", …" : ""}. They stay as they are.`,
      remediation: `Build them again on ${replacement ?? "another version"}. sigil image-version descendants lists them all.`,
    },
  ];
}

const NAMED = 3;

function nameOf({ id }: Descendant): string {
  const version = parseImageVersionId(id);
  return version === undefined ? id : `${version.imageName} ${version.versionName}`;
}
