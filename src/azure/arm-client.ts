import { ComputeManagementClient } from "@azure/arm-compute";
import {
  createDefaultHttpClient,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";
import type { TokenCredential } from "@azure/identity";
import {
  toServiceError,
  toUnavailable,
  type ArmCall,
  type ArmResponse,
} from "./arm-errors.js";
import type { ArmQuota } from "../telemetry/metrics.js";
import type { ArmCall as NotedCall } from "../operation/records.js";
import { notedCalls } from "./noted-calls.js";
import { observedCalls } from "./observed-calls.js";

export interface ResourceManagerOptions {
  /** Such as `https://management.azure.com`; sovereign clouds have others. */
  readonly endpoint: string;
  /** Scope of the access token, such as `https://management.azure.com/.default`. */
  readonly scope: string;
  readonly credential: TokenCredential;
  /** After this long without an answer a call is given up. */
  readonly timeoutMs: number;
  readonly now: () => Date;
  /** Told of each answer what ARM still allows. */
  readonly onQuota?: (quota: ArmQuota) => void;
  /** Told of each call, answered or not. */
  readonly onCall?: (call: NotedCall) => void;
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
  /** The SDK's client for a subscription. */
  compute(subscriptionId: string): ComputeManagementClient;
  /** Any answer, as it came; a ServiceError where there was none. */
  send(
    call: ArmCall,
    run: (options: CallOptions) => Promise<unknown>,
  ): Promise<ArmResponse>;
  /** As `send`, for what the SDK has no method for; the caller answers for `url`, which is given our token. */
  request(
    call: ArmCall,
    method: "GET" | "POST",
    url: string,
  ): Promise<ArmResponse>;
  /** The JSON object of a success, in the wire's form, or undefined for 404; a ServiceError for any other answer. */
  bodyOf<Wire>(call: ArmCall, response: ArmResponse): Wire | undefined;
}

/** Connects nothing yet. Clients and their tokens are kept for each subscription. */
export function createArmClient(options: ResourceManagerOptions): ArmClient {
  const clients = new Map<string, ComputeManagementClient>();
  const httpClient = createDefaultHttpClient();

  function compute(subscriptionId: string): ComputeManagementClient {
    let client = clients.get(subscriptionId);
    if (client === undefined) {
      client = new ComputeManagementClient(
        options.credential,
        subscriptionId,
        sdkOptionsOf(options),
      );
      // After the token is there: the span is the call's own time.
      client.pipeline.addPolicy(observedCalls(options.onQuota), {
        afterPhase: "Sign",
      });
      client.pipeline.addPolicy(notedCalls(options), { afterPhase: "Sign" });
      clients.set(subscriptionId, client);
    }
    return client;
  }

  const send: ArmClient["send"] = async (call, run) => {
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
    return response;
  };

  return {
    endpoint: options.endpoint,
    compute,
    send,
    request: (call, method, url) =>
      send(call, async ({ onResponse, abortSignal }) => {
        const answer = await compute("").pipeline.sendRequest(
          httpClient,
          createPipelineRequest({
            url,
            method,
            abortSignal,
            timeout: options.timeoutMs,
          }),
        );
        onResponse({ ...answer, parsedBody: parseJson(answer.bodyAsText) });
      }),
    bodyOf<Wire>(call: ArmCall, response: ArmResponse) {
      if (response.status === 404) return undefined;
      if (response.status >= 300)
        throw toServiceError(call, response, options.now());
      // Something between us and ARM has answered: that is no word on whether the resource is there.
      if (typeof response.body !== "object" || response.body === null)
        throw toUnavailable(call.what, undefined);
      return response.body as Wire;
    },
  };
}

/** What every client of the SDK is made with: no retries of its own. */
export function sdkOptionsOf({ endpoint, scope }: ResourceManagerOptions) {
  return {
    endpoint,
    credentials: { scopes: [scope] },
    retryOptions: { maxRetries: 0 },
  };
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
