import type { components } from "./generated/openapi.js";

type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Operation = Schemas["Operation"];

/** What this package throws, but for a mistake in how it is called. */
export class SigilError extends Error {
  override name = "SigilError";
}

/** No answer came, however often it was asked. `cause` says why. */
export class ConnectionError extends SigilError {
  override readonly name = "ConnectionError";
}

/** An answer that is no success: RFC 9457, or what something in between has answered. */
export class ProblemError extends SigilError {
  override name = "ProblemError";
  readonly status: number;
  /** A stable code that callers may switch on; `Unknown` where the answer was not Sigil's. */
  readonly code: string;
  /** Every error that was found. */
  readonly errors: Problem["errors"];
  readonly problem: Partial<Problem>;
  /** Finds the request in the service's log. */
  readonly requestId: string | undefined;
  /** How long the answer asks to wait before the next request. */
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

/** 400, 413, 415: the request itself is wrong; `errors` says where. */
export class InvalidRequestError extends ProblemError {
  override readonly name = "InvalidRequestError";
}
/** 401: no token, or one that was refused. */
export class NotSignedInError extends ProblemError {
  override readonly name = "NotSignedInError";
}
/** 403: a role is missing, or the gallery policy says no. */
export class ForbiddenError extends ProblemError {
  override readonly name = "ForbiddenError";
}
/** 404. */
export class NotFoundError extends ProblemError {
  override readonly name = "NotFoundError";
}
/** 409: it contradicts what Azure has, or what is under way. */
export class ConflictError extends ProblemError {
  override readonly name = "ConflictError";
}
/** 412: the version is not as the caller has seen it. */
export class PreconditionFailedError extends ProblemError {
  override readonly name = "PreconditionFailedError";
  /** The version's present ETag; undefined where it does not exist. */
  get etag(): string | undefined {
    return (this.problem as { readonly etag?: string }).etag;
  }
}
/** 422: the plan has found an error, and nothing was stored. */
export class PlanRefusedError extends ProblemError {
  override readonly name = "PlanRefusedError";
}
/** 429, 5xx: not now. It was tried several times. */
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

/** The error of an answer that is no success. */
export function problemOf(response: Response, text: string): ProblemError {
  const { status, headers } = response;
  const Problem = BY_STATUS.get(status) ?? (status >= 500 ? UnavailableError : ProblemError);
  return new Problem(status, parsed(text, response), headers);
}

/** In seconds; Sigil gives no dates. */
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

/** The JSON object of a success. Throws `ProblemError` where something in between has answered. */
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

/** The operation has ended, and not well: `operation.error` says why, `operation.regions` how far each region came. */
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

/** Whether another attempt, later, may go well. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ConnectionError || error instanceof UnavailableError;
}
