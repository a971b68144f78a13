import type { RequestRule } from "../rule.js";

export const storageAccountStrategy: RequestRule = {
  name: "storage-account-strategy",
  code: "StorageAccountStrategyConflict",
  severity: "error",
  basis: { documented: "reference" },
  summary:
    "A publishing profile has storageAccountStrategy or storageAccountType, not both; a region may have its own type with a strategy.",
  check: ({ request }) => {
    const { storageAccountStrategy: strategy, storageAccountType: type } =
      request.properties.publishingProfile ?? {};
    return strategy === undefined || type === undefined
      ? []
      : [
          {
            pointer: "/properties/publishingProfile/storageAccountStrategy",
            message: `storageAccountStrategy ${strategy} and storageAccountType ${type} are both set; Azure accepts only one of them.`,
            remediation: `Leave out storageAccountStrategy, or move storageAccountType ${type} from the publishing profile to the targetRegions that need it.`,
          },
        ];
  },
};
