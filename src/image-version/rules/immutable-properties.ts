import { changesBetween } from "../changes.js";
import { isMutable } from "../change.js";
import type { ChangeRule } from "./rule.js";

export const immutableProperties: ChangeRule = {
  name: "immutable-properties",
  code: "ImmutableProperty",
  severity: "error",
  summary:
    "An update changes regions, replica counts, encryption of new regions, exclusion from latest, end of life, safety profile and tags; nothing else of a version can be changed.",
  check: ({ request, known }) =>
    known?.base === undefined
      ? []
      : changesBetween(known.base, request)
          .filter((change) => !isMutable(change))
          .map(({ pointer, before, after }) => ({
            pointer,
            message: `This cannot be changed once the version exists: it is ${show(before)}, the request says ${show(after)}.`,
            remediation:
              "Send the value that it has, or publish another version.",
          })),
};

function show(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
