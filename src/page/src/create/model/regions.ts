/** Many regions at once: by name, by geography, or as another version has them. */
import { canonicalRegion, geographiesOf } from "../../geography.js";
import type { ImageName } from "../../routes.js";
import {
  NO_RULE,
  OS_DISK,
  type Disk,
  type Form,
  type KeyRule,
  type RegionRow,
} from "./form.js";
import { patternOf } from "./sets.js";

/** The regions that a text names: `westus, East US 2`, one a line, or `Europe`, which is those of the known ones. */
export function regionsIn(
  text: string,
  known: readonly string[],
): readonly string[] {
  const all = geographiesOf(known);
  const found = text.split(/[,;\n]+/u).flatMap((part) => {
    const wanted = part.trim().toLowerCase();
    const geography = all.find(({ name }) => name.toLowerCase() === wanted);
    if (geography !== undefined) return geography.regions;
    // A name of several words is Azure's display name; words that are regions themselves are a list of them.
    const words = wanted.split(/\s+/u).filter((word) => word !== "");
    return words.length > 1 && words.every((word) => known.includes(word))
      ? words
      : [canonicalRegion(wanted)];
  });
  return [...new Set(found)].filter((name) => name !== "");
}

/** The form with the regions, keys and promotion of another version. Keys that are named alike everywhere become the rule. */
export function copied(form: Form, from: Form, image: ImageName): Form {
  const rule = ruleFrom(from.regions, image);
  const byRule = (disk: Disk): boolean =>
    (disk === OS_DISK ? rule.osDisk : rule.dataDisks) !== "";
  return {
    ...form,
    promoteWhen: from.promoteWhen,
    promoteRegions: from.promoteRegions,
    waves: from.waves,
    rollBack: from.rollBack,
    encryption: from.encryption,
    confidentialType: from.confidentialType,
    confidentialData: from.confidentialData,
    rule,
    regions: from.regions.map((region) => ({
      ...region,
      present: false,
      fixed: [],
      sets: Object.fromEntries(
        Object.entries(region.sets).filter(([disk]) => !byRule(disk)),
      ),
    })),
  };
}

function ruleFrom(
  regions: readonly RegionRow[],
  { resourceGroupName }: ImageName,
): KeyRule {
  const patternIn = (ofOs: boolean): string => {
    const patterns = regions.flatMap(({ name, sets }) =>
      Object.entries(sets)
        .filter(([disk]) => (disk === OS_DISK) === ofOs)
        .map(([disk, id]) => {
          const pattern = patternOf(id, name);
          const group = /\/resourceGroups\/([^/]+)\//iu.exec(id)?.[1] ?? "";
          if (pattern === undefined) return "";
          return [
            ...(group.toLowerCase() === resourceGroupName.toLowerCase()
              ? []
              : [group]),
            ofOs
              ? pattern
              : pattern.replace(new RegExp(`-${disk}$`, "u"), "-{lun}"),
          ].join("/");
        }),
    );
    const [first = "", ...others] = new Map(
      patterns.map((each) => [each.toLowerCase(), each]),
    ).values();
    return others.length === 0 ? first : "";
  };
  return { ...NO_RULE, osDisk: patternIn(true), dataDisks: patternIn(false) };
}
