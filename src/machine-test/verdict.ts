/** What speaks against a version, and what only says that its test could not be done. Pure. */
import type { TestResult } from "../operation/records.js";
import type { Refusal } from "./ports.js";

/** What an attempt has come to. */
export interface Verdict extends Refusal {
  readonly result: Exclude<TestResult, "passed">;
  /** Another attempt may show something else. */
  readonly mayChange: boolean;
}

/**
 * Codes by which Azure says that the machine was made, or would have been, and that the image or its key is at fault. What is
 * not here is inconclusive: no capacity, no quota, a policy, an internal error, a copy that is not there yet, and all that Azure may
 * say tomorrow. A false `failed` would take a good version back.
 */
const AGAINST_THE_VERSION: readonly RegExp[] = [
  // "OS Provisioning for VM did not finish in the allotted time", and what the system itself tells of its first start.
  /^OSProvisioningTimedOut$/u,
  /^OSProvisioningClientError$/u,
  // The set may not use its key, or the key is gone: KeyVaultAccessForbidden, KeyVaultKeyNotFound, …
  /^KeyVault/u,
  // The plan of the image definition is not that of its images.
  /^VMMarketplaceInvalidInput$/u,
];

/** What a refusal of the machine, or its failure, says of the version. */
export function verdictOn({ code, message }: Refusal): Verdict {
  return AGAINST_THE_VERSION.some((pattern) => pattern.test(code))
    ? failed(code, message)
    : inconclusive(code, message);
}

export function failed(code: string, message: string): Verdict {
  return { result: "failed", code, message, mayChange: false };
}

export function inconclusive(code: string, message: string): Verdict {
  return { result: "inconclusive", code, message, mayChange: true };
}
