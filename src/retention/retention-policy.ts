import { ServiceError } from "../errors.js";
import { evaluateRetention, type Evaluation } from "./evaluate-retention.js";
import type { RetentionDependencies, RetentionPolicy } from "./ports.js";

/**
 * The policy and what it deletes, or would delete, now. Throws ServiceError NotFound if there is no
 * policy.
 */
export async function getRetentionPolicy(
  deps: RetentionDependencies,
  imageId: string,
): Promise<{ policy: RetentionPolicy; evaluation: Evaluation }> {
  const policy = await readPolicy(deps, imageId);
  return {
    policy,
    evaluation: await evaluateRetention(deps, imageId, policy.rules),
  };
}

/** Returns the deleted policy. Throws ServiceError NotFound if there is none. */
export async function deleteRetentionPolicy(
  deps: Pick<RetentionDependencies, "policies">,
  imageId: string,
): Promise<RetentionPolicy> {
  const policy = await readPolicy(deps, imageId);
  await deps.policies.remove(imageId);
  return policy;
}

async function readPolicy(
  { policies }: Pick<RetentionDependencies, "policies">,
  imageId: string,
): Promise<RetentionPolicy> {
  const stored = await policies.read(imageId);
  if (stored !== undefined) return stored.document;
  throw new ServiceError(
    "NotFound",
    `${imageId} has no retention policy, so no version is deleted. Set one with a PUT to this address.`,
  );
}
