import { randomBytes } from "node:crypto";
import { emptyRecord, type ImageVersionRecord } from "../../../src/image-version/state/record.js";
import type { OperationRecord } from "../../../src/operation/records.js";

export const TIME = "2026-01-01T00:00:00.000Z";

/** A key of its own for each test, so that they share one server. */
export const newKey = (): string => randomBytes(16).toString("hex");

export function versionOf(key: string, more: Partial<ImageVersionRecord> = {}): ImageVersionRecord {
  return {
    ...emptyRecord(key, `/versions/${key}`, TIME),
    sequence: 1,
    lastSequence: 1,
    step: 1,
    ...more,
  };
}

export function operationOf(
  { key, sequence, resourceId }: ImageVersionRecord,
  more: Partial<OperationRecord> = {},
): OperationRecord {
  return {
    id: `${key}-${sequence}`,
    kind: "CreateImageVersion",
    status: "NotStarted",
    resourceId,
    fingerprint: "f",
    createdTime: TIME,
    lastUpdatedTime: TIME,
    requestedBy: { appId: "build-system" },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    regions: [],
    history: [],
    ...more,
  };
}
