/** Sets the test profile of an image definition. Invariant: what is refused is not stored. */
import { ServiceError } from "../errors.js";
import type { Requester } from "../operation/records.js";
import type { TestProfileBody } from "./contract.js";
import type { TestProfileDependencies } from "./profile-ports.js";
import { profileOf, type TestProfile } from "./profile.js";

export interface PutTestProfile {
  readonly imageId: string;
  /** Valid by its schema. */
  readonly body: TestProfileBody;
  readonly setBy: Requester;
}

/** Answers the profile as it is stored. Throws ServiceError InvalidRequest, and StateConflict where another sets it meanwhile. */
export async function putTestProfile(
  { profiles, now }: TestProfileDependencies,
  { imageId, body, setBy }: PutTestProfile,
): Promise<TestProfile> {
  const { profile, findings } = profileOf(imageId, body, setBy, now());
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      "The test profile contradicts itself.",
      { findings },
    );
  const stored = await profiles.read(imageId);
  await profiles.put(profile, stored?.etag);
  return profile;
}
