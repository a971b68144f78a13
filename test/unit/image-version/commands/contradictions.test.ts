import { expect, test } from "vitest";
import { contradictionsOf } from "../../../../src/image-version/commands/contradictions.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { succeeded, time, withRecord } from "../../../support/transitions.js";

const UK = regionField("uksouth");
const ADDS = { [`${UK}/name`]: "uksouth", "/tags/a": "1" };
const REMOVES = { [UK]: null };

const fieldsOf = (
  open: Patch,
  patch: Patch,
  { applied = false, mergePatch }: { applied?: boolean; mergePatch?: unknown },
) =>
  contradictionsOf(
    withRecord(succeeded(), {
      state: "Replicating",
      requests: {
        other: { patch: open, ...(applied && { appliedTime: time(5) }) },
      },
    }).record,
    patch,
    mergePatch,
  ).map(({ field }) => field);

test.each<[string, Patch, Patch, object, readonly string[]]>([
  ["another value", ADDS, { "/tags/a": "2" }, {}, ["/tags/a"]],
  ["the same value", ADDS, { "/tags/a": "1" }, {}, []],
  ["another field", ADDS, { "/tags/b": "2" }, {}, []],
  ["all tags away", ADDS, {}, { mergePatch: { tags: null } }, ["/tags/a"]],
  [
    "a removal again",
    { "/tags/a": null },
    {},
    { mergePatch: { tags: null } },
    [],
  ],
  [
    "a name that only begins alike",
    { "/tagsOfUs/a": "1" },
    {},
    { mergePatch: { tags: null } },
    [],
  ],
  [
    "another value of what is applied",
    ADDS,
    { "/tags/a": "2" },
    { applied: true },
    [],
  ],
  [
    "the removal of a region that is applied",
    ADDS,
    REMOVES,
    { applied: true },
    [UK],
  ],
  ["a region whose removal is applied", REMOVES, ADDS, { applied: true }, []],
  ["a region whose removal is open", REMOVES, ADDS, {}, [`${UK}/name`]],
])("an open operation meets %s", (_, open, patch, more, fields) => {
  expect(fieldsOf(open, patch, more)).toEqual(fields);
});
