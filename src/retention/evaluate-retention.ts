import { softDeleteOf, type Dependencies } from "../image-version/index.js";
import { parseImageVersionId } from "../resource-id.js";
import { banOf, sentenceOf } from "../revocation/bans.js";
import { decide, type Decision, type RetainedVersion } from "./decide.js";
import { gatherRetained } from "./retained-versions.js";
import { withoutNeeded } from "./use.js";
import type { RetentionDependencies, RetentionRules } from "./ports.js";

/** What a policy deletes and keeps at one moment. */
export interface Evaluation {
  readonly time: Date;
  /** Lowest number first. */
  readonly decisions: readonly Decision[];
  /**
   * Names of versions that Azure has, and Sigil neither created nor adopted. They are never
   * touched.
   */
  readonly unknown: readonly string[];
  /** Whether deleted versions can be restored. */
  readonly softDelete: Awaited<ReturnType<typeof softDeleteOf>>;
}

/**
 * Judges every version of the image definition. Costs one list in Azure, a page of rows for each
 * 1,000 versions, and a read of each version whose row does not show it as Succeeded and unchanged
 * from the list. If versions are guarded, it also asks Resource Graph once. Throws ServiceError
 * NotFound if Azure has no such image definition.
 */
export async function evaluateRetention(
  { imageVersions, revocations }: Omit<RetentionDependencies, "policies">,
  imageId: string,
  rules: RetentionRules,
): Promise<Evaluation> {
  const { versions, unknown } = (await gatherRetained(imageVersions, imageId)).judgeable();
  const time = imageVersions.now();
  const softDelete = await softDeleteOf(imageVersions, imageId);
  const decided = decide(rules, versions, time);
  return {
    time,
    decisions: await withoutNeeded(
      imageVersions,
      await withoutRevoked(
        revocations,
        softDelete.isSoftDeleteEnabled === true ? decided.map(orKeptByAzure) : decided,
      ),
    ),
    unknown: [...unknown].sort((a, b) => a.localeCompare(b, "en", { numeric: true })),
    softDelete,
  };
}

/**
 * The versions that the rules delete, lowest number first. For each, it remains to ask whether it was
 * revoked. Costs as little as `evaluateRetention`, and throws the same.
 */
export async function candidatesOf(
  imageVersions: Dependencies,
  imageId: string,
  rules: RetentionRules,
): Promise<readonly RetainedVersion[]> {
  const { versions } = (await gatherRetained(imageVersions, imageId)).judgeable();
  const decided = decide(rules, versions, imageVersions.now());
  return (await withoutNeeded(imageVersions, decided))
    .filter(({ deletes }) => deletes)
    .map(({ version }) => version);
}

/** In a gallery with soft delete, Azure keeps a Failed version, whatever the rules. */
function orKeptByAzure(decision: Decision): Decision {
  return decision.version.provisioningState === "Failed"
    ? {
        ...decision,
        deletes: false,
        code: "KeptByAzure",
        reason: "Azure cannot delete a Failed version in a gallery with soft delete.",
      }
    : decision;
}

/**
 * Keeps revoked versions as evidence, until an Admin lifts the revocation or a person deletes them.
 */
async function withoutRevoked(
  revocations: RetentionDependencies["revocations"],
  decisions: readonly Decision[],
): Promise<readonly Decision[]> {
  return Promise.all(
    decisions.map(async (decision) => {
      const id = parseImageVersionId(decision.version.id);
      const ban = decision.deletes && id ? await banOf(revocations, id) : undefined;
      return ban === undefined
        ? decision
        : {
            ...decision,
            deletes: false,
            code: "Revoked",
            reason: sentenceOf(ban),
          };
    }),
  );
}
