import {
  areReady,
  latestIn,
  regionsOf,
  ruleIn,
  type ImageVersionRecord,
  type Look,
} from "../image-version/index.js";
import {
  formatImageVersionId,
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import type { RolloutDependencies } from "./ports.js";
import { decisionOn } from "./situation.js";

/**
 * Why the version is not in latest in each region where its rule brings it, or, without a rule, not ready in each;
 * undefined: it is. By its record: Azure is not asked.
 */
export async function unproven(
  deps: RolloutDependencies,
  versionId: string,
): Promise<string | undefined> {
  const id = parseImageVersionId(versionId);
  const record = id && (await deps.imageVersions.store.readRecord(keyOf(formatImageVersionId(id))));
  const { status: look, release } = record ?? {};
  if (id === undefined || record === undefined || look === undefined)
    return "it does not exist in Azure.";
  const hasRule = ruleIn(record) !== undefined;
  const included = latestIn(look.resource);
  const missing = regionsOf(look.resource).filter((name) =>
    hasRule
      ? !included.includes(name) && !(release?.but ?? []).includes(name)
      : !areReady(look, [name]),
  );
  if (missing.length === 0) return undefined;
  if (!hasRule) return `it is not ready in ${missing.join(", ")}.`;
  const where = `it is excluded from latest in ${missing.join(", ")}.`;
  const why = await hindrance(deps, id, record, look, missing);
  return why === undefined ? where : `${where} ${why}`;
}

async function hindrance(
  deps: RolloutDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  look: Look,
  regions: readonly string[],
): Promise<string | undefined> {
  const found = await decisionOn(deps, id, record, look, "show");
  if (found !== undefined) return found.decision.message;
  const [first] = await deps.imageVersions.objections(id, { kind: "enterLatest", regions });
  return first?.message;
}
