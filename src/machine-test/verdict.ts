/**
 * Decides which failures count against a version, and which only mean that its test could not run.
 * Pure.
 */
import type { TestResult } from "./region-record.js";
import type { Refusal } from "./ports.js";

/** The outcome of an attempt. */
export interface Verdict extends Refusal {
  readonly result: Exclude<TestResult, "passed">;
  /** Whether another attempt may show something else. */
  readonly mayChange: boolean;
}

/**
 * Codes by which Azure blames the image or its key: the machine was created, or would have been.
 * Everything else is inconclusive: no capacity, no quota, a policy, an internal error, a missing
 * copy, and any code that Azure adds later. A false `failed` would roll a good version back.
 */
const AGAINST_THE_VERSION: readonly RegExp[] = [
  // "OS Provisioning for VM did not finish in the allotted time", and what the OS itself reports
  // about its first start.
  /^OSProvisioningTimedOut$/u,
  /^OSProvisioningClientError$/u,
  // The set may not use its key, or the key is gone: KeyVaultAccessForbidden, KeyVaultKeyNotFound,
  // …
  /^KeyVault/u,
  // The image definition's plan differs from that of its images.
  /^VMMarketplaceInvalidInput$/u,
];

/** The verdict on the version, by Azure's refusal or failure of the machine. */
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
