import type { RequestRule } from "../rule.js";

const LARGEST_PART = 2 ** 31 - 1;

export const versionName: RequestRule = {
  name: "version-name",
  code: "InvalidVersionName",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "A version's name is three integers without leading zeros, each at most 2147483647.",
  check: ({ id: { versionName: name } }) => {
    const parts = name.split(".");
    const valid =
      parts.length === 3 &&
      parts.every((part) => /^(0|[1-9]\d*)$/u.test(part) && Number(part) <= LARGEST_PART);
    return valid
      ? []
      : [
          {
            pointer: "",
            message: `"${name}" is not a version name: each of its three integers must be at most ${LARGEST_PART} and have no leading zeros.`,
            remediation: `Use a name such as 1.0.0 in the URL.`,
          },
        ];
  },
};
