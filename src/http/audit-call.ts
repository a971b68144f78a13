import type { HttpRequest, InvocationContext } from "@azure/functions";
import type { Principal } from "../authorization/authentication.js";
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

/** A path or a query is written down so far. */
const LONGEST = 1_000;

export function isWrite(role: Role | undefined): boolean {
  return role !== undefined && role !== "ImageVersions.Read";
}

/** Writes the record of a write, whatever became of it, and of any call that is refused because of who makes it. */
export function auditCall(log: Log, call: Call): void {
  const { operationId, requiredRole, request, context, seen, answer } = call;
  const { status } = answer;
  const plans = /^(?:get|plan)/u.test(operationId);
  if (![401, 403, 429].includes(status) && (!isWrite(requiredRole) || plans))
    return;
  const { pathname, search } = new URL(request.url);
  const outcome = status < 500 ? "refused" : "failed";
  audit(log, {
    action: operationId,
    resourceId: withoutTokens(pathname.slice(0, LONGEST)),
    ...(search !== "" && { query: withoutTokens(search.slice(0, LONGEST)) }),
    appId: seen.principal?.appId,
    objectId: seen.principal?.objectId,
    address: addressOf(request.headers),
    outcome: call.code === undefined ? "done" : outcome,
    status,
    code: call.code,
    requestId: context.invocationId,
    operationId: operationIn(answer.body),
    ...(takesProtectionOff(operationId, seen) && { protection: "off" }),
  });
}

function operationIn(body: unknown): string | undefined {
  const { id } = (body ?? {}) as { readonly id?: unknown };
  return typeof id === "string" && recordKeyOf(id) !== undefined
    ? id
    : undefined;
}

/** Only an Admin can: where others say so, there was no protection. */
function takesProtectionOff(
  operationId: OperationId,
  { principal, body }: Seen,
): boolean {
  if (operationId === "unrevokeImageVersion") return true;
  const { sigil } = (body ?? {}) as {
    readonly sigil?: { readonly protected?: boolean | null } | null;
  };
  const isOff = sigil?.protected === false || sigil?.protected === null;
  return isOff && isSufficient(principal?.roles ?? [], "ImageVersions.Admin");
}
