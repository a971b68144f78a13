import { imageIdOf, type ImageVersionId } from "../resource-id.js";
import { decide, deciding } from "./decide.js";
import type { RetentionDependencies } from "./ports.js";
import { gatherRetained } from "./retained-versions.js";

/**
 * Why the policy now keeps a version whose deletion it began: judged as in a run, by what was in
 * latest before such deletions excluded it. Reads the records of the version and of those that its
 * deletion rests on. Undefined: it is still to be deleted. Throws as `evaluateRetention` does.
 */
export async function keptNow(
  { policies, imageVersions }: RetentionDependencies,
  id: ImageVersionId,
): Promise<string | undefined> {
  const imageId = imageIdOf(id);
  const policy = (await policies.read(imageId))?.document;
  if (policy?.mode !== "delete")
    return `${KEEPS} No policy deletes versions of the image definition now.`;
  const gathered = await gatherRetained(imageVersions, imageId);
  await gathered.readRecords([id.versionName]);
  for (;;) {
    const { versions } = gathered.judgeable(id.versionName);
    const judged = decide(policy.rules, versions, imageVersions.now()).find(
      ({ version: { name } }) => name === id.versionName,
    );
    if (judged?.deletes === false) return `${KEEPS} ${judged.reason}`;
    if (!(await gathered.readRecords(deciding(policy.rules, versions)))) return undefined;
  }
}

const KEEPS = "The retention policy that started the deletion keeps the version now:";
