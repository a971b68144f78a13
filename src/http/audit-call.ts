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

/** What is known of a request once it is answered. */
export interface Seen {
  principal?: Principal;
  body?: unknown;
  /** It exceeded the limit of calls. */
  isOverLimit?: boolean;
  isPublisherUnknown?: true;
  /** To write now; at most once a minute for each caller. */
  refusedCalls?: readonly RefusedCalls[];
}

/** A call of a documented operation, and its answer. */
interface Call {
  readonly operationId: OperationId;
  readonly requiredRole: Role | undefined;
  readonly request: HttpRequest;
  readonly context: InvocationContext;
  readonly seen: Seen;
  readonly answer: { readonly status: number; readonly body: unknown };
  /** The code of a problem. */
  readonly code: string | undefined;
}

/** Limits for a logged path or query; the second for callers without an accepted token. */
const LONGEST = 1_000;
const LONGEST_OF_STRANGER = 200;

export function isWrite(role: Role | undefined): boolean {
  return role !== undefined && role !== "ImageVersions.Read";
}

/**
 * Counts a call; throws TooManyRequests if it exceeds the limit. Without an accepted token it
 * counts by its address.
 */
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

/** Writes how many calls over the limit were refused; those calls have no lines of their own. */
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

/**
 * Writes the line of a write, whatever its outcome, and of any call refused because of its caller.
 */
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
 * With PUT and PATCH only an Admin can remove a protection; the same body of other callers removes
 * nothing. An Admin's PATCH may remove declared parents, whose revocation then does not name the
 * version.
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
