import { ServiceError } from "../errors.js";
import { omit } from "../objects.js";
import type { TestProfileView } from "./contract.js";
import type { TestProfileDependencies } from "./profile-ports.js";
import type { TestProfile } from "./profile.js";

/** Throws ServiceError NotFound if there is no profile. */
export async function getTestProfile(
  { profiles }: Pick<TestProfileDependencies, "profiles">,
  imageId: string,
): Promise<TestProfile> {
  const stored = await profiles.read(imageId);
  if (stored !== undefined) return stored.document;
  throw new ServiceError(
    "NotFound",
    `${imageId} has no test profile. Set one with a PUT to its /test-profile.`,
  );
}

/** Returns the deleted profile. Throws ServiceError NotFound if there is none. */
export async function deleteTestProfile(
  deps: Pick<TestProfileDependencies, "profiles">,
  imageId: string,
): Promise<TestProfile> {
  const profile = await getTestProfile(deps, imageId);
  await deps.profiles.remove(imageId);
  return profile;
}

/**
 * A profile for an answer. Its image definition is in the URL, and only administrators see its
 * script.
 */
export function viewTestProfile(profile: TestProfile, showsScript: boolean): TestProfileView {
  const { proof, regions, setBy } = profile;
  return {
    ...omit(profile, "imageId"),
    regions: [...regions],
    proof: proof.kind === "runCommand" && !showsScript ? { kind: proof.kind } : proof,
    setBy,
  };
}
