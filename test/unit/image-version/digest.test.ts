import fc from "fast-check";
import { expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  calmRecord,
  digestOf,
  listsAsKnown,
  readDigest,
} from "../../../src/image-version/digest.js";
import { isAsKnown } from "../../../src/image-version/note-look.js";
import { diskEncryptionReferences } from "../../../src/image-version/properties/disk-encryption-references.js";
import { PROMOTION } from "../../../src/image-version/properties/table.js";
import { known as knownOf, lookOf } from "../../../src/image-version/queries/get.js";
import { keepsLatest } from "../../../src/image-version/queries/conditions.js";
import { summaryOf } from "../../../src/image-version/queries/summary-of.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import type { ListedImageVersion, Look } from "../../../src/image-version/resources.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { omit } from "../../../src/objects.js";
import { operationIdOf } from "../../../src/operation/records.js";
import { idOf } from "../../support/dependencies.js";
import { at, replicating, succeeded, VERSION_ID } from "../../support/transitions.js";

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

/** What a summary shows by this record. */
function summary(of: ImageVersionRecord, item: ListedImageVersion) {
  const time = at(900).now.toISOString();
  const version = knownOf(
    idOf(VERSION_ID),
    lookOf(item, of, time),
    of,
    { inRegion: new Map() },
    [],
  );
  const sets = [...Object.entries(of.encryptionTypes)].sort();
  const cancel = keepsLatest(of, ["westus", "eastus2"]);
  return { ...summaryOf(viewImageVersion(version, at(900).now)), cancel, sets };
}

const SETS = diskEncryptionReferences(status.resource).map((one) =>
  one.diskEncryptionSetId.toLowerCase(),
);
/** What a version may have beside what Azure lists. */
const more: fc.Arbitrary<Partial<ImageVersionRecord>> = fc
  .record({
    state: fc.constantFrom("Succeeded", "Succeeded", "Succeeded", "Failed", "Canceled"),
    isManaged: fc.nat(4),
    westus: fc.constantFrom("Completed", "Completed", "Completed", "Failed", "Unknown"),
    release: fc.constantFrom(undefined, "rule", "cancel", "request"),
    rule: fc.boolean(),
    lost: fc.nat(4),
    types: fc.array(fc.nat(4), { minLength: SETS.length, maxLength: SETS.length }),
    luns: fc.constantFrom([], [0], [0, 3]),
  })
  .map(({ state, isManaged, westus, release, rule, lost, types, luns }) => ({
    state: state,
    ...(isManaged === 0 && { spec: undefined }),
    ...(rule && { spec: { ...record.spec, [PROMOTION]: { when: "manual" } } }),
    status: {
      ...status,
      regions: status.regions.map((one) =>
        one.name === "westus" ? { ...one, state: westus } : one,
      ),
    },
    ...(release && { release: { in: ["eastus2"], but: [], by: release } }),
    conditions:
      lost === 0
        ? [{ type: "RegionLost", fields: {}, message: "lost", since: status.time } as const]
        : [],
    encryptionTypes: Object.fromEntries(
      SETS.map((set, i) => [
        set,
        types.every((type) => type > 0)
          ? "EncryptionAtRestWithCustomerKey"
          : types[i] === 0
            ? "EncryptionAtRestWithPlatformAndCustomerKeys"
            : "EncryptionAtRestWithCustomerKey",
      ]),
    ),
    dataDiskLuns: luns,
  })) as fc.Arbitrary<Partial<ImageVersionRecord>>;

test("a summary shows of a calm version by its digest what it shows by its record", () => {
  let calm = 0;
  fc.assert(
    fc.property(more, (beside) => {
      const of = { ...record, ...beside };
      const item: ListedImageVersion = { ...omit(status, "regions", "time"), name: "1.0.0" };
      const digest = digestOf(of);
      const made = digest && calmRecord(VERSION_ID, operationIdOf(of), digest, item);
      if (made === undefined) return;
      calm += 1;
      expect(summary(made, item)).toEqual(summary(of, item));
    }),
    { numRuns: 3_000 },
  );
  expect(calm).toBeGreaterThan(100);
});
