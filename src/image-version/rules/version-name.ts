import type { RequestRule } from "./rule.js";

const LARGEST_PART = 2 ** 31 - 1;

/** A version's name is three integers, each in its one spelling, and fits in 32 bits signed. */
export const versionName: RequestRule = (id) =>
  id.versionName
    .split(".")
    .every((part) => Number(part) <= LARGEST_PART && !/^0\d/u.test(part))
    ? []
    : [
        {
          code: "InvalidVersionName",
          pointer: "",
          message: `"${id.versionName}" is not a version name: each of its three integers must be at most ${LARGEST_PART} and have no leading zeros.`,
        },
      ];
