import type {
  Dependencies,
  ImageVersionRecord,
} from "../image-version/index.js";
import type { StateStore } from "../operation/ports.js";
import {
  operationIdOf,
  type OperationRecord,
  type Requester,
} from "../operation/records.js";

/** By whom what Sigil begins by itself is requested. */
export const REQUESTED_BY = {
  name: "rollout",
  policy: "rollout",
} as const satisfies Requester;

/** Sigil has begun it by itself: a person may have that name, too. */
export function isByRollout({
  requestedBy,
}: Pick<OperationRecord, "requestedBy">): boolean {
  return requestedBy.policy === REQUESTED_BY.policy;
}

const MOST_OPERATIONS = 10;

/** Operations that are kept, the last one first. */
export async function* operationsBack(
  store: Pick<StateStore<never>, "readOperation">,
  { key, sequence }: { readonly key: string; readonly sequence: number },
): AsyncGenerator<OperationRecord, undefined> {
  const last = Math.max(0, sequence - MOST_OPERATIONS);
  for (let at = sequence; at > last; at -= 1) {
    const operation = await store.readOperation(
      operationIdOf({ key, sequence: at }),
    );
    if (operation !== undefined) yield operation;
  }
}

/** The last promotion or demotion of a version: what was asked besides says nothing of latest. */
export async function lastOfLatest(
  { store }: Pick<Dependencies, "store">,
  { key, lastSequence }: ImageVersionRecord,
): Promise<OperationRecord | undefined> {
  for await (const operation of operationsBack(store, {
    key,
    sequence: lastSequence,
  }))
    if (
      operation.kind === "PromoteImageVersion" ||
      operation.kind === "DemoteImageVersion"
    )
      return operation;
  return undefined;
}
