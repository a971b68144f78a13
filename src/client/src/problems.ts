import type { components } from "./generated/openapi.js";

type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Operation = Schemas["Operation"];

/** The base of all errors that this package throws, except TypeErrors for wrong calls. */
export class SigilError extends Error {
  override name = "SigilError";
}

/** No answer came, after all attempts. `cause` has the reason. */
export class ConnectionError extends SigilError {
  override readonly name = "ConnectionError";
}

/** An answer without success: RFC 9457 from Sigil, or the answer of a proxy. */
export class ProblemError extends SigilError {
  override name = "ProblemError";
  readonly status: number;
  /** A stable code that callers may switch on; `Unknown` if the answer did not come from Sigil. */
  readonly code: string;
  /** All errors that Sigil found. */
  readonly errors: Problem["errors"];
  readonly problem: Partial<Problem>;
  /** Finds the request in the service's log. */
  readonly requestId: string | undefined;
  /** How long the answer asks to wait before the next request; undefined: it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, problem: Partial<Problem>, headers?: Headers) {
    super(problem.detail ?? problem.title ?? `HTTP status ${status}`);
    this.status = status;
    this.code = problem.code ?? "Unknown";
    this.errors = problem.errors ?? [];
    this.problem = problem;
    this.requestId = headers?.get("x-request-id") ?? undefined;
    this.retryAfterMs = retryAfterMs(headers);
  }
}

/** 400, 413, 415: the request is wrong; `errors` shows where. */
export class InvalidRequestError extends ProblemError {
  override readonly name = "InvalidRequestError";
}
/** 401: no token, or a refused one. */
export class NotSignedInError extends ProblemError {
  override readonly name = "NotSignedInError";
}
/** 403: a role is missing, or the gallery policy forbids it. */
export class ForbiddenError extends ProblemError {
  override readonly name = "ForbiddenError";
}
/** 404. */
export class NotFoundError extends ProblemError {
  override readonly name = "NotFoundError";
}
/** 409: a conflict with what Azure has, or with a running operation. */
export class ConflictError extends ProblemError {
  override readonly name = "ConflictError";
}
/** 412: the version has changed since the caller read it. */
export class PreconditionFailedError extends ProblemError {
  override readonly name = "PreconditionFailedError";
  /** The version's present ETag; undefined: it does not exist. */
  get etag(): string | undefined {
    return (this.problem as { readonly etag?: string }).etag;
  }
}
/** 422: the plan found an error, and nothing was stored. */
export class PlanRefusedError extends ProblemError {
  override readonly name = "PlanRefusedError";
}
/** 429, 5xx: unavailable now, after several attempts. */
export class UnavailableError extends ProblemError {
  override readonly name = "UnavailableError";
}

const BY_STATUS = new Map<number, typeof ProblemError>([
  [400, InvalidRequestError],
  [401, NotSignedInError],
  [403, ForbiddenError],
  [404, NotFoundError],
  [409, ConflictError],
  [412, PreconditionFailedError],
  [413, InvalidRequestError],
  [415, InvalidRequestError],
  [422, PlanRefusedError],
  [429, UnavailableError],
]);

/** The error for an answer without success. */
export function problemOf(response: Response, text: string): ProblemError {
  const { status, headers } = response;
  const Problem = BY_STATUS.get(status) ?? (status >= 500 ? UnavailableError : ProblemError);
  return new Problem(status, parsed(text, response), headers);
}

/** Reads the header in seconds; Sigil never sends a date. */
export function retryAfterMs(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get("Retry-After") ?? "none");
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}

function parsed(text: string, response: Response): Partial<Problem> {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null) return problem;
  } catch {
    // A proxy's page, or nothing.
  }
  return { detail: strangersWords(response, text) };
}

function strangersWords({ status, url }: Response, text: string): string {
  return `${url || "The service"} answered ${status}, and not as Sigil does: ${text.slice(0, 200) || "no body"}.`;
}

/** The JSON object of a success. Throws `ProblemError` if a proxy answered. */
export function jsonOf(response: Response, text: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // A proxy's page, or nothing.
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new ProblemError(response.status, {
    detail: strangersWords(response, text),
  });
}

/**
 * The operation failed: `operation.error` has the reason, `operation.regions` the progress of each
 * region.
 */
export class OperationFailedError extends SigilError {
  override readonly name = "OperationFailedError";
  readonly operation: Operation;

  constructor(operation: Operation) {
    super(operation.error?.message ?? `Operation ${operation.id} has failed.`);
    this.operation = operation;
  }
}

/** The operation was canceled, by `operation.canceledBy`. */
export class OperationCanceledError extends SigilError {
  override readonly name = "OperationCanceledError";
  readonly operation: Operation;

  constructor(operation: Operation) {
    super(`Operation ${operation.id} was canceled.`);
    this.operation = operation;
  }
}

/** Whether a later attempt may succeed. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ConnectionError || error instanceof UnavailableError;
}
