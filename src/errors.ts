/**
 * The codes of errors, which callers may switch on. They are part of the API and never change
 * meaning.
 */
export type ErrorCode =
  // The request itself.
  | "MalformedJson"
  | "UnsupportedMediaType"
  | "PayloadTooLarge"
  | "InvalidRequest"
  | "IdempotencyKeyReused"
  | "Unauthenticated"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "TooManyRequests"
  // The image version and its operation.
  | "ImageVersionConflict"
  | "ImageVersionGone"
  | "ImageVersionSoftDeleted"
  | "FailedNotSoftDeletable"
  | "ImageVersionInUse"
  | "KeyAtRisk"
  | "UseUnknown"
  | "KeptByRetention"
  | "ImageVersionRevoked"
  | "GateClosed"
  | "ImageVersionProtected"
  | "StaysIncluded"
  | "RegionWouldLoseLatest"
  | "PreconditionFailed"
  | "OperationEnded"
  | "DryRunFirst"
  | "PreflightFailed"
  | "TooManyReads"
  | "RollbackRefused"
  | "TestRefused"
  | "TestMachinesOff"
  | "TestFailed"
  | "TestInconclusive"
  | "Superseded"
  | "ImageVersionExists"
  | "ChangedOutside"
  | "ReplacedOutside"
  | "NotShown"
  | "NotRestored"
  | "NotRestorable"
  | "ReadBackMismatch"
  | "ReplicationFailed"
  | "PoisonMessage"
  | "RequestExpired"
  // A batch.
  | "BatchNotPlanned"
  | "PlanHasErrors"
  | "BatchIncomplete"
  | "BatchExpired"
  // Azure Resource Manager.
  | "ResourceManagerRefused"
  | "ResourceManagerForbidden"
  | "ResourceManagerThrottled"
  | "ResourceManagerBusy"
  | "ResourceManagerUnavailable"
  // Sigil itself.
  | "StateConflict"
  | "StateTooNew"
  | "StateTooOld"
  | "DependencyUnavailable"
  | "InternalError";

/** An error stops the request; warnings and information do not. */
export type Severity = "error" | "warning" | "info";

/**
 * One mistake: a stable `code`, an RFC 6901 `pointer` into the request, and what was wrong. A
 * rule's finding also has the `rule`, its severity and, in `remediation`, the command or change
 * that fixes it.
 */
export interface Finding {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly rule?: string;
  readonly severity?: Severity;
  readonly remediation?: string;
}

/** More than anyone reads at once: fix these, then ask again. */
export const MOST_FINDINGS = 100;

/**
 * The findings of an answer: at most `MOST_FINDINGS`. If some are left out, errors come first, and
 * the last entry stands for the rest, with the highest severity among it.
 */
export function findingsInAnswer<F extends Finding>(
  findings: readonly F[],
): (F | Required<Finding>)[] {
  if (findings.length <= MOST_FINDINGS) return [...findings];
  const ordered = SEVERITIES.flatMap((each) =>
    findings.filter(({ severity = "error" }) => severity === each),
  );
  const left = ordered.slice(MOST_FINDINGS - 1);
  return [
    ...ordered.slice(0, MOST_FINDINGS - 1),
    {
      ...moreFindings(left.length),
      rule: "too-many-findings",
      severity: left[0]?.severity ?? "error",
      remediation: "Fix the errors listed here first, then send the request again.",
    },
  ];
}

/** Worst first. */
const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

/** Stands for this many findings that an answer leaves out. */
export function moreFindings(count: number): Finding {
  return {
    code: "TooManyMistakes",
    pointer: "",
    message: `There are ${count} more. Fix these first.`,
  };
}

/** One reference token of a JSON pointer (RFC 6901, section 3). */
export function escapePointer(token: string): string {
  return token.replace(/~/gu, "~0").replace(/\//gu, "~1");
}

interface ServiceErrorOptions {
  /** All mistakes, not only the first. */
  readonly findings?: readonly Finding[];
  /** Milliseconds until the same call may succeed; absent: it cannot. */
  readonly retryAfterMs?: number;
  /**
   * The pacer (azure/arm/pacer.ts) did not send the call, and `retryAfterMs` is the time until its
   * turn.
   */
  readonly isTurn?: boolean;
  /** More fields for the caller, such as `allow` or `existingOperationId`. Never a secret. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * An expected failure. Final unless `retryAfterMs` is set. The message is for the caller: it names
 * what was wrong and what to do, without secrets. Programming mistakes are TypeErrors instead.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ErrorCode;
  readonly findings: readonly Finding[];
  readonly retryAfterMs: number | undefined;
  readonly isTurn: boolean;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.findings = options.findings ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.isTurn = options.isTurn ?? false;
    this.fields = options.fields ?? {};
  }

  get retryable(): boolean {
    return this.retryAfterMs !== undefined;
  }
}

/** The result of an optional call; undefined if it fails with a ServiceError. */
export async function orNone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
