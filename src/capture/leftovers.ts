/**
 * When a snapshot of a capture is no longer needed. It is a leftover only if its name is one that a
 * capture for its operation's version gives, the operation has ended (72 hours ago, if it failed), no
 * operation is open on the version, and Azure copies nothing of it. If the operation is unknown,
 * because the tables were lost or it is of another deployment, the snapshot stays until its deadline.
 */
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import {
  isBusy,
  isFinal,
  isNamedFor,
  KEPT_AFTER_FAILURE_MS,
  type Dependencies,
} from "../image-version/index.js";
import type { Group, TaggedResources } from "../leftovers/ports.js";
import { stranger, type Found, type Judged, type Maker } from "../leftovers/sweep.js";
import { recordKeyOf } from "../operation/records.js";
import { parseImageVersionId } from "../resource-id.js";

type Needs = Pick<Dependencies, "store" | "resourceManager" | "snapshots">;

export function captureMaker(deps: Needs, resources: TaggedResources): Maker {
  return {
    name: "captures",
    types: ["microsoft.compute/snapshots"],
    event: IMAGE_VERSION_EVENT.snapshotLeft,
    resources,
    groups: () => Promise.resolve((deps.snapshots?.groups ?? []).map(groupOf)),
    judge: (found) => judge(deps, found),
  };
}

function groupOf(id: string): Group {
  const [, , subscriptionId = "", , resourceGroupName = ""] = id.split("/");
  return { subscriptionId, resourceGroupName };
}

async function judge(
  deps: Needs,
  { resource: { id }, operationId, operation, deadlineMs, nowMs }: Found,
): Promise<Judged> {
  const key = recordKeyOf(operationId) ?? "";
  if (!isNamedFor(id, key)) return stranger("Its name is not one of that operation's snapshots.");
  const overMs = endOf(operation, deadlineMs);
  if (overMs > nowMs || (await isOpen(deps, key))) return undefined;
  const version = operation && parseImageVersionId(operation.resourceId);
  const shown = version && (await deps.resourceManager.getImageVersion(version));
  const isCopied =
    shown !== undefined &&
    (isBusy(shown) || shown.regions.some(({ state }) => state === "Replicating"));
  return isCopied ? undefined : { kind: "leftover", overMs };
}

function endOf(operation: Found["operation"], deadlineMs: number): number {
  if (operation === undefined) return deadlineMs;
  const { endTime, status } = operation;
  if (endTime === undefined) return Infinity;
  return Date.parse(endTime) + (status === "Failed" ? KEPT_AFTER_FAILURE_MS : 0);
}

async function isOpen({ store }: Needs, key: string): Promise<boolean> {
  const record = await store.readRecord(key);
  return record !== undefined && !isFinal(record.state);
}
