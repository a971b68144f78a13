import type { RequestRule } from "../rule.js";

export const endOfLifeDate: RequestRule = {
  name: "end-of-life-date",
  code: "EndOfLifeDateInPast",
  severity: "error",
  summary:
    "An end-of-life date that is asked for is not past, unless it is the one that the version has.",
  check: ({ request, now, change }) => {
    const date = request.properties.publishingProfile?.endOfLifeDate;
    const shown = change?.observed.properties.publishingProfile?.endOfLifeDate;
    if (date !== undefined && date === shown) return [];
    return date === undefined || !(Date.parse(date) < now.getTime())
      ? []
      : [
          {
            pointer: "/properties/publishingProfile/endOfLifeDate",
            message: `The end-of-life date ${date} is past: it is ${now.toISOString()}.`,
            remediation: `Give a date that is still to come, or leave endOfLifeDate out.`,
          },
        ];
  },
};
