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
  /** After this long without an answer a call is given up. */
  readonly timeoutMs: number;
  readonly now: () => Date;
  /** Spreads calls where little is left of a limit; absent: each is sent at once. */
  readonly pacer?: Pacer;
  /** Told of each answer what ARM still allows. */
  readonly onQuota?: (quota: ArmQuota) => void;
  /** Told of each call, answered or not. */
  readonly onCall?: (call: NotedCall) => void;
  /** Carries the calls. Default: the SDK's own, over HTTPS. */
  readonly httpClient?: HttpClient;
}

/** What each call of the SDK takes to hand over the answer as it came, before it is made into a model. */
export interface CallOptions {
  readonly onResponse: (response: {
    status: number;
    headers: ArmResponse["headers"];
    parsedBody?: unknown;
  }) => void;
  readonly requestOptions: { readonly timeout: number };
  readonly abortSignal: AbortSignal;
}

/** Azure Resource Manager, one request a call: pace and retries belong to the state machine. */
export interface ArmClient {
  readonly endpoint: string;
  /** For what is given no token of ours. */
  readonly httpClient: HttpClient;
  readonly now: () => Date;
  /** The SDK's client for a subscription: names around the one pipeline, kept by nobody. */
  compute(subscriptionId: string): ComputeManagementClient;
  /** Any answer, as it came; a ServiceError where there was none. */
  send(call: ArmCall, run: (options: CallOptions) => Promise<unknown>): Promise<ArmResponse>;
  /** As `send`, for what the SDK has no method for; the caller answers for `url`, which is given our token. */
  request(
    call: ArmCall,
    method: "GET" | "PUT" | "POST" | "DELETE",
    url: string,
    body?: object,
  ): Promise<ArmResponse>;
  /** The JSON object of a success, in the wire's form, or undefined for 404; a ServiceError for any other answer. */
  bodyOf<Wire>(call: ArmCall, response: ArmResponse): Wire | undefined;
}

/**
 * Connects nothing yet. One pipeline, with its token and connections, serves every subscription: a caller who names many
 * costs no memory.
 */
export function createArmClient(options: ResourceManagerOptions): ArmClient {
  const { credential, endpoint, scope, now, httpClient = createDefaultHttpClient() } = options;
  const { pipeline } = new ComputeManagementClient(credential, {
    credentials: { scopes: [scope] },
    // One step is one call: the SDK retries nothing.
    retryOptions: { maxRetries: 0 },
  });
  // After the token is there: the span is the call's own time.
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

  /** A refusal may be of a subscription that anybody has named: only an end of the quota counts of those. */
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
      // Something between us and ARM has answered: that is no word on whether the resource is there.
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
