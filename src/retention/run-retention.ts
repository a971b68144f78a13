/**
 * Deletes what the policies in mode `delete` say, with the same operation as a caller's DELETE.
 * Invariants:
 *  1. A run starts at most 10 deletions for all image definitions together, so that a mistake is
 *     seen while it is small.
 *  2. A version is deleted as it was judged or not at all: not while an operation runs on it or a
 *     rollback leads to it. It is judged again right before its DELETE is sent.
 *  3. A policy that is changed or deleted starts no further deletion, even in the middle of a run.
 *  4. Runs may repeat, overlap or be cut off. A version that is being deleted is not deleted again.
 *  5. A failure with one image definition or version does not stop the others.
 *  6. In a run, deletions that can be undone come first: those in galleries with soft delete.
 */
import { ServiceError } from "../errors.js";
import { softDeleteOf, deleteImageVersion, rollbackTarget } from "../image-version/index.js";
import { parseImageVersionId } from "../resource-id.js";
import type { Decision } from "./decide.js";
import { evaluateRetention } from "./evaluate-retention.js";
import { REQUESTED_BY } from "./requested-by.js";
import type { RetentionDependencies, StoredPolicy } from "./ports.js";

export const MOST_DELETIONS = 10;

interface RetentionRun {
  /** How many policies in mode `delete` were run. */
  readonly policies: number;
  /** Ids of the operations that were started. */
  readonly deletions: readonly string[];
  /** One for each image definition or version that could not be handled. */
  readonly errors: readonly unknown[];
}

/** Runs every policy in mode `delete` once. Throws if the policies cannot be listed. */
export async function runRetention(
  deps: RetentionDependencies,
  traceparent: string,
): Promise<RetentionRun> {
  const errors: unknown[] = [];
  const deletions: string[] = [];
  let policies = 0;
  const deleting = (await deps.policies.list()).filter(
    ({ document }) => document.mode === "delete",
  );
  for (const stored of await undoableFirst(deps, deleting)) {
    if (deletions.length >= MOST_DELETIONS) break; // Invariant 1.
    policies += 1;
    try {
      const { imageId, rules } = stored.document;
      const { decisions } = await evaluateRetention(deps, imageId, rules);
      for (const decision of decisions.filter(({ deletes }) => deletes)) {
        if (deletions.length >= MOST_DELETIONS) break; // Invariant 1.
        if (!(await isInForce(deps, stored))) break; // Invariant 3.
        const target = await rollbackTarget(deps.imageVersions, imageId);
        if (decision.version.name === target) continue; // Invariant 2.
        try {
          deletions.push(await deleteVersion(deps, decision, traceparent));
        } catch (error) {
          if (!isOvertaken(error)) errors.push(error);
        }
      }
    } catch (error) {
      errors.push(error);
    }
  }
  return { policies, deletions, errors };
}

/** Invariant 6. */
async function undoableFirst(
  { imageVersions }: RetentionDependencies,
  policies: readonly StoredPolicy[],
): Promise<readonly StoredPolicy[]> {
  // One policy needs no order.
  if (policies.length < 2) return policies;
  const final: StoredPolicy[] = [];
  const undoable: StoredPolicy[] = [];
  for (const stored of policies) {
    const { isSoftDeleteEnabled } = await softDeleteOf(imageVersions, stored.document.imageId);
    (isSoftDeleteEnabled === true ? undoable : final).push(stored);
  }
  return [...undoable, ...final];
}

async function isInForce(
  { policies }: RetentionDependencies,
  { document, etag }: StoredPolicy,
): Promise<boolean> {
  return (await policies.read(document.imageId))?.etag === etag;
}

async function deleteVersion(
  { imageVersions }: RetentionDependencies,
  { version }: Decision,
  traceparent: string,
): Promise<string> {
  const id = parseImageVersionId(version.id);
  if (id === undefined) throw new TypeError(`${version.id} is no image version's id`);
  const operation = await deleteImageVersion(imageVersions, {
    id,
    requestedBy: REQUESTED_BY,
    traceparent,
    byMachine: { publishedDate: version.publishedDate ?? "" }, // Invariant 2.
  });
  return operation.id;
}

function isOvertaken(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    [
      "ImageVersionConflict",
      "ImageVersionProtected",
      "RegionWouldLoseLatest",
      "FailedNotSoftDeletable",
    ].includes(error.code)
  );
}
