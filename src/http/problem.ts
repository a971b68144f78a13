import { type ErrorCode, type Finding, ServiceError, findingsInAnswer } from "../errors.js";

/** An answer of `application/problem+json`. */
interface ProblemResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

/** A problem by RFC 9457; more members come from the error's fields. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly errors: readonly Finding[];
}

/**
 * Each code's HTTP status (RFC 9110, 15) and title. Errors that only occur in the background are in
 * an operation's `error`; in an HTTP answer they would be our fault, 500. A busy state or service
 * is 503, which clients repeat after Retry-After.
 */
export const PROBLEMS: Readonly<Record<ErrorCode, readonly [status: number, title: string]>> = {
  MalformedJson: [400, "Malformed JSON"],
  UnsupportedMediaType: [415, "Unsupported media type"],
  PayloadTooLarge: [413, "Payload too large"],
  InvalidRequest: [400, "Invalid request"],
  IdempotencyKeyReused: [422, "Idempotency key reused"],
  Unauthenticated: [401, "Not authenticated"],
  Forbidden: [403, "Forbidden"],
  NotFound: [404, "Not found"],
  MethodNotAllowed: [405, "Method not allowed"],
  TooManyRequests: [429, "Too many requests"],
  ImageVersionConflict: [409, "Image version conflict"],
  ImageVersionGone: [409, "Image version gone"],
  ImageVersionSoftDeleted: [409, "Image version soft-deleted"],
  FailedNotSoftDeletable: [409, "Failed version not soft-deletable"],
  ImageVersionInUse: [409, "Image version in use"],
  KeyAtRisk: [409, "Key at risk"],
  UseUnknown: [409, "Use of the image version unknown"],
  KeptByRetention: [409, "Kept by the retention policy"],
  ImageVersionRevoked: [409, "Image version revoked"],
  GateClosed: [409, "Gate closed"],
  ImageVersionProtected: [409, "Image version protected"],
  StaysIncluded: [409, "Held back by a PUT"],
  RegionWouldLoseLatest: [409, "A region would lose its latest version"],
  PreconditionFailed: [412, "Precondition failed"],
  OperationEnded: [409, "Operation has ended"],
  DryRunFirst: [409, "Dry run required"],
  PreflightFailed: [422, "Preflight failed"],
  TooManyReads: [422, "Too many reads"],
  RollbackRefused: [409, "Rollback refused"],
  TestRefused: [409, "Test refused"],
  TestMachinesOff: [409, "Test machines are off"],
  TestFailed: [500, "Test failed"],
  TestInconclusive: [500, "Test inconclusive"],
  Superseded: [500, "Superseded by a later request"],
  ImageVersionExists: [500, "Image version created by others"],
  ChangedOutside: [500, "Changed outside Sigil"],
  ReplacedOutside: [500, "Replaced outside Sigil"],
  NotShown: [500, "Accepted and not shown by Azure"],
  NotRestored: [500, "Not restored by Azure"],
  NotRestorable: [500, "Not restorable by Azure"],
  ReadBackMismatch: [500, "Read-back mismatch"],
  ReplicationFailed: [500, "Replication failed"],
  PoisonMessage: [500, "Poison message"],
  RequestExpired: [500, "Request expired"],
  BatchNotPlanned: [409, "Batch not planned"],
  PlanHasErrors: [500, "Plan has errors"],
  BatchIncomplete: [500, "Batch incomplete"],
  BatchExpired: [500, "Batch expired"],
  ResourceManagerRefused: [502, "Refused by Azure Resource Manager"],
  ResourceManagerForbidden: [502, "Sigil's identity lacks a role"],
  ResourceManagerThrottled: [503, "Throttled by Azure Resource Manager"],
  ResourceManagerBusy: [503, "Azure Resource Manager is busy"],
  ResourceManagerUnavailable: [503, "Azure Resource Manager unavailable"],
  StateConflict: [503, "State conflict"],
  StateTooNew: [503, "State of a newer release"],
  StateTooOld: [503, "State of an earlier release"],
  DependencyUnavailable: [503, "Dependency unavailable"],
  InternalError: [500, "Internal error"],
};

/**
 * Turns any thrown value into an answer; `instance` is the request's path without tokens. An error
 * other than a ServiceError becomes 500 InternalError without details, because its message was
 * written for programmers and may contain anything.
 */
export function toProblem(error: unknown, instance: string): ProblemResponse {
  const known =
    error instanceof ServiceError
      ? error
      : new ServiceError(
          "InternalError",
          "An internal error occurred. Report it with the value of the x-request-id header.",
        );
  const [status, title] = PROBLEMS[known.code];
  return {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      ...headersOf(known, status),
    },
    body: {
      ...known.fields,
      type: `urn:sigil:problem:${known.code}`,
      title,
      status,
      detail: known.message,
      instance: withoutTokens(instance),
      code: known.code,
      errors: findingsInAnswer(known.findings),
    },
  };
}

/** The characters of a JSON Web Token. */
const DOTTED = /[\w.-]+/gu;
/** Its header is a JSON object in base64url. */
const BEGINS_TOKEN = "eyJ";

/**
 * A path for logs, without a JSON Web Token that a caller put there by mistake. No pattern matches
 * the three parts at once: it would read the path again from each possible beginning.
 */
export function withoutTokens(path: string): string {
  return path.replace(DOTTED, (text) => {
    const parts = text.split(".");
    const shown: string[] = [];
    for (let i = 0; i < parts.length; i += 1) {
      const [header = "", payload, signature] = parts.slice(i, i + 3);
      const begin = header.indexOf(BEGINS_TOKEN);
      const isToken =
        begin !== -1 &&
        begin + BEGINS_TOKEN.length < header.length &&
        payload !== "" &&
        signature !== undefined;
      shown.push(isToken ? `${header.slice(0, begin)}token` : header);
      if (isToken) i += 2;
    }
    return shown.join(".");
  });
}

function headersOf(error: ServiceError, status: number): Record<string, string> {
  const headers: Record<string, string> = {};
  // RFC 9110, 10.2.3: whole seconds, rounded up, so that the caller never comes too early.
  if (error.retryAfterMs !== undefined)
    headers["Retry-After"] = String(Math.ceil(error.retryAfterMs / 1000));
  // RFC 9110, 15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
  if (status === 405) headers["Allow"] = (error.fields["allow"] as readonly string[]).join(", ");
  // RFC 9110, 8.8.3: the state that the precondition was compared with.
  if (status === 412 && typeof error.fields["etag"] === "string")
    headers["ETag"] = error.fields["etag"];
  if (status === 401 || status === 403) headers["WWW-Authenticate"] = challenge(error);
  return headers;
}

/**
 * RFC 6750, 3: a request without a token "SHOULD NOT include an error code"; else it contains why
 * the token fails.
 */
function challenge(error: ServiceError): string {
  const { tokenError, requiredRole } = error.fields;
  const parts = ['Bearer realm="sigil"'];
  if (typeof tokenError === "string") {
    parts.push(`error="${tokenError}"`);
    // RFC 6750, 3: error_description "MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E".
    const description = error.message.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/gu, "'");
    parts.push(`error_description="${description}"`);
  }
  if (typeof requiredRole === "string") parts.push(`scope="${requiredRole}"`);
  return parts.join(", ");
}
