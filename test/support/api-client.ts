import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import type { components, operations } from "../../src/generated/openapi.js";
import {
  documentedOperations,
  missingHeaders,
  responseMistakes,
} from "../unit/http/contract/document.js";

export type Operation = components["schemas"]["Operation"];
export type ImageVersion = components["schemas"]["ImageVersion"];
export type Problem = components["schemas"]["Problem"];

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface RequestOptions {
  /** Sent as JSON, unless it is text. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** False: no Authorization header. */
  readonly authorized?: boolean;
}

export interface ApiClient {
  /** `address` is a path below `/api`, or a whole address that the API gave. */
  request<T>(method: string, address: string, options?: RequestOptions): Promise<Answer<T>>;
  put(
    resourceId: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer<Operation>>;
}

/** The API's path of a gallery resource: ARM's id without the provider. */
export function pathOf(resourceId: string): string {
  return resourceId.replace("/providers/Microsoft.Compute", "");
}

/** Calls a running API as any client would, and holds every JSON answer against the OpenAPI document. */
export function createApiClient(origin: string, token: string | undefined): ApiClient {
  const request = async <T>(
    method: string,
    address: string,
    options: RequestOptions = {},
  ): Promise<Answer<T>> => {
    const url = address.startsWith("http") ? address : `${origin}/api${address}`;
    const { body, headers, authorized = true } = options;
    const response = await fetch(url, {
      method,
      headers: {
        ...(authorized && token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && {
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    });
    const text = await response.text();
    const value: unknown = text === "" ? undefined : JSON.parse(text);
    checkAgainstDocument(method, new URL(url).pathname, response, value);
    return {
      status: response.status,
      headers: response.headers,
      body: value as T,
    };
  };
  return {
    request,
    put: (resourceId, body, headers = {}) =>
      request<Operation>("PUT", pathOf(resourceId), { body, headers }),
  };
}

/** The operation once it has ended. Time is real, and Azure is a simulator: it is read more often than `Retry-After` says. */
export async function endOf(
  api: Pick<ApiClient, "request">,
  operationId: string,
): Promise<Operation> {
  for (;;) {
    const { body } = await api.request<Operation>("GET", `/operations/${operationId}`);
    if (body.endTime !== undefined) return body;
    await setTimeout(200);
  }
}

/** Throws where an answer is not as the document has it, in its body or its headers. */
export function checkAgainstDocument(
  method: string,
  pathname: string,
  response: {
    readonly status: number;
    readonly headers: Pick<Headers, "get" | "has">;
  },
  value: unknown,
): void {
  const mediaType = response.headers.get("content-type") ?? "";
  const documented = documentedOperations().find(
    (candidate) =>
      candidate.method === method.toLowerCase() &&
      new RegExp(`^/api${candidate.template.replace(/\{[^}]+\}/gu, "[^/]+")}$`, "iu").test(
        pathname,
      ),
  );
  if (documented === undefined) {
    // No operation of the document: 404 and 405 are answered as problems all the same.
    expect([404, 405]).toContain(response.status);
    expect(mediaType).toBe("application/problem+json");
    return;
  }
  const operationId: keyof operations = documented.operation.operationId;
  expect(
    missingHeaders(operationId, response.status, response.headers),
    `${operationId} ${response.status} headers`,
  ).toEqual([]);
  expect(
    responseMistakes(operationId, response.status, mediaType, value),
    `${operationId} ${response.status} ${JSON.stringify(value)}`,
  ).toEqual([]);
}
