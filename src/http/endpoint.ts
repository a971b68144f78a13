import type { HttpHandler, HttpRequest, InvocationContext } from "@azure/functions";
import { ServiceError } from "../errors.js";
import type { operations } from "../generated/openapi.js";
import type { Authenticator, Principal } from "../authorization/authentication.js";
import { requireRole } from "../authorization/roles.js";
import { preflightHeaders } from "./cors.js";
import {
  requireMayUse,
  requireMayWrite,
  type GalleryPolicy,
  type LimitedResource,
  type WriteTarget,
} from "../authorization/gallery-policy.js";
import { mediaTypeOf, readJsonBody } from "./json-body.js";
import type { OpenApiDocument, OperationId } from "./contract/openapi-document.js";
import { auditCall, auditRefusedCalls, countCall, isWrite, type Seen } from "./audit-call.js";
import { respond, type Answering } from "./respond.js";
import { createLog } from "../telemetry/log.js";
import type { RateLimiter } from "../authorization/rate-limit.js";
import type { Validator } from "./contract/validation.js";

type Parameters<Id extends OperationId> = operations[Id]["parameters"];
type RequestBody<Id extends OperationId> = operations[Id]["requestBody"];
type JsonContent<T> = T extends { content: { "application/json": infer B } } ? B : undefined;

/** A request of one operation, authenticated, authorized and valid. */
export interface EndpointRequest<Id extends OperationId> {
  readonly path: NonNullable<Parameters<Id>["path"]>;
  readonly query: NonNullable<Parameters<Id>["query"]>;
  readonly headers: NonNullable<Parameters<Id>["header"]>;
  readonly body: JsonContent<RequestBody<Id>>;
  /** Of the body, in lower case. */
  readonly mediaType: string;
  /** Whether the body had read-only members, which are dropped, because it is an edited answer. */
  readonly pasted: boolean;
  /** Undefined only if the document requires no token. */
  readonly principal: Principal | undefined;
  /**
   * Throws Forbidden if the gallery policy does not let the caller write to `target`. Already
   * called for a write with a subscription in its path. Any other write calls it when it knows its
   * target, before it has an effect.
   */
  readonly requireMayWrite: (target: WriteTarget) => void;
  /** Throws Forbidden if the gallery policy does not let the caller use these in `target`. */
  readonly requireMayUse: (target: WriteTarget, resources: readonly LimitedResource[]) => void;
  /** Adds to the audit line that the publisher is unknown. */
  readonly auditPublisherUnknown: () => void;
  /** W3C trace context, always valid. */
  readonly traceparent: string;
  /** The URL that the caller used, to build other URLs from. */
  readonly requestUrl: URL;
}

/** The documented JSON answers of one operation, and 304: status, required headers, and body. */
export type EndpointResponse<Id extends OperationId> = {
  [S in keyof operations[Id]["responses"]]: operations[Id]["responses"][S] extends {
    headers: infer H;
    content: { "application/json": infer B };
  }
    ? { readonly status: S; readonly body: B } & HeadersOf<H>
    : S extends 304
      ? {
          readonly status: S;
          readonly headers: { readonly ETag: string; readonly "Retry-After": number };
        }
      : never;
}[keyof operations[Id]["responses"]];

/** Headers that the document requires are required; x-request-id is added to every answer. */
type HeadersOf<H> =
  Record<never, never> extends Omit<Documented<H>, "x-request-id">
    ? { readonly headers?: Omit<Documented<H>, "x-request-id"> }
    : { readonly headers: Omit<Documented<H>, "x-request-id"> };
type Documented<H> = {
  [K in keyof H as string extends K ? never : K]: H[K];
};

export interface EndpointDependencies {
  readonly document: OpenApiDocument;
  readonly validator: Validator;
  readonly authenticator: Authenticator;
  readonly rateLimiter?: RateLimiter;
  /** Absent: whoever may write may write to every gallery. */
  readonly galleryPolicy?: GalleryPolicy | undefined;
  /** Origins of web pages whose scripts may call the API; absent: none. */
  readonly corsOrigins?: readonly string[];
  /** Runs a GET, whose reads of Azure do not wait for their turn. */
  readonly toDisplay?: <T>(read: () => Promise<T>) => Promise<T>;
  /** Called for each refused write, with the problem's code. */
  readonly onRejected?: (code: string) => void;
}

type Handler<Id extends OperationId> = (
  request: EndpointRequest<Id>,
  context: InvocationContext,
) => Promise<EndpointResponse<Id>>;

/** Turns an operation of the document into an HTTP function. */
export type Endpoint = <Id extends OperationId>(id: Id, handler: Handler<Id>) => HttpHandler;

/**
 * Turns operations of the document into HTTP functions: checks the caller first, then the request
 * (reporting every mistake), and turns errors into problems.
 */
export function createEndpoint(deps: EndpointDependencies): Endpoint {
  const { toDisplay = (read) => read() } = deps;
  return (operationId, handler) => {
    // An operation missing in the document fails when the app starts, not when it is called.
    const { route, requiredRole } = deps.document.operation(operationId);
    return async (request, context) => {
      const seen: Seen = {};
      const onAnswer: Answering["onAnswer"] = (answer, code, log) => {
        if (code !== undefined && answer.status < 500 && isWrite(requiredRole))
          deps.onRejected?.(code);
        auditCall(log, {
          operationId,
          requiredRole,
          request,
          context,
          seen,
          answer,
          code,
        });
      };
      const answering = { ...deps, route, onAnswer, seen };
      return respond(answering, request, context, async (traceparent) => {
        const valid = await admit(deps, operationId, request, traceparent, seen);
        const answer = () => handler(valid, context);
        const { status, headers, body } = (await (request.method === "GET"
          ? toDisplay(answer)
          : answer())) as {
          status: number;
          headers?: Record<string, string | number | undefined>;
          body: unknown;
        };
        return {
          status,
          headers: {
            ...(body !== undefined && { "Content-Type": "application/json" }),
            ...text(headers),
          },
          body,
        };
      });
    };
  };
}

/** Answers all other requests: a preflight with 204, 405 if the document has the path, else 404. */
export function createFallback(
  deps: Pick<EndpointDependencies, "document" | "corsOrigins" | "rateLimiter">,
): HttpHandler {
  return (request, context) => {
    const seen: Seen = {};
    const onAnswer: Answering["onAnswer"] = (_answer, _code, log) =>
      auditRefusedCalls(log, seen, context);
    return respond({ ...deps, onAnswer, seen }, request, context, () => {
      countCall(deps.rateLimiter, request, seen);
      const { pathname } = new URL(request.url);
      const allow = deps.document.allowedMethods(pathname);
      const headers = preflightHeaders(deps.corsOrigins ?? [], request, allow);
      if (headers !== undefined) return { status: 204, headers, body: undefined };
      if (allow.length === 0 || allow.includes(request.method))
        throw noSuchPath(deps.document, pathname);
      throw new ServiceError(
        "MethodNotAllowed",
        `${request.method} is not allowed here. Allowed: ${allow.join(", ")}.`,
        { fields: { allow } },
      );
    });
  };
}

/** Serves files without a token, and counts each call. */
export function limitFiles(
  deps: Pick<EndpointDependencies, "corsOrigins" | "rateLimiter">,
  handler: HttpHandler,
): HttpHandler {
  return (request, context) => {
    const seen: Seen = {};
    let failure: Error | undefined;
    try {
      countCall(deps.rateLimiter, request, seen);
    } catch (error) {
      failure = error as Error;
    }
    auditRefusedCalls(createLog(context, {}), seen, context);
    if (failure === undefined) return handler(request, context);
    return respond({ ...deps, seen }, request, context, () => {
      throw failure;
    });
  };
}

/** Answers contain an image definition's id, although the API does not show the definition. */
function noSuchPath(document: OpenApiDocument, pathname: string): ServiceError {
  const versions = `${pathname}/versions`;
  return new ServiceError(
    "NotFound",
    document.allowedMethods(versions).includes("GET")
      ? `There is no such path. The versions of an image definition are at ${versions}.`
      : "There is no such path.",
  );
}

async function admit<Id extends OperationId>(
  deps: EndpointDependencies,
  operationId: Id,
  request: HttpRequest,
  traceparent: string,
  seen: Seen,
): Promise<EndpointRequest<Id>> {
  const { document, validator, authenticator, rateLimiter } = deps;
  const { requiredRole, bodySchema, body: accepted } = document.operation(operationId);
  let principal: Principal | undefined;
  if (requiredRole === undefined) countCall(rateLimiter, request, seen);
  else {
    try {
      principal = await authenticator.authenticate(request.headers.get("authorization"));
    } catch (error) {
      countCall(rateLimiter, request, seen);
      throw error;
    }
    seen.principal = principal;
    countCall(rateLimiter, request, seen);
    requireRole(principal, requiredRole);
  }
  const requestUrl = new URL(request.url);
  const path = validator.validatePath(operationId, request.params);
  const caller = principal ?? { roles: [] };
  const mayWrite = (target: WriteTarget): void =>
    requireMayWrite(deps.galleryPolicy, caller, target);
  // Before the body, which may be large. An invalid place is reported with all other mistakes,
  // below.
  const target = targetIn(path.values);
  if (isWrite(requiredRole) && path.findings.length === 0 && target !== undefined) mayWrite(target);
  // Not `request.query`, which loses repeated parameters.
  const query = validator.validateQuery(operationId, requestUrl.searchParams);
  const headers = validator.validateHeaders(operationId, request.headers);
  const [mediaType] = mediaTypeOf(request.headers);
  const given = bodySchema === undefined ? undefined : await readJsonBody(request, accepted);
  const body =
    given === undefined
      ? { value: undefined, pasted: false, findings: [] }
      : validator.validateBody(operationId, given, mediaType);
  seen.body = body.value;
  const findings = [...path.findings, ...query.findings, ...headers.findings, ...body.findings];
  if (findings.length > 0)
    throw new ServiceError("InvalidRequest", summary(findings.length), {
      findings,
    });
  const valid: unknown = {
    path: path.values,
    query: query.values,
    headers: headers.values,
    body: body.value,
    mediaType,
    pasted: body.pasted,
    principal,
    requireMayWrite: mayWrite,
    requireMayUse: (used: WriteTarget, resources: readonly LimitedResource[]): void =>
      requireMayUse(deps.galleryPolicy, caller, used, resources),
    auditPublisherUnknown: (): void => {
      seen.isPublisherUnknown = true;
    },
    traceparent,
    requestUrl,
  };
  return valid as EndpointRequest<Id>;
}

/** The place in a path, if any. */
function targetIn(path: Readonly<Record<string, unknown>>): WriteTarget | undefined {
  const text = (name: string): string | undefined =>
    typeof path[name] === "string" ? path[name] : undefined;
  const subscriptionId = text("subscriptionId");
  const resourceGroupName = text("resourceGroupName");
  const galleryName = text("galleryName");
  if (subscriptionId === undefined) return undefined;
  return {
    subscriptionId,
    ...(resourceGroupName !== undefined && { resourceGroupName }),
    ...(galleryName !== undefined && { galleryName }),
  };
}

function summary(count: number): string {
  return count === 1
    ? "1 error was found in the request."
    : `${count} errors were found in the request.`;
}

function text(
  headers: Readonly<Record<string, string | number | undefined>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}
