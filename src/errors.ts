/** What went wrong, as callers may switch on it: these words are part of the API and never change meaning. */
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
  // Azure Resource Manager.
  | "ResourceManagerRefused"
  | "ResourceManagerForbidden"
  | "ResourceManagerThrottled"
  | "ResourceManagerBusy"
  | "ResourceManagerUnavailable"
  // Our own side.
  | "StateConflict"
  | "StateTooNew"
  | "StateTooOld"
  | "DependencyUnavailable"
  | "InternalError";

/** An error stops the request; a warning and what is merely worth knowing do not. */
export type Severity = "error" | "warning" | "info";

/**
 * One mistake: a stable `code`, an RFC 6901 `pointer` into the request, and what was wrong. What a rule has found also
 * says which `rule`, how severe it is, and in `remediation` the command or change that mends it.
 */
export interface Finding {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly rule?: string;
  readonly severity?: Severity;
  readonly remediation?: string;
}

/** Nobody reads more at once: whoever has fixed these asks again. */
export const MOST_FINDINGS = 100;

/**
 * What an answer has of these: at most `MOST_FINDINGS`. Where some are left out, errors come first, and the last one stands for
 * what is left: it is as severe as the worst of that.
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

/** The worst first. */
const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

/** Stands for so many that an answer leaves out. */
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
  /** Every mistake that was found, not the first alone. */
  readonly findings?: readonly Finding[];
  /** Present exactly when the same call may succeed later: after how many milliseconds to try again. */
  readonly retryAfterMs?: number;
  /** The pacer (azure/arm/pacer.ts) has not sent the call, and `retryAfterMs` is the time until its turn. */
  readonly isTurn?: boolean;
  /** Further fields for the caller, such as `allow` or `existingOperationId`. Never a secret. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * An expected failure. Terminal unless `retryAfterMs` is given. The message is written for the caller: it says what
 * was wrong and what to do, and holds no secret. Programmer mistakes are TypeErrors, not this.
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

/** Of a call that holds up nothing: what it answers, or undefined where it fails as may be expected. */
export async function orNone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
