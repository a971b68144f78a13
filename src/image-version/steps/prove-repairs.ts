/**
 * Checks that a region to be removed for repair can be added back, and that nobody needs it there.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import type { Gathered } from "../rules/gathered.js";
import { gather } from "../preflight/gather.js";
import { errorsAmong, judge } from "../preflight/judge.js";
import { brokenKeys, findingOf } from "../preflight/keys.js";
import { isGuarded, mustNotBeNeeded } from "../preflight/use.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { fieldsOf, pointerTo, regionField } from "../properties/fields.js";
import { inOrderOf } from "../properties/order.js";
import { ofRegion } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import type { Look } from "../resources.js";
import { bodyOf } from "./prove.js";

/**
 * What speaks against the removal of each of these regions, by canonical name; regions without
 * objections are left out. Costs the reads of a check and, if the version is guarded, of its use.
 * Throws retryable errors of the reads.
 */
export async function refusedRepairs(
  deps: Dependencies,
  record: ImageVersionRecord,
  id: ImageVersionId,
  look: Look,
  regions: readonly string[],
): Promise<Readonly<Record<string, readonly Finding[]>>> {
  if (regions.length === 0) return {};
  const document = canonicalForm(look.resource);
  const gathered = await refusedOr(() =>
    gather(deps, id, document, {
      sources: false,
      imageVersion: { kind: "found", value: look },
    }),
  );
  const all = await Promise.all(
    regions.map(async (region) => {
      const findings = Array.isArray(gathered)
        ? gathered
        : await against(deps, record, id, look, gathered, region);
      return [region, findings] as const;
    }),
  );
  return Object.fromEntries(all.filter(([, { length }]) => length > 0));
}

async function against(
  deps: Dependencies,
  record: ImageVersionRecord,
  id: ImageVersionId,
  look: Look,
  gathered: Gathered,
  region: string,
): Promise<readonly Finding[]> {
  const document = inOrderOf(canonicalForm(look.resource), bodyOf(record));
  const change = {
    observed: canonicalForm(patched(look.resource, { [regionField(region)]: null })),
    patch: ofRegion(fieldsOf(look.resource), region),
    ...(record.spec && { lastApplied: record.spec }),
  };
  const errors = errorsAmong(judge(id, document, { ...gathered, change }, deps.now()).findings);
  if (errors.length > 0) return errors;
  const broken = await brokenKeys(deps, id, look, record);
  const keys = broken.filter((one) => one.regions.includes(region));
  if (keys.length > 0) return keys.map(findingOf);
  if (!isGuarded(deps)) return [];
  const needed = await refusedOr(() =>
    mustNotBeNeeded(deps, {
      id,
      // A failed region is nobody's latest.
      latestIn: [],
      regions: [region],
      pointer: pointerTo(document, regionField(region)),
      confirms: true,
      otherwise: "then retry the region (POST …/retry).",
    }),
  );
  return needed.filter(({ severity }) => severity === "error");
}

/** Final refusals, as findings. */
async function refusedOr<T>(ask: () => Promise<T>): Promise<T | Finding[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable) throw error;
    const { code, message, findings } = error;
    return findings.length > 0
      ? [...findings]
      : [{ code, pointer: "", message, severity: "error" }];
  }
}
