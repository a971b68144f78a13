import { ComputeManagementClient } from "@azure/arm-compute";
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
} from "@azure/core-rest-pipeline";
import type { TokenCredential } from "@azure/identity";
import { toServiceError, toUnavailable, type ArmCall, type ArmResponse } from "./errors.js";
import type { ArmQuota } from "../../telemetry/metrics.js";
import type { ArmCall as NotedCall } from "../../operation/records.js";
import type { Pacer } from "./pacer.js";
import { quotasIn, subscriptionIn } from "./quotas.js";
import { auditPolicy } from "./audit-policy.js";
import { tracingPolicy } from "./tracing-policy.js";

export interface ResourceManagerOptions {
  /** Such as `https://management.azure.com`; sovereign clouds have others. */
  readonly endpoint: string;
  /** Scope of the access token, such as `https://management.azure.com/.default`. */
  readonly scope: string;
  readonly credential: TokenCredential;
  /** How long to wait for an answer before giving up a call. */
  readonly timeoutMs: number;
  readonly now: () => Date;
  /** Spreads calls if little is left of a limit; absent: each call is sent at once. */
  readonly pacer?: Pacer;
  /** Called with the quota that each answer reports. */
  readonly onQuota?: (quota: ArmQuota) => void;
  /** Called for each call, answered or not. */
  readonly onCall?: (call: NotedCall) => void;
  /** Carries the calls. Default: the SDK's own, over HTTPS. */
  readonly httpClient?: HttpClient;
}

/** The SDK's options for a call, with which it returns the raw answer. */
export interface CallOptions {
  readonly onResponse: (response: {
    status: number;
    headers: ArmResponse["headers"];
    parsedBody?: unknown;
  }) => void;
  readonly requestOptions: { readonly timeout: number };
  readonly abortSignal: AbortSignal;
}

/**
 * Azure Resource Manager. A call is one request: the state machine decides about pace and retries.
 */
export interface ArmClient {
  readonly endpoint: string;
  /** For requests that do not carry Sigil's token. */
  readonly httpClient: HttpClient;
  readonly now: () => Date;
  /** The SDK's client for a subscription. It shares the one pipeline and is not cached. */
  compute(subscriptionId: string): ComputeManagementClient;
  /** Returns any answer, unchanged. Throws ServiceError if there is no answer. */
  send(call: ArmCall, run: (options: CallOptions) => Promise<unknown>): Promise<ArmResponse>;
  /**
   * Like `send`, for operations that the SDK lacks. The caller must trust `url`: it receives
   * Sigil's token.
   */
  request(
    call: ArmCall,
    method: "GET" | "PUT" | "POST" | "DELETE",
    url: string,
    body?: object,
  ): Promise<ArmResponse>;
  /**
   * The JSON body of a success, as ARM sent it; undefined for 404. Throws ServiceError for any
   * other answer.
   */
  bodyOf<Wire>(call: ArmCall, response: ArmResponse): Wire | undefined;
}

/**
 * Connects to nothing yet. All subscriptions share one pipeline with its token and connections, so
 * a caller who names many subscriptions costs no memory.
 */
export function createArmClient(options: ResourceManagerOptions): ArmClient {
  const { credential, endpoint, scope, now, httpClient = createDefaultHttpClient() } = options;
  const { pipeline } = new ComputeManagementClient(credential, {
    credentials: { scopes: [scope] },
    // The SDK must not retry: one step sends one call.
    retryOptions: { maxRetries: 0 },
  });
  // Start after the token is obtained, so the span measures only the call.
  pipeline.addPolicy(tracingPolicy(), { afterPhase: "Sign" });
  pipeline.addPolicy(auditPolicy(options), { afterPhase: "Sign" });

  const send: ArmClient["send"] = async (call, run) => {
    await options.pacer?.turn(call);
    let response: ArmResponse | undefined;
    try {
      await run({
        onResponse: ({ status, headers, parsedBody }) => {
          response = { status, headers, body: parsedBody };
        },
        requestOptions: { timeout: options.timeoutMs },
        abortSignal: AbortSignal.timeout(options.timeoutMs),
      });
    } catch (error) {
      if (response === undefined) throw toUnavailable(call.what, error);
    }
    if (response === undefined) throw toUnavailable(call.what, undefined);
    options.pacer?.answered(call, response);
    tell(call, response);
    return response;
  };

  /**
   * Callers may name any subscription, so a refusal counts only if it reports that a limit is used
   * up.
   */
  function tell({ scope }: ArmCall, { status, headers }: ArmResponse): void {
    const subscriptionId = subscriptionIn(scope);
    if (subscriptionId === undefined || (status >= 400 && status !== 429)) return;
    for (const quota of quotasIn(headers)) options.onQuota?.({ ...quota, subscriptionId });
  }

  return {
    endpoint,
    httpClient,
    now,
    compute: (subscriptionId) =>
      new ComputeManagementClient(credential, subscriptionId, {
        endpoint,
        pipeline,
        httpClient,
      }),
    send,
    request: (call, method, url, body) =>
      send(call, async ({ onResponse, abortSignal }) => {
        const answer = await pipeline.sendRequest(
          httpClient,
          createPipelineRequest({
            url,
            method,
            abortSignal,
            timeout: options.timeoutMs,
            ...(body && {
              body: JSON.stringify(body),
              headers: createHttpHeaders({
                "Content-Type": "application/json",
              }),
            }),
          }),
        );
        onResponse({ ...answer, parsedBody: parseJson(answer.bodyAsText) });
      }),
    bodyOf<Wire>(call: ArmCall, response: ArmResponse) {
      if (response.status === 404) return undefined;
      if (response.status >= 300) throw toServiceError(call, response, now());
      // A proxy answered instead of ARM, so this does not prove that the resource is missing.
      if (typeof response.body !== "object" || response.body === null)
        throw toUnavailable(call.what, undefined);
      return response.body as Wire;
    },
  };
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
