import type { RequestRule } from "../rule.js";

export const storageAccountStrategy: RequestRule = {
  name: "storage-account-strategy",
  code: "StorageAccountStrategyConflict",
  severity: "error",
  basis: { documented: "reference" },
  summary:
    "A publishing profile gives storageAccountStrategy or storageAccountType, not both; a region may give its own type beside a strategy.",
  check: ({ request }) => {
    const { storageAccountStrategy: strategy, storageAccountType: type } =
      request.properties.publishingProfile ?? {};
    return strategy === undefined || type === undefined
      ? []
      : [
          {
            pointer: "/properties/publishingProfile/storageAccountStrategy",
            message: `storageAccountStrategy ${strategy} and storageAccountType ${type} are both given; Azure accepts only one of them.`,
            remediation: `Leave out storageAccountStrategy, or leave out the publishing profile's storageAccountType and give ${type} to each of targetRegions that is to have it.`,
          },
        ];
  },
};
