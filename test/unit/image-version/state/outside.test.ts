/** What others change of what was sent last, as it is told from look to look. */
import { expect, test } from "vitest";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { changedByOthers } from "../../../../src/image-version/state/outside.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import {
  at,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";

const SENT = { "/tags/a": "1", "/tags/b": "1" };

function following() {
  const { record } = succeeded();
  let present: ImageVersionRecord = {
    ...record,
    observed: lookOf("Succeeded", COMPLETED, { changes: SENT }),
    lastAttempt: {
      changes: SENT,
      regions: [],
      sentTime: time(1_000),
      outcome: "shown",
      sentFor: [],
    },
  };
  return {
    outside: () => present.outside,
    /** The fields that a look tells, with what they are. */
    look: (
      seconds: number,
      changes: Patch,
    ): readonly (readonly unknown[])[] => {
      const look = lookOf("Succeeded", COMPLETED, {
        changes: { ...SENT, ...changes },
      });
      const { remembered, changes: told } = changedByOthers(
        present,
        look,
        at(seconds),
      );
      const { outside: _, outsideTold: __, ...kept } = present;
      present = { ...kept, ...remembered, observed: look };
      return told.map(({ field, before, after }) => [field, before, after]);
    },
  };
}

test("a change is told at the second look, and once", () => {
  const { look } = following();
  expect(look(1_010, { "/tags/a": "9" })).toEqual([]);
  expect(look(1_130, { "/tags/a": "9" })).toEqual([["/tags/a", "1", "9"]]);
  expect(look(1_250, { "/tags/a": "9" })).toEqual([]);
});

test("another change is told alone", () => {
  const { look } = following();
  look(1_010, { "/tags/a": "9" });
  look(1_130, { "/tags/a": "9" });
  const both = { "/tags/a": "9", "/tags/b": "9" };
  expect(look(1_250, both)).toEqual([]);
  expect(look(1_370, both)).toEqual([["/tags/b", "1", "9"]]);
  expect(look(1_490, both)).toEqual([]);
});

test("what is changed once more is told as it is then", () => {
  const { look } = following();
  look(1_010, { "/tags/a": "9" });
  look(1_130, { "/tags/a": "9" });
  look(1_250, { "/tags/a": "8" });
  expect(look(1_370, { "/tags/a": "8" })).toEqual([["/tags/a", "1", "8"]]);
});

test("that one of two was taken back is told beside the other, and that all were at the second look", () => {
  const { look, outside } = following();
  const both = { "/tags/a": "9", "/tags/b": "9" };
  look(1_010, both);
  expect(look(1_130, both)).toEqual([
    ["/tags/a", "1", "9"],
    ["/tags/b", "1", "9"],
  ]);
  look(1_250, { "/tags/b": "9" });
  expect(look(1_370, { "/tags/b": "9" })).toEqual([["/tags/a", "9", "1"]]);
  expect(look(1_490, {})).toEqual([]);
  expect(look(1_610, {})).toEqual([["/tags/b", "9", "1"]]);
  expect(outside()).toBeUndefined();
});

test("what was told, and not yet all that came after, is taken back as far as it was told", () => {
  const { look } = following();
  look(1_010, { "/tags/a": "9" });
  look(1_130, { "/tags/a": "9" });
  look(1_250, { "/tags/a": "9", "/tags/b": "9" });
  expect(look(1_260, {})).toEqual([]);
  expect(look(1_380, {})).toEqual([["/tags/a", "9", "1"]]);
});

test("what was never told is not taken back", () => {
  const { look, outside } = following();
  look(1_010, { "/tags/a": "9" });
  expect(look(1_130, {})).toEqual([]);
  expect(outside()).toBeUndefined();
});
