import { imageIdOf, type ImageVersionId } from "../resource-id.js";
import { decide } from "./decide.js";
import { retainedVersions } from "./evaluate-retention.js";
import type { RetentionDependencies } from "./ports.js";

/**
 * Why a version whose deletion its policy has begun is kept now: judged as by a run, by what was in latest before such deletions have
 * excluded it. Undefined where it is deleted still. Throws as `evaluateRetention` does.
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
