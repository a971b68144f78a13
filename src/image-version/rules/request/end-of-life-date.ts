import type { RequestRule } from "../rule.js";

export const endOfLifeDate: RequestRule = {
  name: "end-of-life-date",
  code: "EndOfLifeDateInPast",
  severity: "warning",
  basis: {
    guess:
      "Azure refuses it of an image definition; of a version Microsoft's page has it set to the day, to delete the version after it.",
  },
  summary:
    "An end-of-life date that is asked for is still to come, unless it is the one that the version has; Azure is known to refuse another of image definitions alone.",
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
