import type { Log } from "./log.js";

/** Who requested what, from where, and the outcome. Only ids: no name, body or token. */
export interface AuditRecord {
  /** The API's name of the operation; absent: a line for refused calls over the limit. */
  readonly action: string | undefined;
  readonly resourceId: string | undefined;
  readonly query?: string;
  readonly appId?: string | undefined;
  readonly objectId?: string | undefined;
  /** The queue that it came by. A message proves no identity but that, whatever source it names. */
  readonly queue?: string;
  readonly namedSource?: string | undefined;
  readonly address?: string | undefined;
  readonly outcome: "done" | "refused" | "failed";
  readonly status?: number;
  readonly code?: string | undefined;
  /** Id of the invocation, as in x-request-id; for a message its own. */
  readonly requestId: string | undefined;
  readonly operationId?: string | undefined;
  /** How many calls over the limit were refused since this caller's last such line. */
  readonly refusedCalls?: number;
  /** `off`: the request removed what keeps a version from deletion or out of latest. */
  readonly protection?: "off";
  /** For an approval: the version was created outside Sigil, or by a message. */
  readonly publisher?: "unknown";
}

/**
 * Writes one line for each requested write and each refusal: `AppTraces | where Message ==
 * "audit"`.
 */
export function audit(log: Log, record: AuditRecord): void {
  const fields = { ...record };
  if (record.outcome === "done") log.info("audit", fields);
  else log.warn("audit", fields);
}
