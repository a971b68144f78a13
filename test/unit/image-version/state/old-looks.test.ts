/** When a look is older than what was sent last. */
import { describe, expect, test } from "vitest";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  isOld,
  missingOf,
} from "../../../../src/image-version/state/attempts.js";
import type {
  Attempt,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  at,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";

describe("a look may be older than the last write", () => {
  const changes = { "/tags/a": "1", "/tags/b": "2" };
  const attempt = (
    outcome: Attempt["outcome"] = "shown",
    sent: Patch = changes,
  ): Attempt => ({
    changes: sent,
    regions: [],
    sentTime: time(900),
    outcome,
    sentFor: [],
  });
  const lacking = JSON.stringify([
    { field: "/tags/a", before: "1", after: null },
    { field: "/tags/b", before: "2", after: null },
  ]);
  const since = (seconds: number, what = lacking) => ({
    outside: { what, since: time(seconds) },
  });
  const isOldAt = (
    seconds: number,
    more: Partial<ImageVersionRecord> = {},
    shown: Patch = {},
  ): boolean =>
    isOld(
      { ...succeeded().record, lastAttempt: attempt(), ...more },
      lookOf("Succeeded", COMPLETED, { changes: shown }),
      at(seconds),
    );

  test("for ten minutes, also where that was shown before", () => {
    expect(isOldAt(1_499)).toBe(true);
    expect(isOldAt(1_500)).toBe(false);
    expect(isOldAt(1_019, { lastAttempt: attempt("unknown") })).toBe(true);
    expect(isOldAt(1_020, { lastAttempt: attempt("unknown") })).toBe(false);
  });

  test("but not where it shows a part of it, or all, or ARM has refused it", () => {
    expect(isOldAt(1_000, {}, { "/tags/a": "1" })).toBe(false);
    expect(isOldAt(1_000, {}, changes)).toBe(false);
    expect(isOldAt(1_000, { lastAttempt: attempt("refused") })).toBe(false);
    expect(isOldAt(1_000, { lastAttempt: attempt("shown", {}) })).toBe(false);
  });

  test("but not where another look has shown the same two minutes before", () => {
    expect(isOldAt(1_119, since(1_000))).toBe(true);
    expect(isOldAt(1_120, since(1_000))).toBe(false);
  });

  test("and is where the other has shown something else, or what was sent was never shown", () => {
    expect(isOldAt(1_120, since(1_000, "[]"))).toBe(true);
    const lastAttempt = attempt("accepted");
    expect(isOldAt(1_120, { lastAttempt, ...since(1_000) })).toBe(true);
  });

  test("and is of a life of the version that is over, whatever it shows", () => {
    const { lastAttempt: _, ...record } = succeeded().record;
    const look = lookOf("Succeeded", COMPLETED, { publishedDate: time(0) });
    expect(isOld(record, look, at(1_000))).toBe(true);
    const own = lookOf("Succeeded", COMPLETED);
    expect(isOld(record, own, at(1_000))).toBe(false);
  });

  test("and lacks of it what it shows otherwise: as it was sent, and as it is", () => {
    const look = lookOf("Succeeded", COMPLETED, {
      changes: { "/tags/a": "0", "/tags/c": "3" },
    });
    expect(
      missingOf({ changes: { ...changes, "/tags/c": null } }, look),
    ).toEqual([
      { field: "/tags/a", before: "1", after: "0" },
      { field: "/tags/b", before: "2", after: null },
      { field: "/tags/c", before: undefined, after: "3" },
    ]);
  });
});
