import { invalidParameter } from "./arm-error.js";

/** A request as handlers see it: authenticated, with an api-version, its body parsed. */
export interface ArmRequest {
  readonly method: string;
  /** Decoded, without a trailing slash, in the client's spelling. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly apiVersion: string;
  /** Undefined when there was none. */
  readonly body: unknown;
  /** The header If-None-Match, if sent. */
  readonly ifNoneMatch?: string | undefined;
  /** Scheme and host as the client named them. */
  readonly baseUrl: string;
  /** Most items of one page of a list. */
  readonly pageSize: number;
}

export interface ArmAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const DEFAULT_PAGE_SIZE = 100;

/** One page of a list, with `nextLink` while there is more; throws InvalidParameter for a skip token that is not ours. */
export function page(request: ArmRequest, items: readonly unknown[]): ArmAnswer {
  const token = request.query.get("$skiptoken") ?? "0";
  if (!/^\d+$/u.test(token))
    throw invalidParameter(
      "$skiptoken",
      `The value '${token}' of parameter '$skiptoken' is invalid.`,
    );
  const start = Number(token);
  const end = start + request.pageSize;
  const next = new URLSearchParams(request.query);
  next.set("$skiptoken", String(end));
  return {
    status: 200,
    body: {
      value: items.slice(start, end),
      ...(end < items.length
        ? {
            nextLink: `${request.baseUrl}${encodeURI(request.path)}?${next.toString()}`,
          }
        : {}),
    },
  };
}
