import { show } from "../../properties/changes.js";
import { fieldsOf, pointerTo } from "../../properties/fields.js";
import { describeField, impossibleAmong, unmetBy } from "../../properties/patch.js";
import { isKey } from "./customer-keys-kept.js";
import type { ChangeRule } from "../rule.js";

export const immutableProperties: ChangeRule = {
  name: "immutable-properties",
  code: "ImmutableProperty",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "An update changes regions, replica counts, encryption of new regions, exclusion from latest, end of life, safety profile, secrets provisioning and tags; nothing else of a version can be changed.",
  check: ({ request, change }) =>
    change === undefined
      ? []
      : impossibleAmong(unmetBy(fieldsOf(change.observed), change.patch))
          .filter(({ field }) => !isKey(field))
          .map(({ field, before, after }) => ({
            pointer: pointerTo(request, field),
            message:
              after === null
                ? `${describeField(field)} cannot be removed once the version exists: it is ${show(before)} in Azure.`
                : `This cannot be changed once the version exists: it is ${show(before)} in Azure, the request says ${show(after)}.`,
            remediation: "Set its present value, leave it out, or publish another version.",
          })),
};
