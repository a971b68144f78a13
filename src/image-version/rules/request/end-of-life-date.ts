import type { RequestRule } from "../rule.js";

export const endOfLifeDate: RequestRule = {
  name: "end-of-life-date",
  code: "EndOfLifeDateInPast",
  severity: "warning",
  basis: {
    guess:
      "Azure refuses a past date for an image definition; for a version, Microsoft's page sets the present day, to delete the version afterwards.",
  },
  summary:
    "A requested end-of-life date is in the future, unless the version already has it; Azure is known to refuse a past one only for image definitions.",
  check: ({ request, now, change }) => {
    const date = request.properties.publishingProfile?.endOfLifeDate;
    const shown = change?.observed.properties.publishingProfile?.endOfLifeDate;
    if (date !== undefined && date === shown) return [];
    return date === undefined || !(Date.parse(date) < now.getTime())
      ? []
      : [
          {
            pointer: "/properties/publishingProfile/endOfLifeDate",
            message: `The end-of-life date ${date} is in the past: it is now ${now.toISOString()}.`,
            remediation: `Set a date in the future, or leave endOfLifeDate out.`,
          },
        ];
  },
};
