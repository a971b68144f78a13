import type { Dependencies, ImageVersionRecord } from "../image-version/index.js";
import type { StateStore } from "../operation/ports.js";
import {
  operationIdOf,
  type OperationRecord,
  type Requester,
  type TrackedRecord,
} from "../operation/records.js";
import { firstSequenceOf, lastSequenceOf } from "../operation/sequence.js";

/** The requester recorded for operations that Sigil starts itself. */
export const REQUESTED_BY = {
  name: "rollout",
  policy: "rollout",
} as const satisfies Requester;

/** Whether Sigil started it. The name alone is no proof, because a person may have it, too. */
export function isByRollout({ requestedBy }: Pick<OperationRecord, "requestedBy">): boolean {
  return requestedBy.policy === REQUESTED_BY.policy;
}

const MOST_OPERATIONS = 10;

/** Stored operations, newest first. */
export async function* operationsBack(
  store: Pick<StateStore<never>, "readOperation">,
  record: TrackedRecord,
): AsyncGenerator<OperationRecord, undefined> {
  const { key } = record;
  const last = lastSequenceOf(record);
  const first = Math.max(firstSequenceOf(record), last - MOST_OPERATIONS + 1);
  for (let sequence = last; sequence >= first; sequence -= 1) {
    const operation = (await store.readOperation(operationIdOf({ key, sequence })))?.operation;
    if (operation !== undefined) yield operation;
  }
}

/** The last promotion or demotion of a version. Other operations do not change latest. */
export async function lastOfLatest(
  { store }: Pick<Dependencies, "store">,
  record: ImageVersionRecord,
): Promise<OperationRecord | undefined> {
  for await (const operation of operationsBack(store, record))
    if (operation.kind === "PromoteImageVersion" || operation.kind === "DemoteImageVersion")
      return operation;
  return undefined;
}
