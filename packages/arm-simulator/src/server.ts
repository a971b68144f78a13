import { createServer } from "node:https";
import { systemClock, type Clock } from "@sigil-local/clock";
import { closeServer, listen } from "@sigil-local/token-issuer/listening";
import { ArmError } from "./arm-error.js";
import { DEFAULT_PAGE_SIZE, type ArmAnswer, type ArmRequest } from "./arm-request.js";
import {
  authenticate,
  expiredToken,
  verifierOf,
  type TokenVerifier,
  type TrustedIssuer,
} from "./authentication.js";
import { authorize, callerOf } from "./authorization.js";
import { answerControl } from "./control-endpoint.js";
import { createControl, type SimulatorControl } from "./control.js";
import { faultAnswer, Faults } from "./faults.js";
import {
  readRequest,
  requireJson,
  tooLong,
  toResponse,
  type HttpRequest,
  type HttpResponse,
} from "./http-messages.js";
import { ImageVersions } from "./image-versions.js";
import { serialLogAt } from "./machine-endpoints.js";
import { answerMetadata } from "./metadata.js";
import { RateLimits, type ArmLimit, type ComputePolicy } from "./rate-limits.js";
import type { ReplicationModel } from "./replication.js";
import { RequestLog } from "./request-log.js";
import { parseComputeId, resourceKey } from "./resource-id.js";
import { route } from "./router.js";
import type { Answers } from "./state.js";
import { Store } from "./store.js";
import { seedWorld, type SimulatorWorld } from "./world.js";

/** The subscription of the world a simulator has when it is given none. */
export const LOCAL_SUBSCRIPTION_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

const MINUTE_MS = 60_000;

export interface UnconnectedSimulatorOptions {
  /** Drives replication, operations, registrations and rate limits. */
  readonly clock?: Clock;
  /** Tells whether a token has expired: clients compare `exp` with the time of day, so this is not `clock`. */
  readonly tokenClock?: Clock;
  /** Whose tokens are accepted. Either this or `verify` must be given: there is no way without. */
  readonly issuer?: TrustedIssuer;
  readonly verify?: TokenVerifier;
  /** Where the state is kept; absent: in memory. */
  readonly dataFile?: string;
  /** The resources at the start, if `dataFile` is empty. Default: the seed's world. */
  readonly world?: SimulatorWorld;
  /** A new world's answers to open questions; absent: the default (answers.ts). */
  readonly answers?: Partial<Answers>;
  /** Default: the slowest region takes 40 minutes, the fastest half as long. */
  readonly replication?: Partial<ReplicationModel>;
  /** True: calls are counted, and answered 429 when a limit is reached. Default: headers tell of limits as at the first call. */
  readonly enforceRateLimits?: boolean;
  /** Most items of one page of a list. Default 100. */
  readonly pageSize?: number;
  /** One line for each request. */
  readonly log?: (line: string) => void;
}

export interface ResourceManagerSimulatorOptions extends UnconnectedSimulatorOptions {
  /** 0 or absent takes any free one. */
  readonly port?: number;
  /** Absent: only loopback. */
  readonly host?: string | undefined;
  readonly tls: { readonly key: string; readonly cert: string };
}

/** Azure Resource Manager in this process, without a connection. */
export interface UnconnectedSimulator {
  readonly control: SimulatorControl;
  /** Undefined: reset the request's connection. */
  answer(request: HttpRequest): Promise<HttpResponse | undefined>;
  /** Everything that was acknowledged is in `dataFile`. */
  close(): Promise<void>;
}

/** A running simulator of Azure Resource Manager; to close it ends every connection. */
export interface ResourceManagerSimulator extends UnconnectedSimulator {
  readonly port: number;
  /** https://localhost:PORT */
  readonly endpoint: string;
}

/** Starts the simulator over HTTPS. */
export async function startResourceManagerSimulator(
  options: ResourceManagerSimulatorOptions,
): Promise<ResourceManagerSimulator> {
  const simulator = await createResourceManagerSimulator(options);
  const server = createServer(options.tls, (request, response) => {
    readRequest(request)
      .then((read) => simulator.answer(read))
      .then(
        (answered) => {
          if (answered === undefined) request.socket.destroy();
          else response.writeHead(answered.status, answered.headers).end(answered.body);
        },
        (error: unknown) => {
          options.log?.(`error: ${String(error)}`);
          response.destroy();
        },
      );
  });
  const port = await listen(server, options.port ?? 0, "Resource Manager simulator", options.host);
  let closed: Promise<void> | undefined;
  return {
    ...simulator,
    port,
    endpoint: `https://localhost:${port}`,
    close() {
      // Once only: a later save would overwrite what a successor has written to the same file.
      closed ??= closeServer(server).then(() => simulator.close());
      return closed;
    },
  };
}

/** The same without a connection, for a client in this process. */
export async function createResourceManagerSimulator(
  options: UnconnectedSimulatorOptions,
): Promise<UnconnectedSimulator> {
  const clock = options.clock ?? systemClock;
  const verify =
    options.verify ??
    (options.issuer === undefined
      ? undefined
      : verifierOf(options.issuer, options.tokenClock ?? systemClock));
  if (verify === undefined) throw new TypeError("either 'issuer' or 'verify' must be given");

  const store = await Store.open(
    clock,
    options.world ?? seedWorld(LOCAL_SUBSCRIPTION_ID),
    options.dataFile,
    options.answers,
  );
  const versions = new ImageVersions(store, {
    durationMs: 40 * MINUTE_MS,
    spread: 0.5,
    seed: "sigil",
    ...options.replication,
  });
  const faults = new Faults();
  const log = new RequestLog();
  const parts = {
    store,
    versions,
    faults,
    log,
    verify,
    issuer: typeof options.issuer === "object" ? options.issuer.issuer : options.issuer,
    control: createControl({ store, versions, faults, log }),
    limits: new RateLimits(clock, options.enforceRateLimits ?? false),
    pageSize: options.pageSize ?? DEFAULT_PAGE_SIZE,
  };

  return {
    control: parts.control,
    answer: (request) => answer(parts, request, options.log),
    close: () => store.commit(),
  };
}

interface Parts {
  readonly store: Store;
  readonly versions: ImageVersions;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly verify: TokenVerifier;
  /** `iss` of the tokens that are taken; unknown where the simulator was given `verify` alone. */
  readonly issuer: string | undefined;
  readonly control: SimulatorControl;
  readonly limits: RateLimits;
  readonly pageSize: number;
}

async function answer(
  parts: Parts,
  request: HttpRequest,
  logLine?: (line: string) => void,
): Promise<HttpResponse | undefined> {
  const url = new URL(request.url);
  const { method, body } = request;
  const time = parts.store.now();

  if (/^\/simulator(\/|$)/u.test(url.pathname))
    return toResponse(
      request,
      body === undefined
        ? errorAnswer(tooLong())
        : await answerControl(parts.control, method, url.pathname, body, request.headers["origin"]),
    );

  const serialLog = method === "GET" ? serialLogAt(parts.store, url) : undefined;
  if (serialLog !== undefined)
    return {
      status: 200,
      headers: { "Content-Type": "text/plain" },
      body: serialLog,
    };

  const finish = (result: ArmAnswer | "reset"): HttpResponse | undefined => {
    const status = result === "reset" ? 0 : result.status;
    parts.log.add({
      method,
      path: url.pathname,
      query: url.search,
      status,
      time,
    });
    logLine?.(`${method} ${url.pathname}${url.search} ${status === 0 ? "reset" : status}`);
    return result === "reset" ? undefined : toResponse(request, result);
  };

  const id = parseComputeId(url.pathname);
  const fault = parts.faults.meet(method, `${url.pathname}${url.search}`, () =>
    exists(parts, url.pathname),
  );
  switch (fault?.action ?? (fault === undefined ? undefined : "respond")) {
    case "respond":
      return finish(faultAnswer(fault ?? {}));
    case "reset":
      return finish("reset");
    case "expired-token":
      return finish(errorAnswer(expiredToken(url.origin)));
    case "hide":
      return finish(
        errorAnswer(
          parts.store.notFound(id === undefined ? url.pathname : parts.store.canonicalId(id)),
        ),
      );
    case "reset-after-processing":
      await processRequest(parts, request, url);
      return finish("reset");
    case undefined:
      return finish(await processRequest(parts, request, url));
  }
}

async function processRequest(parts: Parts, request: HttpRequest, url: URL): Promise<ArmAnswer> {
  const { method, body } = request;
  const baseUrl = url.origin;
  let limitHeaders: Record<string, string> = {};
  try {
    // Anonymous, as in Azure.
    if (
      parts.issuer !== undefined &&
      method === "GET" &&
      /^\/metadata\/endpoints$/iu.test(url.pathname)
    )
      return answerMetadata(parts.issuer, baseUrl, requireApiVersion(url));
    const verified = await authenticate(parts.verify, request.headers.authorization, baseUrl);
    const apiVersion = requireApiVersion(url);
    if (body === undefined) throw tooLong();
    const path = decodeURIComponent(url.pathname).replace(/\/+$/u, "");
    const subscriptionId = /^\/subscriptions\/([^/]+)/iu.exec(path)?.[1];
    if (subscriptionId !== undefined)
      limitHeaders = parts.limits.take(subscriptionId, limitOf(method), policyOf(method, path));
    const armRequest: ArmRequest = {
      method,
      path,
      query: url.searchParams,
      apiVersion,
      baseUrl,
      ifNoneMatch: request.headers["if-none-match"],
      pageSize: parts.store.state.pageSize ?? parts.pageSize,
      body: body === "" ? undefined : requireJson(request.headers["content-type"] ?? "", body),
    };
    authorize(parts.store.state, callerOf(verified), armRequest);
    const result = await route(parts, armRequest);
    return { ...result, headers: { ...limitHeaders, ...result.headers } };
  } catch (error) {
    const answered = errorAnswer(
      error instanceof ArmError
        ? error
        : new ArmError(
            500,
            "InternalServerError",
            `The simulator failed: ${String((error as Error).stack)}`,
          ),
    );
    return { ...answered, headers: { ...limitHeaders, ...answered.headers } };
  }
}

function exists({ store, versions }: Parts, path: string): boolean {
  const key = resourceKey(path);
  return versions.find(key) !== undefined || store.state.resources[key] !== undefined;
}

function errorAnswer(error: ArmError): ArmAnswer {
  return {
    status: error.status,
    body: error.body,
    // ARM marks its own failures, so that a client can tell them from a provider's.
    headers: { "x-ms-failure-cause": "gateway", ...error.headers },
  };
}

function requireApiVersion(url: URL): string {
  const version = url.searchParams.get("api-version");
  if (version === null || version === "")
    throw new ArmError(
      400,
      "MissingApiVersionParameter",
      "The api-version query parameter (?api-version=) is required for all requests.",
    );
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/iu.test(version))
    throw new ArmError(
      400,
      "InvalidApiVersionParameter",
      `The api-version '${version}' is invalid. It must be a date such as '2025-12-03'.`,
    );
  return version;
}

function limitOf(method: string): ArmLimit {
  if (method === "GET" || method === "HEAD") return "reads";
  return method === "DELETE" ? "deletes" : "writes";
}

function policyOf(method: string, path: string): ComputePolicy | undefined {
  if (!/\/galleries\/[^/]+\/images\/[^/]+\/versions(\/|$)/iu.test(path)) return undefined;
  switch (limitOf(method)) {
    case "reads":
      return "GetGalleryImageVersion";
    case "writes":
      return "CreateUpdateGalleryImageVersion";
    case "deletes":
      return "DeleteGalleryImageVersion";
  }
}
