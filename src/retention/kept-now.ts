import { imageIdOf, type ImageVersionId } from "../resource-id.js";
import { decide } from "./decide.js";
import { retainedVersions } from "./evaluate-retention.js";
import type { RetentionDependencies } from "./ports.js";

/**
 * Why the policy now keeps a version whose deletion it began: judged as in a run, by what was in
 * latest before such deletions excluded it. Undefined: it is still to be deleted. Throws as
 * `evaluateRetention` does.
 */
export async function keptNow(
  { policies, imageVersions }: RetentionDependencies,
  id: ImageVersionId,
): Promise<string | undefined> {
  const imageId = imageIdOf(id);
  const policy = (await policies.read(imageId))?.document;
  if (policy?.mode !== "delete")
    return `${KEEPS} No policy deletes versions of the image definition now.`;
  const { versions } = await retainedVersions(imageVersions, imageId, id.versionName);
  const judged = decide(policy.rules, versions, imageVersions.now()).find(
    ({ version: { name } }) => name === id.versionName,
  );
  return judged === undefined || judged.deletes ? undefined : `${KEEPS} ${judged.reason}`;
}

const KEEPS = "The retention policy that started the deletion keeps the version now:";
