import type { HttpRequest, InvocationContext } from "@azure/functions";
import type { Principal } from "../authorization/authentication.js";
import type { RateLimiter, RefusedCalls } from "../authorization/rate-limit.js";
import { isSufficient, type Role } from "../authorization/roles.js";
import { recordKeyOf } from "../operation/records.js";
import { audit } from "../telemetry/audit.js";
import type { Log } from "../telemetry/log.js";
import { addressOf } from "./address.js";
import type { OperationId } from "./contract/openapi-document.js";
import { withoutTokens } from "./problem.js";

/** What is known of a request once it is answered, however far it came. */
export interface Seen {
  principal?: Principal;
  body?: unknown;
  /** It was one call too many. */
  isOverLimit?: boolean;
  isPublisherUnknown?: true;
  /** To be written down now: once a minute and caller. */
  refusedCalls?: readonly RefusedCalls[];
}

/** A call of an operation of the document, and its answer. */
interface Call {
  readonly operationId: OperationId;
  readonly requiredRole: Role | undefined;
  readonly request: HttpRequest;
  readonly context: InvocationContext;
  readonly seen: Seen;
  readonly answer: { readonly status: number; readonly body: unknown };
  /** Of a problem. */
  readonly code: string | undefined;
}

/** A path or a query is written down so far; who has no token that is believed says no more than the second. */
const LONGEST = 1_000;
const LONGEST_OF_STRANGER = 200;

export function isWrite(role: Role | undefined): boolean {
  return role !== undefined && role !== "ImageVersions.Read";
}

/** Counts a call; throws TooManyRequests where it is one too many. Without a token that is believed it counts by its address. */
export function countCall(
  rateLimiter: RateLimiter | undefined,
  request: HttpRequest,
  seen: Seen,
): void {
  const caller = seen.principal ?? { address: addressOf(request.headers) };
  try {
    rateLimiter?.take(caller, (refused) => {
      seen.refusedCalls = [...(seen.refusedCalls ?? []), refused];
    });
  } catch (error) {
    seen.isOverLimit = true;
    throw error;
  }
}

/** Writes how many calls over the limit were refused: those calls have no line of their own. */
export function auditRefusedCalls(
  log: Log,
  { refusedCalls = [] }: Seen,
  { invocationId: requestId }: InvocationContext,
): void {
  for (const { by, calls } of refusedCalls)
    audit(log, {
      action: undefined,
      resourceId: undefined,
      ...by,
      outcome: "refused",
      status: 429,
      code: "TooManyRequests",
      requestId,
      refusedCalls: calls,
    });
}

/** Writes the record of a write, whatever became of it, and of any call that is refused because of who makes it. */
export function auditCall(log: Log, call: Call): void {
  const { operationId, requiredRole, request, context, seen, answer } = call;
  auditRefusedCalls(log, seen, context);
  if (seen.isOverLimit) return;
  const { status } = answer;
  const plans = /^(?:get|plan)/u.test(operationId);
  if (![401, 403, 429].includes(status) && (!isWrite(requiredRole) || plans)) return;
  const { pathname, search } = new URL(request.url);
  const outcome = status < 500 ? "refused" : "failed";
  const longest = seen.principal ? LONGEST : LONGEST_OF_STRANGER;
  audit(log, {
    action: operationId,
    resourceId: withoutTokens(pathname.slice(0, longest)),
    ...(search !== "" && { query: withoutTokens(search.slice(0, longest)) }),
    appId: seen.principal?.appId,
    objectId: seen.principal?.objectId,
    address: addressOf(request.headers),
    outcome: call.code === undefined ? "done" : outcome,
    status,
    code: call.code,
    requestId: context.invocationId,
    operationId: operationIn(answer.body),
    ...(takesProtectionOff(operationId, seen) && { protection: "off" }),
    ...(seen.isPublisherUnknown && { publisher: "unknown" }),
  });
}

function operationIn(body: unknown): string | undefined {
  const { id } = (body ?? {}) as { readonly id?: unknown };
  return typeof id === "string" && recordKeyOf(id) !== undefined ? id : undefined;
}

/**
 * With PUT and PATCH only an Admin can remove a protection: from other callers the same body removed nothing. An Admin's PATCH of the
 * declared parents may remove some, and then their revocation does not name the version.
 */
function takesProtectionOff(operationId: OperationId, { principal, body }: Seen): boolean {
  if (operationId === "unrevokeImageVersion" || operationId === "approveImageVersion") return true;
  const { sigil, holdDescendants } = (body ?? {}) as {
    readonly sigil?: { readonly protected?: boolean | null; readonly builtFrom?: unknown } | null;
    readonly holdDescendants?: boolean;
  };
  const isOff =
    (operationId === "revokeImageVersion" && holdDescendants === false) ||
    sigil?.protected === false ||
    sigil?.protected === null ||
    (operationId === "patchImageVersion" && sigil?.builtFrom !== undefined);
  return isOff && isSufficient(principal?.roles ?? [], "ImageVersions.Admin");
}
