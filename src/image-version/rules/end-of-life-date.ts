import type { RequestRule } from "./rule.js";

export const endOfLifeDate: RequestRule = {
  name: "end-of-life-date",
  code: "EndOfLifeDateInPast",
  severity: "error",
  summary: "A version's end-of-life date is not past when it is asked for.",
  check: ({ request, now }) => {
    const date = request.properties.publishingProfile?.endOfLifeDate;
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
