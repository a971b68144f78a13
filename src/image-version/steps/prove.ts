/** Checks everything before the first write, by what Azure shows in this step. */
import { orNone, ServiceError } from "../../errors.js";
import type { ImageVersionId } from "../../resource-id.js";
import { findingOfCaller } from "../capture/choose.js";
import type { ImageVersionRequest } from "../contract.js";
import { latestIn, withLatest, withoutFlags } from "../latest/flags.js";
import type { Gathered } from "../rules/gathered.js";
import { gather } from "../preflight/gather.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import type { Dependencies } from "../ports.js";
import { errorsAmong, judge, provenBy } from "../preflight/judge.js";
import type { ProofKept, ImageVersionRecord } from "../state/record.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { diskEncryptionReferences } from "../properties/disk-encryption-references.js";
import { inOrderOf } from "../properties/order.js";
import { PROMOTION } from "../properties/table.js";
import type { RuleFinding } from "../rules/rule.js";
import { inWindow, patchOf } from "../state/fold.js";
import type { Put } from "../state/reconcile.js";

/**
 * The checks of a put for these requests. Undefined if it names no resources that could be missing:
 * flags, repairs and the cleanup of a canceled operation name none. `looked`: what this step has
 * seen of the version. Throws ServiceError PreflightFailed or ImageVersionConflict with what is
 * wrong, and what the reads throw.
 */
export async function prove(
  deps: Dependencies,
  id: ImageVersionId,
  { status, spec }: ImageVersionRecord,
  put: Put,
  asking: ReturnType<typeof inWindow>,
  looked: Gathered["imageVersion"] | undefined,
): Promise<ProofKept | undefined> {
  const requests = asking.map(([, request]) => request);
  if (!requests.some(({ body, ending }) => body !== undefined && ending === undefined))
    return undefined;
  const rule = patchOf(requests)[PROMOTION];
  const patch = {
    ...withoutFlags(put.changes),
    ...(rule != null && { [PROMOTION]: rule }),
  };
  const whole = withLatest(patched(status?.resource, patch), latestIn(put.body));
  const body = requests.find((one) => one.body)?.body;
  const document = inOrderOf(canonicalForm(whole), body);
  const observed = status && canonicalForm(status.resource);
  return proofOf(deps, id, document, {
    // An existing version no longer needs its source, which may be gone.
    sources: put.creates,
    capture: requests.find(({ capture }) => capture !== undefined)?.capture,
    looked,
    would: put.creates ? "created" : "changed",
    change: observed && {
      observed,
      patch,
      ...(spec && { lastApplied: spec }),
    },
  });
}

interface Proving {
  readonly sources: boolean;
  /** Id of the machine that is captured. */
  readonly capture?: string | undefined;
  readonly looked?: Gathered["imageVersion"] | undefined;
  readonly would: "changed" | "created" | "restored";
  readonly change: Gathered["change"];
}

/**
 * Checks a document that `would` be the result: the version in Azure, with that change. Throws as
 * `prove` does, and only by what was read since it began.
 */
export async function proofOf(
  deps: Dependencies,
  id: ImageVersionId,
  document: ImageVersionRequest,
  proving: Proving,
): Promise<ProofKept> {
  const beginMs = deps.now().getTime();
  try {
    return await proofBy(deps, id, document, proving);
  } catch (error) {
    const since = deps.sharedFacts?.(undefined, beginMs);
    if (!(error instanceof ServiceError) || error.findings.length === 0 || since === undefined)
      throw error;
    return proofBy({ ...deps, ...since }, id, document, proving);
  }
}

async function proofBy(
  deps: Dependencies,
  id: ImageVersionId,
  document: ImageVersionRequest,
  { sources, capture, looked, would, change }: Proving,
): Promise<ProofKept> {
  const gathered = await gather(deps, id, document, {
    sources,
    capture,
    ...(looked && { imageVersion: looked }),
  });
  const shown = would === "restored" ? undefined : change?.observed;
  const withKeys = await gatherKeys(deps, id, gathered, document, shown);
  const judged = judge(id, document, { ...withKeys, ...(change && { change }) }, deps.now());
  const errors = errorsAmong(judged.findings).map((finding) => findingOfCaller(finding, capture));
  if (errors.length > 0) throw refusal(errors, would);
  return provenBy(document, judge(id, document, withKeys, deps.now()), deps.now());
}

/**
 * How the disks of a version are encrypted that an operation adopts unchanged; undefined for any
 * other.
 */
export async function typesOf(
  deps: Dependencies,
  id: ImageVersionId,
  { state, status, encryptionTypes }: ImageVersionRecord,
): Promise<ProofKept | undefined> {
  if (state !== "Accepted" || status === undefined) return undefined;
  const isKnown = diskEncryptionReferences(status.resource).every(
    ({ diskEncryptionSetId }) => diskEncryptionSetId.toLowerCase() in encryptionTypes,
  );
  if (isKnown) return undefined;
  const document = canonicalForm(status.resource);
  const gathered = await orNone(
    gather(deps, id, document, {
      sources: false,
      imageVersion: { kind: "found", value: status },
    }),
  );
  return gathered && provenBy(document, { gathered, findings: [] }, deps.now());
}

function refusal(errors: readonly RuleFinding[], would: string): ServiceError {
  const [first] = errors;
  return new ServiceError(
    errors.every((finding) => finding.code === "ImageVersionConflict")
      ? "ImageVersionConflict"
      : "PreflightFailed",
    `Nothing was ${would}: ${errors.length} check${errors.length === 1 ? "" : "s"} failed. ${first?.message} ${first?.remediation}`,
    { findings: errors },
  );
}

/** The document that findings of these requests point into. */
export function bodyOf(record: ImageVersionRecord): ImageVersionRequest | undefined {
  return inWindow(record).find(([, { body }]) => body !== undefined)?.[1].body;
}
