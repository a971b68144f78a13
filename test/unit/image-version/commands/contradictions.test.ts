import { expect, test } from "vitest";
import type { Compared } from "../../../../src/image-version/commands/compared.js";
import {
  contradictionsOf,
  inNoWave,
} from "../../../../src/image-version/commands/contradictions.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import { managedImageRequest } from "../../../support/requests.js";
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
  ["a removal again", { "/tags/a": null }, {}, { mergePatch: { tags: null } }, []],
  ["a name that only begins alike", { "/tagsOfUs/a": "1" }, {}, { mergePatch: { tags: null } }, []],
  ["another value of what is applied", ADDS, { "/tags/a": "2" }, { applied: true }, []],
  ["the removal of a region that is applied", ADDS, REMOVES, { applied: true }, [UK]],
  ["a region whose removal is applied", REMOVES, ADDS, { applied: true }, []],
  ["a region whose removal is open", REMOVES, ADDS, {}, [`${UK}/name`]],
])("an open operation meets %s", (_, open, patch, more, fields) => {
  expect(fieldsOf(open, patch, more)).toEqual(fields);
});

const WAVES = { when: "waves", waves: [{ regions: ["West US"] }] };

test.each<[string, object, Patch, readonly string[]]>([
  ["in no wave", WAVES, ADDS, ["InNoWave"]],
  ["in a wave", { ...WAVES, waves: [{ regions: ["UK South"] }] }, ADDS, []],
  ["and another rule", WAVES, { ...ADDS, [PROMOTION]: WAVES }, []],
  ["under a rule without waves", { when: "allRegionsReady" }, ADDS, []],
])("a region %s", (_, rule, patch, codes) => {
  const { record } = withRecord(succeeded(), {
    spec: { [PROMOTION]: rule },
    release: { in: "none", but: [], by: "rule" },
  });
  expect(
    inNoWave(managedImageRequest(), { record, patch } as Compared).map(({ code }) => code),
  ).toEqual(codes);
});
