import type { Log } from "./log.js";

/** Who asked for what, from where, and what became of it. Ids alone: no name, no body and no token is in it. */
export interface AuditRecord {
  /** The API's name of the operation; absent: calls over the limit, of any. */
  readonly action: string | undefined;
  readonly resourceId: string | undefined;
  readonly query?: string;
  readonly appId?: string | undefined;
  readonly objectId?: string | undefined;
  /** The queue that it came by: no caller is known but by that, whatever source it names. */
  readonly queue?: string;
  readonly namedSource?: string | undefined;
  readonly address?: string | undefined;
  readonly outcome: "done" | "refused" | "failed";
  readonly status?: number;
  readonly code?: string | undefined;
  /** Of the invocation, as x-request-id has it; of a message its own. */
  readonly requestId: string | undefined;
  readonly operationId?: string | undefined;
  /** So many calls over the limit were refused since the last such line of this caller. */
  readonly refusedCalls?: number;
  /** `off`: what keeps a version from deletion, or out of latest, was taken off. */
  readonly protection?: "off";
  /** For an approval: the version was created outside Sigil, or by a message. */
  readonly publisher?: "unknown";
}

/** One line for each write that was asked for, and each refusal: `AppTraces | where Message == "audit"`. */
export function audit(log: Log, record: AuditRecord): void {
  const fields = { ...record };
  if (record.outcome === "done") log.info("audit", fields);
  else log.warn("audit", fields);
}
