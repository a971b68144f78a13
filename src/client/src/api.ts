import type { components, operations } from "./generated/openapi.js";
import { OPERATIONS } from "./generated/operations.js";
import { ConnectionError, InvalidRequestError, jsonOf, problemOf } from "./problems.js";

export type Schemas = components["schemas"];

/** An `operationId` of the OpenAPI document. */
export type OperationName = keyof typeof OPERATIONS;

type BodyOf<Name extends OperationName> = operations[Name] extends {
  requestBody: { content: infer Content };
}
  ? { readonly body: Content[keyof Content]; readonly contentType?: keyof Content }
  : operations[Name] extends { requestBody?: { content: infer Content } }
    ? { readonly body?: Content[keyof Content] }
    : unknown;

/**
 * The input of an operation: `path`, `query`, `header` and `body`, whose `contentType` is that of a
 * PATCH or JSON if it says no other.
 */
export type Input<Name extends OperationName> = Omit<operations[Name]["parameters"], "cookie"> &
  BodyOf<Name> & { readonly signal?: AbortSignal | undefined };

type Json<Response> = Response extends {
  content: { "application/json": infer Body };
}
  ? Body
  : never;

/** The answer of an operation. `status` tells the kinds of answers apart. */
export type Answer<Name extends OperationName> = {
  [Status in keyof operations[Name]["responses"] & (200 | 202)]: {
    readonly status: Status;
    readonly headers: Headers;
    readonly body: Json<operations[Name]["responses"][Status]>;
  };
}[keyof operations[Name]["responses"] & (200 | 202)];

export interface ClientOptions {
  /** The function app's URL, such as `https://sigil.azurewebsites.net`, with or without `/api`. */
  readonly endpoint: string;
  /** Called before each request, so that a renewed token is used. */
  readonly token?: () => string | undefined | Promise<string | undefined>;
  readonly fetch?: typeof fetch;
  /** Waits between attempts; rejects when the signal is aborted. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** The maximum number of attempts, including the first. Default 5. */
  readonly attempts?: number;
  /** The timeout of an attempt. Default 100,000. */
  readonly timeoutMs?: number;
  /** Sent as User-Agent, if the platform allows it. */
  readonly userAgent?: string;
}

export interface Client {
  /**
   * Calls an operation. A request without an answer, or answered 429, 502, 503 or 504, is sent
   * again with the same Idempotency-Key. The client generates the key if the operation takes one
   * and none is given. Throws a `SigilError`.
   */
  call<Name extends OperationName>(name: Name, input: Input<Name>): Promise<Answer<Name>>;
}

const RETRIED = new Set([429, 502, 503, 504]);
const TIMEOUT_MS = 100_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

interface Received {
  readonly response: Response;
  readonly text: string;
}

interface AnyInput {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export function createClient({
  endpoint,
  token,
  fetch = globalThis.fetch,
  sleep = pause,
  attempts = 5,
  timeoutMs = TIMEOUT_MS,
  userAgent,
}: ClientOptions): Client {
  const base = endpoint.replace(/\/+$/u, "").replace(/\/api$/u, "");

  /** One attempt. Returns an error if no complete answer came. Throws the signal's reason. */
  const send = async (
    address: string,
    init: RequestInit,
    { signal }: AnyInput,
  ): Promise<Received | ConnectionError> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(address, {
        ...init,
        // A redirect may lead to a sign-in page, for example, and would turn a write into a GET.
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      return { response, text: await response.text() };
    } catch (error) {
      signal?.throwIfAborted();
      return new ConnectionError(
        timeout.aborted
          ? `${base} has not answered in ${timeoutMs / 1_000} s.`
          : `${base} could not be reached: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  };

  const call = async (
    name: OperationName,
    input: AnyInput,
  ): Promise<{ status: number; headers: Headers; body: unknown }> => {
    const [method, template] = OPERATIONS[name];
    const address = `${base}/api${addressOf(template, input)}`;
    const headers = headersOf(name, input, userAgent);
    const body = input.body === undefined ? {} : { body: JSON.stringify(input.body) };
    for (let attempt = 1; ; attempt += 1) {
      const bearer = await token?.();
      const authorization = bearer && { Authorization: `Bearer ${bearer}` };
      const received = await send(
        address,
        { method, headers: { ...headers, ...authorization }, ...body },
        input,
      );
      let failure: Error;
      let delayMs: number | undefined;
      if (received instanceof Error) failure = received;
      else {
        const { response, text } = received;
        const { status } = response;
        if (response.ok)
          return {
            status,
            headers: response.headers,
            body: jsonOf(response, text),
          };
        const problem = problemOf(response, text);
        if (!RETRIED.has(status)) throw problem;
        failure = problem;
        delayMs = problem.retryAfterMs;
      }
      delayMs ??= Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
      if (attempt >= attempts || delayMs > LONGEST_DELAY_MS * 4) throw failure;
      await sleep(delayMs, input.signal);
    }
  };
  return { call: call as Client["call"] };
}

interface Entries {
  readonly listGalleries: Schemas["Gallery"];
  readonly listImages: Schemas["ImageDefinition"];
  readonly listImageVersions: Schemas["ImageVersion"];
  readonly listDescendants: Schemas["Descendant"];
  readonly queryImageVersions: Schemas["FoundImageVersion"];
  readonly listOperations: Schemas["Operation"];
  readonly listBatchItems: Schemas["BatchItem"];
  readonly listDiskEncryptionSets: Schemas["DiskEncryptionSet"];
  readonly listRejectedRequests: Schemas["RejectedRequest"];
}

/** Yields every entry of a listing, page by page. */
export async function* entries<Name extends keyof Entries>(
  client: Client,
  name: Name,
  input: Input<Name>,
): AsyncGenerator<Entries[Name], void, undefined> {
  let continuationToken: string | undefined;
  do {
    const { body } = (await client.call(name, {
      ...input,
      query: {
        ...input.query,
        ...(continuationToken && { continuationToken }),
      },
    })) as {
      body: { value: Entries[Name][]; continuationToken?: string };
    };
    for (const entry of body.value) yield entry;
    ({ continuationToken } = body);
  } while (continuationToken !== undefined);
}

function addressOf(template: string, { path = {}, query = {} }: AnyInput): string {
  const filled = template.replace(/\{(\w+)\}/gu, (_all, name: string) => {
    const value = path[name];
    if (typeof value !== "string" || value === "")
      throw new TypeError(`The path parameter ${name} is missing.`);
    // These change the path, however they are escaped
    // (https://url.spec.whatwg.org/#double-dot-path-segment).
    if (value === "." || value === "..")
      throw new InvalidRequestError(400, {
        title: "Invalid request",
        code: "InvalidFormat",
        detail: `${name} cannot be "${value}".`,
      });
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

function headersOf(
  name: OperationName,
  { header = {}, body, contentType }: AnyInput,
  userAgent: string | undefined,
): Record<string, string> {
  const [method, , takesKey] = OPERATIONS[name];
  return {
    Accept: "application/json",
    ...(userAgent !== undefined && { "User-Agent": userAgent }),
    ...(takesKey && { "Idempotency-Key": crypto.randomUUID() }),
    ...(body !== undefined && {
      "Content-Type":
        contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json"),
    }),
    ...Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined)),
  };
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  if (!(cause instanceof Error)) return message;
  // A host with several addresses: each of them failed.
  return cause instanceof AggregateError
    ? (cause.errors as Error[]).map((each) => each.message).join("; ")
    : cause.message;
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
