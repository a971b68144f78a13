import type { MessageRecord } from "../broker/message.js";
import type { Operation } from "../broker/store.js";
import { decodeRule, encodeRule, type StoredRule } from "./rule-encoding.js";

/** A record as JSON; fields at their defaults are left out, bytes are base64. */
interface StoredRecord {
  readonly n: number;
  readonly from?: number;
  readonly at: number;
  readonly session?: string;
  readonly ttl?: number;
  readonly due?: number;
  readonly count?: number;
  readonly deferred?: true;
  readonly changed?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly description?: string;
  /** Left out where the line has just put or removed a message of the same bytes. */
  readonly bytes?: string;
}

type StoredOperation =
  | readonly ["put" | "change", string, StoredRecord]
  | readonly ["remove", string, number]
  | readonly ["remember", string, string, number, number]
  | readonly ["lock", string, number, string, number]
  | readonly ["rules", string, readonly StoredRule[], readonly StoredRule[]]
  | readonly ["session-state", string, string, string | null]
  | readonly ["sequence", string, number];

/** One line of the journal: operations that hold all together or, the line being torn, not at all. */
export function encodeLine(operations: readonly Operation[]): string {
  let last: Buffer | undefined;
  const stored = operations.map((operation): StoredOperation => {
    switch (operation.kind) {
      case "put": {
        const { record } = operation;
        const repeated = record.bytes === last;
        last = record.bytes;
        return ["put", operation.entity, encodeRecord(record, !repeated)];
      }
      case "change":
        return ["change", operation.entity, encodeRecord(operation.record, false)];
      case "remove":
        return ["remove", operation.entity, operation.sequenceNumber];
      case "remember":
        return [
          "remember",
          operation.entity,
          operation.messageId,
          operation.sequenceNumber,
          operation.untilMs,
        ];
      case "lock":
        return [
          "lock",
          operation.entity,
          operation.sequenceNumber,
          operation.lock.token,
          operation.lock.untilMs,
        ];
      case "rules":
        return [
          "rules",
          operation.entity,
          operation.rules.configured.map(encodeRule),
          operation.rules.rules.map(encodeRule),
        ];
      case "session-state":
        return [
          "session-state",
          operation.entity,
          operation.sessionId,
          operation.state?.toString("base64") ?? null,
        ];
      case "sequence":
        return ["sequence", operation.entity, operation.next];
    }
  });
  return `${JSON.stringify(stored)}\n`;
}

/** The operations of a line; `bytesOf` finds the bytes of a message that a `change` leaves out. */
export function decodeLine(
  line: string,
  bytesOf: (entity: string, sequenceNumber: number) => Buffer | undefined,
): Operation[] {
  const stored = JSON.parse(line) as readonly StoredOperation[];
  let last: Buffer | undefined;
  return stored.map((operation): Operation => {
    const entity = operation[1];
    switch (operation[0]) {
      case "put": {
        const { bytes } = operation[2];
        if (bytes !== undefined) last = Buffer.from(bytes, "base64");
        return {
          kind: "put",
          entity,
          record: decodeRecord(operation[2], last),
        };
      }
      case "change":
        return {
          kind: "change",
          entity,
          record: decodeRecord(operation[2], bytesOf(entity, operation[2].n)),
        };
      case "remove":
        return { kind: "remove", entity, sequenceNumber: operation[2] };
      case "remember":
        return {
          kind: "remember",
          entity,
          messageId: operation[2],
          sequenceNumber: operation[3],
          untilMs: operation[4],
        };
      case "lock":
        return {
          kind: "lock",
          entity,
          sequenceNumber: operation[2],
          lock: { token: operation[3], untilMs: operation[4] },
        };
      case "rules":
        return {
          kind: "rules",
          entity,
          rules: {
            configured: operation[2].map(decodeRule),
            rules: operation[3].map(decodeRule),
          },
        };
      case "session-state":
        return {
          kind: "session-state",
          entity,
          sessionId: operation[2],
          state: operation[3] === null ? undefined : Buffer.from(operation[3], "base64"),
        };
      case "sequence":
        return { kind: "sequence", entity, next: operation[2] };
    }
  });
}

function encodeRecord(record: MessageRecord, withBytes: boolean): StoredRecord {
  return {
    n: record.sequenceNumber,
    at: record.enqueuedTimeMs,
    ...(record.sessionId !== undefined && { session: record.sessionId }),
    ...(record.enqueuedSequenceNumber !== undefined && {
      from: record.enqueuedSequenceNumber,
    }),
    ...(record.timeToLiveMs !== undefined && { ttl: record.timeToLiveMs }),
    ...(record.scheduledEnqueueTimeMs !== undefined && {
      due: record.scheduledEnqueueTimeMs,
    }),
    ...(record.deliveryCount > 0 && { count: record.deliveryCount }),
    ...(record.deferred && { deferred: true as const }),
    ...(record.changedProperties.size > 0 && {
      changed: Object.fromEntries(
        [...record.changedProperties].map(([name, value]) => [name, value.toString("base64")]),
      ),
    }),
    ...(record.deadLetterReason !== undefined && {
      reason: record.deadLetterReason,
    }),
    ...(record.deadLetterErrorDescription !== undefined && {
      description: record.deadLetterErrorDescription,
    }),
    ...(withBytes && { bytes: record.bytes.toString("base64") }),
  };
}

function decodeRecord(stored: StoredRecord, bytes: Buffer | undefined): MessageRecord {
  if (bytes === undefined) throw new Error(`message ${stored.n} has no bytes`);
  return {
    sequenceNumber: stored.n,
    enqueuedSequenceNumber: stored.from,
    enqueuedTimeMs: stored.at,
    bytes,
    sessionId: stored.session,
    timeToLiveMs: stored.ttl,
    scheduledEnqueueTimeMs: stored.due,
    deliveryCount: stored.count ?? 0,
    deferred: stored.deferred ?? false,
    changedProperties: new Map(
      Object.entries(stored.changed ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value, "base64"),
      ]),
    ),
    deadLetterReason: stored.reason,
    deadLetterErrorDescription: stored.description,
  };
}
