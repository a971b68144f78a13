import { describe, expect, test } from "vitest";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import { etagOf, matches } from "../../../../src/image-version/queries/etag.js";
import {
  changeOf,
  COMPLETED,
  lookOf,
  beside,
  REPLICATING,
  replicating,
  succeeded,
  time,
} from "../../../support/transitions.js";

const look = lookOf("Succeeded", COMPLETED);
const { record } = succeeded();
const etag = etagOf(look, record);

describe("an ETag", () => {
  test("is quoted and short", () => {
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/u);
  });

  test("is of what Azure shows that may be written", () => {
    const other = lookOf("Succeeded", COMPLETED, {
      changes: { "/tags/a": "1" },
    });
    expect(etagOf(other, record)).not.toBe(etag);
    expect(etagOf(undefined, record)).not.toBe(etag);
  });

  test("is of what is asked for and not there yet", () => {
    const open = { ...record, state: "Updating" } as const;
    const requests = { x: changeOf({ "/tags/a": "1" }) };
    expect(etagOf(look, { ...open, requests })).not.toBe(etag);
    const shown = { x: changeOf({ "/tags/a": "1" }, { appliedTime: time(1) }) };
    expect(etagOf(look, { ...open, requests: shown })).toBe(etag);
    const pair = replicating();
    const before = etagOf(look, pair.record);
    expect(etagOf(look, beside(pair, changeOf({})).record)).not.toBe(before);
  });

  test("is of the promotion rule that was applied", () => {
    const ruled = (when: string) =>
      etagOf(look, {
        ...record,
        spec: { ...record.spec, [PROMOTION]: { when } },
      });
    expect(ruled("manual")).not.toBe(etag);
    expect(ruled("manual")).not.toBe(ruled("allRegionsReady"));
    const { spec: _, ...bare } = record;
    expect(etagOf(look, bare)).toBe(etag);
  });

  test("is not of progress, of time, nor of the order in which Azure lists things", () => {
    const other = lookOf("Updating", REPLICATING, { seconds: 900 });
    expect(etagOf(other, record)).toBe(etag);
    const { properties } = look.resource;
    const reversed = {
      resource: {
        ...look.resource,
        properties: {
          ...properties,
          publishingProfile: {
            ...properties.publishingProfile,
            targetRegions: [...(properties.publishingProfile?.targetRegions ?? [])].reverse(),
          },
        },
      },
    };
    expect(etagOf(reversed, record)).toBe(etag);
  });

  test("of a version that others have made is the same before Sigil has a record of it", () => {
    const { spec: _, ...others } = record;
    expect(etagOf(look, undefined)).toBe(etagOf(look, others));
  });
});

test.each([
  ['"a"', true, true],
  ['"b"', true, false],
  ['"b", "a"', true, true],
  ["*", true, true],
  ["*", false, false],
  ['W/"a"', true, false],
  ["a", true, false],
])('If-Match %s holds for "a" that is there (%s): %s', (ifMatch, exists, holds) => {
  expect(matches(ifMatch, '"a"', exists)).toBe(holds);
});
