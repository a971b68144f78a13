/**
 * Sets the test profile of an image definition. Invariants:
 *  1. A profile is stored only after all its checks passed.
 *  2. Azure is only read: no terms are accepted and nothing is created.
 */
import { ServiceError } from "../errors.js";
import type { RuleFinding } from "../image-version/index.js";
import type { Requester } from "../operation/records.js";
import type { TestProfileBody } from "./contract.js";
import type { TestProfileDependencies } from "./profile-ports.js";
import { profileOf, type TestProfile } from "./profile.js";
import { proveProfile } from "./prove-profile.js";

interface PutTestProfile {
  readonly imageId: string;
  /** Valid by its schema. */
  readonly body: TestProfileBody;
  readonly setBy: Requester;
}

/**
 * Returns the stored profile and its warnings. Throws ServiceError InvalidRequest; PreflightFailed
 * if its machines could not be created; NotFound if Azure has no such image definition;
 * StateConflict if somebody else sets it at the same time.
 */
export async function putTestProfile(
  deps: TestProfileDependencies,
  { imageId, body, setBy }: PutTestProfile,
): Promise<{ profile: TestProfile; warnings: readonly RuleFinding[] }> {
  const { profiles, now } = deps;
  const { profile, findings } = profileOf(imageId, body, setBy, now());
  if (findings.length > 0)
    throw new ServiceError("InvalidRequest", "The test profile contradicts itself.", { findings });
  const stored = await profiles.read(imageId);
  const proven = await proveProfile(deps, profile);
  if (proven === undefined)
    throw new ServiceError("NotFound", `Azure has no image definition ${imageId}.`);
  const errors = proven.filter(({ severity }) => severity === "error");
  if (errors.length > 0)
    throw new ServiceError(
      "PreflightFailed",
      `No machine can be created from the test profile: ${errors.length} ${errors.length === 1 ? "reason" : "reasons"}.`,
      { findings: errors },
    );
  await profiles.put(profile, stored?.etag); // Invariant 1.
  return { profile, warnings: proven };
}
