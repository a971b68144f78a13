/** Many regions at once: by name, by geography, or as another version has them. */
import { canonicalRegion, geographiesOf } from "../../geography.js";
import type { ImageName } from "../../routes.js";
import type { VersionSummary } from "../../summaries.js";
import {
  disksOf,
  EMPTY_FORM,
  END_OF_LIFE,
  EXCLUDE,
  NO_RULE,
  OS_DISK,
  promoteWhen,
  ruleOf,
  withRule,
  type Disk,
  type Form,
  type KeyRule,
  type RegionRow,
} from "./form.js";
import { put } from "./json.js";
import { findSet, fittingIn, namedByRule, patternOf, type DiskEncryptionSet } from "./sets.js";

/** The regions that a text names: `westus, East US 2`, one a line, or `Europe`, which is those of the known ones. */
export function regionsIn(text: string, known: readonly string[]): readonly string[] {
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

/** The highest version that a new one can begin with. */
export function usualStart(versions: readonly VersionSummary[]): string | undefined {
  return versions.find(
    ({ provisioningState, state = "Succeeded", conditions = [] }) =>
      provisioningState === "Succeeded" &&
      state === "Succeeded" &&
      !conditions.some(({ type }) => type === "Revoked"),
  )?.name;
}

/**
 * The form of a new version with the values of another one, except its number, source, end of life,
 * protection and what it was built from. Set names with the same pattern everywhere become the rule.
 * If a promotion rule controls latest, the new version's own does.
 */
export function copied(from: Form, image: ImageName): Form {
  const rule = ruleFrom(from.regions, image);
  const isRuled = promoteWhen(from) !== "";
  const left = [
    END_OF_LIFE,
    "/sigil/protected",
    "/sigil/builtFrom",
    ...(isRuled ? [EXCLUDE] : []),
  ].reduce((body, pointer) => put(body, pointer, undefined), from.body);
  return {
    ...from,
    exists: false,
    version: "",
    source:
      from.source.kind === "other"
        ? EMPTY_FORM.source
        : {
            ...from.source,
            id: "",
            osDisk: "",
            dataDisks: from.source.dataDisks.map((disk) => ({ ...disk, source: "" })),
          },
    regions: from.regions.map((region) => ({
      ...region,
      present: false,
      fixed: [],
      exclude: region.exclude && !isRuled,
      sets: Object.fromEntries(
        Object.entries(region.sets).filter(
          ([disk]) => rule[disk === OS_DISK ? "osDisk" : "dataDisks"] === "",
        ),
      ),
    })),
    ...withRule({ body: left }, rule),
  };
}

/**
 * The form with sets for the added regions: by the rule that its other sets, or an earlier
 * version's, follow if such sets exist; otherwise the sets that an earlier version has there.
 */
export function withProposedSets(
  form: Form,
  added: readonly string[],
  {
    image,
    sets,
    earlier,
  }: {
    readonly image: ImageName;
    readonly sets: readonly DiskEncryptionSet[];
    /** Versions of the image definition that have the regions, the highest first. */
    readonly earlier: readonly Form[];
  },
): Form {
  const own = ruleOf(form);
  if (own.tag !== "") return form;
  const fitting = fittingIn(form, sets, image.subscriptionId);
  const isAdded = ({ name }: RegionRow): boolean => added.includes(canonicalRegion(name));
  const isFound = (rule: KeyRule, region: RegionRow, disk: Disk): boolean =>
    namedByRule(withRule(form, rule), image, fitting, region, disk)?.set !== undefined;
  const patternIn = (member: "osDisk" | "dataDisks"): string =>
    [form, ...earlier].flatMap((from) => {
      const pattern = ruleFrom(from.regions, image)[member];
      return form.regions
        .filter(isAdded)
        .some((region) =>
          disksOf(from).some((disk) => isFound({ ...NO_RULE, [member]: pattern }, region, disk)),
        )
        ? [pattern]
        : [];
    })[0] ?? "";
  const rule = {
    ...own,
    osDisk: own.osDisk || patternIn("osDisk"),
    dataDisks: own.dataDisks || patternIn("dataDisks"),
  };
  const earlierSets = (region: RegionRow): RegionRow["sets"] => {
    const there = earlier
      .flatMap(({ regions }) => regions)
      .find(({ name }) => canonicalRegion(name) === canonicalRegion(region.name));
    return Object.fromEntries(
      Object.entries(there?.sets ?? {}).filter(
        ([disk, id]) =>
          !isFound(rule, region, disk) && findSet(fitting(region, disk), id) !== undefined,
      ),
    );
  };
  return {
    ...withRule(form, rule),
    regions: form.regions.map((region) =>
      isAdded(region) ? { ...region, sets: { ...earlierSets(region), ...region.sets } } : region,
    ),
  };
}

const RULE_EXAMPLE: KeyRule = {
  osDisk: "{region}-os",
  dataDisks: "{region}-data-{lun}",
  tag: "image=golden",
};

/**
 * The placeholders of an empty rule: the pattern of the newest version for that kind of disk, or an
 * example.
 */
export function suggestedRule(
  newest: Pick<Form, "regions"> | undefined,
  image: ImageName,
): KeyRule {
  const { osDisk, dataDisks } = ruleFrom(newest?.regions ?? [], image);
  return {
    ...RULE_EXAMPLE,
    ...(osDisk && { osDisk }),
    ...(dataDisks && { dataDisks }),
  };
}

function ruleFrom(regions: readonly RegionRow[], { resourceGroupName }: ImageName): KeyRule {
  const patternIn = (ofOs: boolean): string => {
    const patterns = regions.flatMap(({ name, sets }) =>
      Object.entries(sets)
        .filter(([disk]) => (disk === OS_DISK) === ofOs)
        .map(([disk, id]) => {
          const pattern = patternOf(id, name);
          const group = /\/resourceGroups\/([^/]+)\//iu.exec(id)?.[1] ?? "";
          if (pattern === undefined) return "";
          return [
            ...(group.toLowerCase() === resourceGroupName.toLowerCase() ? [] : [group]),
            ofOs ? pattern : pattern.replace(new RegExp(`-${disk}$`, "u"), "-{lun}"),
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
