import { regionField, regionOf, sameAt, valueAt, type Fields } from "./fields.js";
import type { Unmet } from "./patch.js";

/**
 * The differences between two versions; `after` null: the second has no value. A missing region is
 * one difference, by its name.
 */
export function differences(before: Fields, after: Fields): readonly Unmet[] {
  const isOfGone = (field: string): boolean => {
    const name = `${regionField(regionOf(field) ?? "")}/name`;
    return name in before && !(name in after) && field !== name;
  };
  return [
    ...Object.entries(after).flatMap(([field, value]): Unmet[] => {
      const old = valueAt(before, field);
      return sameAt(field, old, value) ? [] : [{ field, before: old, after: value }];
    }),
    ...Object.entries(before).flatMap(([field, value]): Unmet[] =>
      valueAt(after, field) === undefined && !sameAt(field, value, undefined) && !isOfGone(field)
        ? [{ field, before: value, after: null }]
        : [],
    ),
  ];
}

/** Regions that existed and that the changes remove. */
export function lostIn(changes: readonly Unmet[]): readonly string[] {
  return changes.flatMap(({ field, before, after }) => {
    const region = regionOf(field);
    return region !== undefined &&
      field === `${regionField(region)}/name` &&
      before !== undefined &&
      after === null
      ? [region]
      : [];
  });
}
