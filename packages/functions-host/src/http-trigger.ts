/**
 * HTTP triggers: one server for all of them, and the admin calls that fire the others by hand.
 *
 * Invariants
 * 1. A request that matches no function, by path or by method, is answered 404 with an empty body.
 * 2. A function that throws or times out is answered 500 with an empty body; its error goes to the log alone.
 * 3. No more than `MAX_REQUEST_BYTES` of a body are ever held: the 104,857,601st byte is answered 413.
 * 4. What Kestrel refuses by its first line or its headers reaches no function (http-request.ts, request-target.ts).
 * 5. Once draining, requests under way are answered and new ones get 503.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RegisteredFunction } from "./core-module.js";
import { functionRequest, hasLength, header, readBody, refusedStatus } from "./http-request.js";
import { sendFunctionResponse } from "./http-response.js";
import type { Invoke } from "./invocation.js";
import type { Logger } from "./logging.js";
import { type RequestTarget, readTarget } from "./request-target.js";
import { type Route, createRouter } from "./routes.js";
import { StartupError } from "./startup-error.js";
import { continueTrace } from "./trace-context.js";

/** FunctionsRequestBodySizeLimit, whose default is 100 MB. */
const MAX_REQUEST_BYTES = 104_857_600;
const MAX_ADMIN_BYTES = 1_048_576;

/** More than Kestrel takes, so that what is refused is refused as Kestrel does. */
const MAX_HEAD_BYTES = 65_536;

/** Routes of the host itself (WebScriptHostHttpRoutesManager). */
const RESERVED_ROUTES = ["admin", "runtime"];

export interface HttpFunction {
  readonly registered: RegisteredFunction;
  readonly bindingName: string;
  readonly route: string;
  readonly methods: readonly string[];
}

export interface AdminCalls {
  /** Starts function `name` with `input`; false when there is no such function or it cannot be started by hand. */
  start(name: string, input: unknown): boolean;
  list(): readonly object[];
}

export interface HttpListener {
  readonly port: number;
  /** Stops accepting; resolves when the requests under way are answered. */
  stop(): Promise<void>;
  /** Cuts what is left. */
  close(): void;
}

export interface HttpListenerOptions {
  readonly functions: readonly HttpFunction[];
  readonly invoke: Invoke;
  readonly admin: AdminCalls;
  readonly logger: Logger;
  readonly port: number;
}

/** The route of an HTTP trigger below `routePrefix`: the function's name unless it gives one; "/" is the prefix alone. */
export function readHttpFunction(
  registered: RegisteredFunction,
  routePrefix: string,
): HttpFunction {
  const { name, bindings } = registered.metadata;
  const [bindingName, binding] =
    Object.entries(bindings).find(([, { type }]) => type.toLowerCase() === "httptrigger") ?? [];
  if (bindingName === undefined || binding === undefined)
    throw new TypeError(`${name} has no HTTP trigger`);
  const { route, methods, authLevel } = binding;
  if (typeof authLevel === "string" && authLevel.toLowerCase() !== "anonymous")
    throw new StartupError(
      `function "${name}": authLevel "${authLevel}" needs function keys, which the local host does not have; ` +
        `use "anonymous" and authenticate in the app`,
    );
  const own = typeof route === "string" && route !== "" ? route : name;
  const full = [routePrefix, own.replace(/^\//u, "")].filter((part) => part !== "").join("/");
  if (RESERVED_ROUTES.includes(full.split("/")[0]?.toLowerCase() ?? ""))
    throw new StartupError(`function "${name}": the route "${full}" conflicts with the host's own`);
  return {
    registered,
    bindingName,
    route: full,
    methods: Array.isArray(methods)
      ? methods.map((method) => String(method).toUpperCase())
      : ["GET", "POST"],
  };
}

function tooLarge(response: ServerResponse): void {
  response.writeHead(413, { connection: "close", "content-length": 0 }).end();
}

function empty(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-length": 0 }).end();
}

/** Listens on the loopback address; a taken port is a StartupError. */
export async function listenForHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const { functions, invoke, admin, logger } = options;
  const match = createRouter(
    functions.map((each): Route<HttpFunction> => ({
      template: each.route,
      methods: new Set(each.methods),
      target: each,
    })),
  );
  let draining = false;
  let warnedOfChunks = false;

  const call = async (
    request: IncomingMessage,
    response: ServerResponse,
    { path, url }: RequestTarget,
  ): Promise<void> => {
    const method = request.method ?? "GET";
    const found = match(method, path);
    if (found === undefined) {
      request.resume();
      empty(response, 404); // Invariant 1.
      return;
    }
    const body = await readBody(request, MAX_REQUEST_BYTES);
    if (body === undefined) {
      tooLarge(response);
      return;
    }
    if (body.length > 0 && !hasLength(request) && !warnedOfChunks) {
      warnedOfChunks = true;
      logger.log(
        "warning",
        "Host.Http",
        "a chunked request was passed on without its body, as Azure Functions does; send a content-length",
      );
    }
    const { registered, bindingName, methods } = found.target;
    const data = {
      http: functionRequest(request, url, found.parameters, body),
    };
    try {
      const result = await invoke(registered, {
        inputData: [{ name: bindingName, data }],
        triggerMetadata: {},
        traceContext: continueTrace(header(request, "traceparent"), header(request, "tracestate")),
        reason: `This function was programmatically called via the host APIs (${methods.join(",")} ${found.target.route}).`,
      });
      if (draining) response.setHeader("connection", "close");
      sendFunctionResponse(response, result);
    } catch {
      if (!response.headersSent)
        empty(response, 500); // Invariant 2.
      else response.destroy();
    }
  };

  const administer = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> => {
    const json = (status: number, value: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const body = await readBody(request, MAX_ADMIN_BYTES);
    if (body === undefined) return tooLarge(response);
    const [, name] = /^\/admin\/functions\/([^/]+)\/?$/u.exec(path) ?? [];
    if (path === "/admin/host/status") return json(200, { state: "Running" });
    if (path === "/admin/functions" && request.method === "GET") return json(200, admin.list());
    if (name === undefined || request.method !== "POST") return empty(response, 404);
    let input: unknown;
    try {
      const text = body.toString() || "{}";
      input = (JSON.parse(text) as { input?: unknown } | null)?.input;
    } catch {
      return empty(response, 400);
    }
    // As the official host: 202 says that it has been started, not that it has succeeded.
    empty(response, admin.start(decodeURIComponent(name), input) ? 202 : 404);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (draining) {
      response.setHeader("connection", "close");
      return empty(response, 503); // Invariant 5.
    }
    // Invariant 4.
    const refusal = refusedStatus(request);
    if (refusal !== undefined) return empty(response, refusal);
    const target = readTarget(request.url ?? "/", request.headers.host ?? "127.0.0.1");
    if (target === undefined) return empty(response, 400);
    if (/^\/admin(?:\/|$)/iu.test(target.path)) return administer(request, response, target.path);
    return call(request, response, target);
  };

  const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES }, (request, response) => {
    // Invariant 5: a connection that was answered while draining is not waited for.
    response.once("close", () => {
      if (draining) server.closeIdleConnections();
    });
    handle(request, response).catch((error: unknown) => {
      // The client went away in the middle of its own request.
      logger.log("debug", "Host.Http", String(error));
      response.destroy();
    });
  });
  // Idle connections stay open: a client that uses one in the moment in which it is closed sees a reset.
  server.keepAliveTimeout = 0;
  const port = await listen(server, options.port);
  return {
    port,
    async stop() {
      if (draining) return;
      draining = true;
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    close: () => server.closeAllConnections(),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new StartupError(`port ${port} is taken; choose another with --port`)
          : error,
      ),
    );
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
