/** What a PUT or PATCH would do, and what stands against it, without writing anything. */
import { isDeepStrictEqual } from "node:util";
import type { OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId, imageIdOf, keyOf } from "../../resource-id.js";
import { findingOfCaller, mustNotCapture, viewCapture } from "../capture/choose.js";
import type { ImageVersionRequest, PlanView } from "../contract.js";
import type { KeyUse } from "../../keys/memory.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { Known } from "../rules/gathered.js";
import { found } from "../../bounded-reads.js";
import { gather } from "../preflight/gather.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import { judge } from "../preflight/judge.js";
import { latestAfter, latestFindings, takingOf } from "../preflight/latest.js";
import { isGuarded } from "../preflight/use.js";
import { sourceDataDiskLuns } from "../rules/source.js";
import { changeAsWritten, findingAsWritten, regionNamesIn } from "../properties/as-written.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  changesOf,
  contradicts,
  plannedChanges,
  type PropertyChange,
} from "../properties/changes.js";
import { diskEncryptionReferences } from "../properties/disk-encryption-references.js";
import { isSigilField } from "../properties/fields.js";
import { inOrderOf } from "../properties/order.js";
import type { Patch } from "../properties/patch.js";
import { ALLOW_DELETION } from "../properties/table.js";
import { storedKeys } from "../queries/keys.js";
import { viewParents } from "../queries/parents.js";
import { readUsualTimes } from "../queries/usual-times.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkRequest } from "../rules/rules.js";
import { sigilFieldsToBe, SUPPOSED, supposing } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { reconcile } from "../state/reconcile.js";
import { isRestoring } from "../state/states.js";
import { glance } from "./acceptance.js";
import { versionGone, type ChangeOptions } from "./command.js";
import { compared, type Compared, type Request } from "./compared.js";
import { contradictionsOf, inNoWave } from "./contradictions.js";
import { durationSentence, plannedCopies, storageSentence } from "./copies.js";
import { asksOf, deletionAgainst, doneBefore, parentsKept, protectionKept } from "./decide-put.js";
import { notHere, readRequest, saidByBody } from "./request.js";
import { restores } from "./restore-by-body.js";
import { repeated } from "./same-operation.js";
import { saidByPatch, type MergePatch } from "./said-by-patch.js";
import { isUnchanged } from "./unchanged.js";

type Gathered = Awaited<ReturnType<typeof gather>>;

/** A request whose shape has been validated against the OpenAPI document. */
type PlanImageVersion = ChangeOptions & ({ readonly body: ImageVersionRequest } | MergePatch);

/**
 * Throws ServiceError TooManyReads or Forbidden; a retryable one if ARM throttles a read or does
 * not answer.
 */
export async function planImageVersion(
  deps: Dependencies,
  command: PlanImageVersion,
  use: KeyUse = "plan",
): Promise<PlanView> {
  const { id } = command;
  const read = () => deps.store.read(keyOf(formatImageVersionId(id)));
  if ("patch" in command) {
    if (restores(command.patch)) throw notHere();
    mustNotCapture(command.patch);
    const stored = await read();
    const { said, glance } = await saidByPatch(deps, command, stored);
    return planOf(deps, await readRequest(deps, command, said, glance, stored), stored, use);
  }
  const said = saidByBody(deps, command);
  const stored = await read();
  const seen = await glance(deps, id, stored?.record, false);
  const request = await readRequest(deps, command, said, seen, stored);
  return planOf(deps, request, stored, use);
}

/**
 * The findings are every breach of every rule, in the caller's spelling: a PUT is refused exactly
 * if one of them is an error. The request to ARM is exact. Throws as `planImageVersion`.
 */
export async function planOf(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
  use: KeyUse,
): Promise<PlanView> {
  const { plansInTurn = (run) => run() } = deps;
  return plansInTurn(async () => {
    const beginMs = deps.now().getTime();
    const plan = await planSince(deps, request, stored, use);
    const isRefusal = plan.findings.some(({ severity }) => severity === "error");
    return isRefusal && Date.parse(plan.seenTime) < beginMs
      ? planSince(deps, request, stored, use, beginMs)
      : plan;
  });
}

/** By shared reads; what was read before `sinceMs` is read again. */
async function planSince(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
  use: KeyUse,
  sinceMs?: number,
): Promise<PlanView & { readonly seenTime: string }> {
  let lookedMs = deps.now().getTime();
  const shared = deps.sharedFacts?.((readMs) => {
    lookedMs = Math.min(lookedMs, readMs);
  }, sinceMs);
  const all = { ...deps, ...shared };
  const looks = await planning(all, request, use);
  const plan = await planBy({ ...all, looks }, request, stored);
  return { ...plan, seenTime: new Date(lookedMs).toISOString() };
}

/**
 * Reads a set or key again if it was last read before any instance found one broken for the image
 * definition.
 */
async function planning(
  deps: Pick<Dependencies, "looks" | "keyGuardian" | "now">,
  { command: { id }, body }: Request,
  use: KeyUse,
): Promise<Dependencies["looks"]> {
  const hasKeys = diskEncryptionReferences(body).length > 0;
  const stored = hasKeys ? await storedKeys(deps, imageIdOf(id)) : undefined;
  const brokenMs = [...(stored?.values() ?? [])]
    .filter(({ problems }) => problems.some(({ severity }) => severity === "error"))
    .map(({ lookedTime }) => Math.min(Date.parse(lookedTime), deps.now().getTime()));
  const { keys } = deps.looks;
  return {
    ...deps.looks,
    keys: {
      ...keys,
      see: (what, as, afterMs = -Infinity) =>
        keys.see(what, as === "act" ? use : as, Math.max(afterMs, ...brokenMs)),
    },
  };
}

async function planBy(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
): Promise<PlanView> {
  const { command, body, written, glance } = request;
  const { id, removeRegions = [] } = command;
  const { look, seen } = glance;
  // The request already names every set that the version will have, so everything is read at once.
  const gathered = await gather(deps, id, body, {
    sources: stored?.record.status === undefined,
    capture: request.capture,
    ...(seen && {
      imageVersion: look ? { kind: "found", value: look } : { kind: "absent" },
    }),
  });
  const decided = decidedOn(deps, request, stored);
  const findings = await findingsOf(deps, request, stored, gathered, decided);
  const { planned, changes, document, comparison } = decided;
  const { record: before, patch } = comparison;
  const own = { ...(before && sigilFieldsToBe(before)), ...patch };
  const purchasePlan = found(gathered.imageDefinition)?.purchasePlan;
  const luns = sourceDataDiskLuns(body, gathered);
  const names = [...regionNamesIn(written), ...removeRegions];
  const copies = plannedCopies(
    document,
    look?.resource,
    gathered,
    await readUsualTimes(deps.index),
  );
  const duration = durationSentence(copies);
  const sent = planned && (await deps.resourceManager.previewPut(id, planned.body));
  return {
    findings: findings.map((finding) =>
      findingAsWritten(findingOfCaller(finding, request.capture), names),
    ),
    ...viewCapture(request, deps.snapshots?.groups),
    changes: changes.map((one) => changeAsWritten(one, body, written)),
    ...(purchasePlan && { purchasePlan }),
    ...(sent && {
      request: {
        method: "PUT",
        url: sent.url,
        body: sent.body as Record<string, unknown>,
      },
    }),
    ...viewParents(gathered.parentage ? { parentage: gathered.parentage } : before, own),
    ...(luns && { sourceDataDiskLuns: [...luns] }),
    copies,
    storage: storageSentence(copies, document.location),
    ...(duration && { duration }),
  };
}

type Planned = ReturnType<typeof decidedOn>;

/** What a PUT would do. */
function decidedOn(deps: Dependencies, asking: Request, stored: StoredVersion | undefined) {
  const { body, fingerprint, glance } = asking;
  const { look } = glance;
  const comparison = compared(asking, stored);
  const { request, regions } = asksOf(asking, comparison, isGuarded(deps));
  const supposed = supposing(comparison.record, look, request);
  // The write for this request only, by the same decision as a step's.
  const decision = reconcile(supposed, contextOf(deps), [SUPPOSED]);
  const planned = decision.kind === "put" ? decision : undefined;
  const { patch } = request;
  // The next update closes again what a removal opens by itself.
  const { [ALLOW_DELETION]: opens, ...others } = planned?.changes ?? {};
  const changes = [
    ...plannedChanges(
      look?.resource,
      ALLOW_DELETION in patch ? { ...others, [ALLOW_DELETION]: opens } : others,
      body,
    ),
    ...(asking.patch === undefined ? [] : ownChanges(comparison.record, patch, body)),
  ];
  const whole = patched(look?.resource, { ...patch, ...planned?.changes });
  const isDone = isUnchanged(asking, comparison, regions);
  // An operation that does, or did, exactly this.
  const same =
    repeated(stored, look, fingerprint) ??
    (isDone ? doneBefore(stored, fingerprint, []) : undefined);
  const document = inOrderOf(canonicalForm(whole), body);
  return { comparison, asked: request, planned, document, changes, same };
}

/** What a merge patch changes of Sigil's own fields. */
function ownChanges(
  record: ImageVersionRecord | undefined,
  patch: Patch,
  body: ImageVersionRequest,
): readonly PropertyChange[] {
  const own = record ? sigilFieldsToBe(record) : {};
  const unmet = Object.entries(patch)
    .filter(([field]) => isSigilField(field))
    .map(([field, after]) => ({ field, before: own[field], after }))
    .filter(({ before, after }) => !isDeepStrictEqual(before ?? null, after));
  return changesOf(unmet, body, "planned");
}

async function findingsOf(
  deps: Dependencies,
  asking: Request,
  stored: StoredVersion | undefined,
  gathered: Gathered,
  { comparison, asked, planned, document, same }: Planned,
): Promise<readonly RuleFinding[]> {
  const { command, body: request, glance } = asking;
  const { id } = command;
  const { record, change } = comparison;
  const { look } = glance;
  const known = stored && knownOf(stored, asked.patch, asking, same);
  const withKeys = await gatherKeys(
    deps,
    id,
    { ...gathered, ...(change && { change }), ...(known && { known }) },
    canonicalForm(planned?.body ?? document),
    change?.observed,
  );
  const latest =
    look === undefined || same !== undefined
      ? []
      : await latestAfter(deps, {
          ...takingOf(id, look, record, asked),
          leaving: command.rehearsal?.leaving,
        });
  const findings = [
    ...asking.unchosen,
    ...isNotMeant(command, comparison),
    ...protectionKept(command, comparison),
    ...parentsKept(command, comparison),
    ...inNoWave(request, comparison),
    ...checkRequest({ id, request, now: deps.now(), change }),
    ...asking.warnings,
    ...comparison.stays,
    ...latestFindings(latest, command.allowNoLatest === true),
    ...judge(id, document, withKeys, deps.now(), request).findings,
  ];
  return same === undefined
    ? findings
    : findings.filter(
        // The operation itself may have removed the region already.
        ({ severity, code }) => severity !== "error" && code !== "RegionNotInVersion",
      );
}

/** Under the number of a version that is gone, only an explicit request creates one. */
function isNotMeant(
  { id, ifNoneMatch }: ChangeOptions,
  { isGone }: Compared,
): readonly RuleFinding[] {
  if (!isGone || ifNoneMatch === "*") return [];
  const { code, message } = versionGone(id);
  return [
    {
      rule: "gone",
      code,
      pointer: "",
      message,
      severity: "error",
      remediation: "To create it again, send the request with the header If-None-Match: *.",
    },
  ];
}

function knownOf(
  stored: StoredVersion,
  patch: Patch,
  request: Request,
  same: OperationRecord | undefined,
): Known {
  const { record, operation } = stored;
  const deletion = deletionAgainst(record, patch);
  return {
    operationId: deletion?.id ?? operation.id,
    ...(same && { sameRequest: same.id }),
    deleting: deletion !== undefined,
    ...(isRestoring(record) && { restoring: true as const }),
    conflicts: contradictionsOf(record, patch, request.patch).map((one) => ({
      ...contradicts(one, request.body),
      operationId: one.operationId,
    })),
  };
}
