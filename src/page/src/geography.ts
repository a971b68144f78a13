export interface Geography {
  readonly name: string;
  /** On a phone. */
  readonly short: string;
  readonly regions: readonly string[];
}

/** In the order in which they are shown. */
const GEOGRAPHIES: readonly (readonly [name: string, short: string, regions: RegExp])[] = [
  ["Americas", "Am", /us\d?(?:euap|stg)?$|^(?:brazil|canada|chile|mexico|us)/u],
  [
    "Europe",
    "Eu",
    /europe|^(?:austria|belgium|denmark|finland|france|germany|greece|italy|norway|poland|spain|sweden|switzerland|uk)/u,
  ],
  ["Middle East, Africa", "ME", /africa|^(?:israel|qatar|saudi|uae)/u],
  [
    "Asia Pacific",
    "AP",
    /asia|india|^(?:australia|china|indonesia|japan|korea|malaysia|newzealand|taiwan)/u,
  ],
  ["Elsewhere", "…", /^/u],
];

/** Regions by where they are, and by name; what is not known is in "Elsewhere". */
export function geographiesOf(regions: readonly string[]): readonly Geography[] {
  const left = new Set([...regions].sort());
  return GEOGRAPHIES.flatMap(([name, short, pattern]) => {
    const those = [...left].filter((region) => pattern.test(region) && left.delete(region));
    return those.length === 0 ? [] : [{ name, short, regions: those }];
  });
}

/** As Azure compares regions. */
export function canonicalRegion(name: string): string {
  return name.toLowerCase().replaceAll(" ", "");
}

/** `9 regions`, `1 region`. */
export function regionCount(count: number): string {
  return `${count} ${count === 1 ? "region" : "regions"}`;
}

/** As many names as fit in a line: `a, b, and 3 more`. */
export function namesText(names: readonly string[], most = 3): string {
  return names.length <= most
    ? names.join(", ")
    : `${names.slice(0, most - 1).join(", ")}, and ${names.length - most + 1} more`;
}
