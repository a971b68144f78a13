import fc from "fast-check";
import { expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { digestOf, listsAsKnown, readDigest } from "../../../src/image-version/digest.js";
import { isAsKnown } from "../../../src/image-version/note-look.js";
import type { ListedImageVersion, Look } from "../../../src/image-version/resources.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { replicating, succeeded } from "../../support/transitions.js";

const { record } = succeeded();
const status = shownBy(record);

function shownBy({ status: look }: ImageVersionRecord): Look {
  if (look === undefined) throw new TypeError("Azure shows nothing");
  return look;
}

interface Shape {
  readonly flag: boolean | undefined;
  readonly flags: readonly (boolean | undefined)[];
  readonly tag: string | undefined;
  readonly endOfLifeDate: string | undefined;
  readonly publishedDate: string | undefined;
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
/** Few values of each: half of the pairs differ in little, and some in nothing. */
const shapes: fc.Arbitrary<Shape> = fc.record({
  flag: maybe(fc.boolean()),
  flags: fc.array(maybe(fc.boolean()), { minLength: 1, maxLength: 2 }),
  tag: maybe(fc.constantFrom("a", "A", "")),
  endOfLifeDate: maybe(fc.constantFrom("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z")),
  publishedDate: maybe(fc.constantFrom("2026-01-01T00:00:00Z", "")),
});

function shown({ flag, flags, tag, endOfLifeDate, publishedDate }: Shape): ListedImageVersion {
  const { properties, ...rest } = status.resource;
  const resource = {
    ...rest,
    ...(tag !== undefined && { tags: { team: tag } }),
    properties: {
      ...properties,
      publishingProfile: {
        ...properties.publishingProfile,
        ...(flag !== undefined && { excludeFromLatest: flag }),
        ...(endOfLifeDate !== undefined && { endOfLifeDate }),
        targetRegions: flags.map((own, at) => ({
          name: ["westus", "eastus2"][at] ?? "",
          ...(own !== undefined && { excludeFromLatest: own }),
        })),
      },
    },
  } as ImageVersionRequest;
  return {
    name: "1.0.0",
    provisioningState: "Succeeded",
    resource,
    ...(publishedDate !== undefined && { publishedDate }),
  };
}

function knowing(shape: Shape, more: Partial<ImageVersionRecord> = {}): ImageVersionRecord {
  const { name: _, ...look } = shown(shape);
  return { ...record, status: { ...look, regions: [], time: status.time }, ...more };
}

const PLAIN: Shape = {
  flag: undefined,
  flags: [undefined],
  tag: undefined,
  endOfLifeDate: undefined,
  publishedDate: undefined,
};

test("what a digest knows the record knows, too", () => {
  let known = 0;
  fc.assert(
    fc.property(shapes, shapes, fc.boolean(), (a, b, isSame) => {
      const of = knowing(a);
      const listed = shown(isSame ? a : b);
      const digest = digestOf(of);
      if (digest === undefined || !listsAsKnown(digest, listed)) return !isSame;
      known += 1;
      return isAsKnown(of, listed);
    }),
    { numRuns: 10_000 },
  );
  expect(known).toBeGreaterThan(4_000);
});

test("a version held as a whole is not one whose region is held by its own flag", () => {
  const digest = digestOf(knowing({ ...PLAIN, flag: true }));
  expect(digest).toBeDefined();
  expect(digest && listsAsKnown(digest, shown({ ...PLAIN, flag: true }))).toBe(true);
  expect(digest && listsAsKnown(digest, shown({ ...PLAIN, flag: true, flags: [true] }))).toBe(
    false,
  );
});

test("where something is under way or in doubt there is none", () => {
  expect(digestOf(replicating().record)).toBeUndefined();
  const unconfirmed = { shows: "other", since: status.time };
  expect(digestOf(knowing(PLAIN, { unconfirmed }))).toBeUndefined();
});

test("of a deleted version nothing is shown", () => {
  const { status: _, ...gone } = { ...record, state: "Deleted" as const };
  expect(digestOf(gone)).toEqual({ form: 1 });
});

test("one of another form is not read", () => {
  const digest = digestOf(record);
  expect(readDigest(JSON.stringify(digest))).toEqual(digest);
  expect(readDigest(JSON.stringify({ ...digest, form: 2 }))).toBeUndefined();
  expect(readDigest(undefined)).toBeUndefined();
});

test("of a version with a region that a repair has removed, the record is read", () => {
  const repairs = { westus: { attempts: 1, removed: {}, lost: true } } as const;
  expect(digestOf(record)?.succeeded).toBeDefined();
  expect(digestOf({ ...record, repairs })).toMatchObject({ form: 1 });
  expect(digestOf({ ...record, repairs })?.succeeded).toBeUndefined();
});
