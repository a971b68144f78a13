import { ServiceError, type Finding } from "../../errors.js";
import { knownRefusal } from "./refusals.js";
import { deniedIn, grantOf, roleFor, type Permission } from "./permissions.js";

/** A call as errors describe it, and the permission that it needs. */
export interface ArmCall extends Permission {
  /** Such as `the read of version 1.0.0`. */
  readonly what: string;
}

/** One answer from ARM, unchanged. */
export interface ArmResponse {
  readonly status: number;
  readonly headers: Iterable<[string, string]> & {
    get(name: string): string | undefined;
  };
  readonly body: unknown;
}

const SHORT_WAIT_MS = 10_000;
const LONG_WAIT_MS = 30_000;

/**
 * Codes of 409 that pass when the running operation ends. Any other 409, such as
 * PropertyChangeNotAllowed, stays however often the call is repeated.
 */
const BUSY_CODES = new Set([
  "Conflict",
  "AnotherOperationInProgress",
  "CrpPirReplicationJobsNotCompleted",
  "RetryableError",
]);

/** Codes of 403 that no role assignment can fix: policy forbids the request to everybody. */
const DISALLOWED_CODES = new Set(["RequestDisallowedByPolicy", "RequestDisallowedByAzure"]);

/** The error for an answer that is not a success. */
export function toServiceError(call: ArmCall, response: ArmResponse, now: Date): ServiceError {
  const { status } = response;
  const error = armErrorIn(response.body);
  const said = `Azure Resource Manager answered ${status}${error === undefined ? "" : ` ${error.code}`} to ${call.what}`;
  const retry = (
    code: "ResourceManagerThrottled" | "ResourceManagerBusy" | "ResourceManagerUnavailable",
    waitMs: number,
    why?: string,
  ) =>
    new ServiceError(code, why ? `${said}: ${why}` : `${said}.`, {
      retryAfterMs: Math.max(retryAfterMs(response, now) ?? 0, waitMs),
    });

  if (status === 429) return retry("ResourceManagerThrottled", SHORT_WAIT_MS);
  if (status === 403 && !DISALLOWED_CODES.has(error?.code ?? ""))
    return forbidden(said, error, call);
  if (status === 409 && isBusy(error))
    return retry("ResourceManagerBusy", LONG_WAIT_MS, error?.message);
  // 401: the token expired on the way, or a role was just assigned. The next message gets a new
  // token.
  if (status === 401 || status === 408 || status >= 500)
    return retry("ResourceManagerUnavailable", SHORT_WAIT_MS);
  return new ServiceError(
    "ResourceManagerRefused",
    `${said}: ${error?.message ?? "no reason given"}`,
    {
      findings: error === undefined ? [] : toFindings([error, ...error.details]),
    },
  );
}

/** Whether waiting helps. A `Conflict` that names a value that does not fit will repeat. */
function isBusy(error: ArmError | undefined): boolean {
  return (
    error !== undefined && BUSY_CODES.has(error.code) && knownRefusal(error).code === error.code
  );
}

/** Takes action and scope from the call if ARM's answer does not name them. */
function forbidden(said: string, error: ArmError | undefined, call: ArmCall): ServiceError {
  const denied = deniedIn(error?.message, call);
  const [{ action, scope }] = denied;
  const azure = error === undefined ? "" : ` Azure says ${saidBy(error)}`;
  return new ServiceError(
    "ResourceManagerForbidden",
    `${said}: ${denied.map((each) => `${lacks(each)} Give it the role ${roleFor(each)} there.`).join(" ")}`,
    {
      fields: { action, scope },
      findings: denied.map((each) => ({
        code: "InsufficientPermission",
        pointer: "",
        message: `${lacks(each)}${azure}`,
        severity: "error",
        remediation: `Grant the identity the role ${roleFor(each)} there: ${grantOf(each)}`,
      })),
    },
  );
}

function lacks({ action, scope }: Permission): string {
  return `Sigil's identity may not perform ${action} on ${scope}.`;
}

/**
 * The error for a call without an answer: the connection failed or timed out. Azure may have run
 * it.
 */
export function toUnavailable(what: string, cause: unknown): ServiceError {
  return new ServiceError(
    "ResourceManagerUnavailable",
    `Azure Resource Manager did not answer ${what}.`,
    {
      retryAfterMs: SHORT_WAIT_MS,
      cause,
    },
  );
}

interface ArmError {
  readonly code: string;
  readonly message: string;
  readonly target: string | undefined;
  readonly details: readonly ArmError[];
}

/** ARM's error body, `{"error": {code, message, target, details}}`, in an answer or in a failed operation. */
export function armErrorIn(body: unknown): ArmError | undefined {
  const error = (body as { error?: unknown } | null | undefined)?.error;
  return isObject(error) ? readError(error) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function readError(error: Readonly<Record<string, unknown>>): ArmError {
  const { code, message, target, details } = error;
  return {
    code: typeof code === "string" ? code : "Unknown",
    message: typeof message === "string" ? message : "no message",
    target: typeof target === "string" ? target : undefined,
    details: Array.isArray(details) ? details.filter(isObject).map(readError) : [],
  };
}

/** Drops `details` that repeat the error, as ARM's often do. */
function toFindings(errors: readonly ArmError[]): Finding[] {
  const findings = errors.map((error): Finding => {
    const { code, remediation } = knownRefusal(error);
    return {
      code,
      pointer: pointerOf(error.target),
      message: `Azure says ${saidBy(error)}`,
      severity: "error",
      ...(remediation !== undefined && { remediation }),
    };
  });
  return findings.filter(
    ({ code, pointer, message }, i) =>
      findings.findIndex(
        (other) => other.code === code && other.pointer === pointer && other.message === message,
      ) === i,
  );
}

/** Azure's code and words. */
export function saidBy({ code, message }: ArmError): string {
  return `${code}: ${message}`;
}

/**
 * The JSON pointer for Compute's spelling, such as
 * `galleryImageVersion.properties.storageProfile.source.id`.
 */
function pointerOf(target: string | undefined): string {
  const path = target?.replace(/^galleryImageVersion\./u, "").replace(/\[(\d+)\]/gu, ".$1") ?? "";
  return /^(properties|location|tags)\b/u.test(path) ? `/${path.split(".").join("/")}` : "";
}

/** RFC 9110, 10.2.3: whole seconds, or a date. */
export function retryAfterMs(
  response: Pick<ArmResponse, "headers">,
  now: Date,
): number | undefined {
  const value = response.headers.get("retry-after");
  if (value === undefined) return undefined;
  const ms = /^\d+$/u.test(value) ? Number(value) * 1_000 : Date.parse(value) - now.getTime();
  return Number.isFinite(ms) ? ms : undefined;
}
