/** A request as handlers see it: authenticated, with an api-version, its body parsed. */
export interface ArmRequest {
  readonly method: string;
  /** Decoded, without a trailing slash, in the client's spelling. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly apiVersion: string;
  /** Undefined when there was none. */
  readonly body: unknown;
  /** Scheme and host as the client named them. */
  readonly baseUrl: string;
}

export interface ArmAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const PAGE_SIZE = 100;

/** One page of a list, with `nextLink` while there is more. */
export function page(
  request: ArmRequest,
  items: readonly unknown[],
): ArmAnswer {
  const start = Number(request.query.get("$skiptoken") ?? 0);
  const end = start + PAGE_SIZE;
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
