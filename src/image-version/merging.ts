/**
 * Brings together what several callers ask of one version. Pure. What one asks and another is silent about is done; where
 * they contradict each other, nothing is decided. Invariants:
 *  1. The merged request says all that both say; what a caller leaves out, against what the version was when it asked, it
 *     takes away, unless the other has added it.
 *  2. A caller's own regions and disks come first, in its order: a pointer into its request is one into the merged.
 *  3. No merger takes a region away or changes what is immutable.
 */
import { escapePointer, type Finding } from "../errors.js";
import { comparable } from "./canonical-form.js";
import { isMutable } from "./change.js";
import { identityOf, type PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";
import { differenceOf } from "./differences.js";
import type { Known } from "./facts.js";
import { governed } from "./promotion.js";
import { excessReplicas, replicaLimit } from "./rules/replica-limit.js";

/** The request that does what both ask, or where they contradict each other. */
export type Merger =
  | { readonly kind: "merged"; readonly request: ImageVersionRequest }
  | {
      readonly kind: "conflict";
      readonly conflicts: readonly PropertyChange[];
    };

/** One value as the version was, as it is desired already, and as it is asked for now. */
interface Versions {
  readonly base: unknown;
  readonly desired: unknown;
  readonly asked: unknown;
}

const EXCLUDE_FROM_LATEST = "/properties/publishingProfile/excludeFromLatest";

/** Merges two canonical requests of one version; `base` is what it was before both, undefined where it was not. */
export function merge(
  base: ImageVersionRequest | undefined,
  desired: ImageVersionRequest,
  asked: ImageVersionRequest,
): Merger {
  const conflicts: PropertyChange[] = [];
  const unruled = base === undefined && desired.sigil?.promotion === undefined;
  const given = governed(asked, unruled ? undefined : desired);
  const request = mergeValue("", { base, desired, asked: given }, conflicts);
  // Of a version that is yet to be made, silence says that it is not held back.
  const [one, other] = [desired, given].map(
    ({ properties }) => properties.publishingProfile?.excludeFromLatest,
  );
  if (base === undefined && one !== other)
    conflicts.push(changeOf(EXCLUDE_FROM_LATEST, one, other));
  return conflicts.length > 0
    ? { kind: "conflict", conflicts }
    : { kind: "merged", request: request as ImageVersionRequest };
}

/** Where a request contradicts what is being done with a version, or asks too much with it; none where both can be done. */
export function contradictions(
  { base, request }: Pick<Known, "base" | "request">,
  asked: ImageVersionRequest,
): readonly Finding[] {
  const merger = merge(base, request, asked);
  return merger.kind === "merged"
    ? excessReplicas(merger.request).map(({ pointer, message }) => ({
        code: replicaLimit.code,
        pointer,
        message,
      }))
    : merger.conflicts.map(differenceOf);
}

function mergeValue(
  pointer: string,
  values: Versions,
  conflicts: PropertyChange[],
): unknown {
  const { base, desired, asked } = values;
  if (same(pointer, desired, asked)) return desired;
  if (isList(desired) && isList(asked))
    return mergeList(pointer, { base, desired, asked }, conflicts);
  if (isObject(desired ?? {}) && isObject(asked ?? {}))
    return mergeObject(pointer, values, conflicts);
  return mergeLeaf(pointer, values, conflicts);
}

function mergeObject(
  pointer: string,
  { base, desired, asked }: Versions,
  conflicts: PropertyChange[],
): unknown {
  const [before, wanted, given] = [base, desired, asked].map((value) =>
    isObject(value) ? value : {},
  ) as [Fields, Fields, Fields];
  const merged = [
    ...new Set([...Object.keys(given), ...Object.keys(wanted)]),
  ].flatMap((key) => {
    const value = mergeValue(
      `${pointer}/${escapePointer(key)}`,
      { base: before[key], desired: wanted[key], asked: given[key] },
      conflicts,
    );
    return value === undefined ? [] : [[key, value] as const];
  });
  return merged.length === 0 ? undefined : Object.fromEntries(merged);
}

/** Items are matched by what names them: a region's name, a disk's LUN. */
function mergeList(
  pointer: string,
  {
    base,
    desired,
    asked,
  }: { base: unknown; desired: readonly unknown[]; asked: readonly unknown[] },
  conflicts: PropertyChange[],
): unknown {
  const named = (list: unknown): Map<string, unknown> =>
    new Map(
      (isList(list) ? list : []).map((item) => [
        identityOf(item) ?? JSON.stringify(item),
        item,
      ]),
    );
  const [before, wanted, given] = [named(base), named(desired), named(asked)];
  const own = [...given].map(([name, item], i) =>
    wanted.has(name) || before.has(name)
      ? mergeValue(
          `${pointer}/${i}`,
          {
            base: before.get(name),
            desired: wanted.get(name),
            asked: item,
          },
          conflicts,
        )
      : added(`${pointer}/${i}`, undefined, item, item, conflicts),
  );
  const others = [...wanted]
    .filter(([name]) => !given.has(name))
    .map(([name, item]) => {
      // Invariant 3: what the version had and this request leaves out is no merger.
      if (before.has(name))
        conflicts.push({
          pointer,
          propertyChangeType: "Delete",
          before: item,
        });
      return added(pointer, item, undefined, item, conflicts);
    });
  return [...own, ...others];
}

/** An item that one of the two adds. */
function added(
  pointer: string,
  before: unknown,
  after: unknown,
  item: unknown,
  conflicts: PropertyChange[],
): unknown {
  if (!isMutable({ pointer })) conflicts.push(changeOf(pointer, before, after));
  return item;
}

function mergeLeaf(
  pointer: string,
  { base, desired, asked }: Versions,
  conflicts: PropertyChange[],
): unknown {
  const unchangedByOther = same(pointer, base, desired);
  if (isMutable({ pointer })) {
    if (unchangedByOther && !same(pointer, base, asked)) return asked;
    if (base === undefined && asked === undefined) return desired;
    if (isRaise(pointer, desired, asked) && !same(pointer, base, asked))
      return asked;
  }
  conflicts.push(changeOf(pointer, desired, asked));
  return desired;
}

/** More replicas than another has asked for serve both. */
function isRaise(pointer: string, desired: unknown, asked: unknown): boolean {
  return (
    pointer.endsWith("/regionalReplicaCount") &&
    typeof desired === "number" &&
    typeof asked === "number" &&
    asked > desired
  );
}

function changeOf(
  pointer: string,
  before: unknown,
  after: unknown,
): PropertyChange {
  return {
    pointer,
    propertyChangeType:
      before === undefined
        ? "Create"
        : after === undefined
          ? "Delete"
          : "Modify",
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  };
}

function same(pointer: string, one: unknown, other: unknown): boolean {
  const property = pointer.slice(pointer.lastIndexOf("/") + 1);
  const text = (value: unknown): string | undefined =>
    JSON.stringify(comparable(property, value));
  return text(one) === text(other);
}

type Fields = Readonly<Record<string, unknown>>;

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
