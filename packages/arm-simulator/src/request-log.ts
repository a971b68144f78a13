export interface LoggedRequest {
  readonly method: string;
  /** As the client sent it, without the query. */
  readonly path: string;
  readonly query: string;
  /** 0: the connection was reset before an answer. */
  readonly status: number;
  /** Milliseconds since the Unix epoch, when the request had been read. */
  readonly time: number;
}

export interface RequestFilter {
  readonly method?: string;
  /** Source of a regular expression, without regard to case, tried on path and query. */
  readonly path?: string;
  readonly status?: number;
}

const MOST_ENTRIES = 100_000;

/** Every ARM request that was answered or reset, oldest first. */
export class RequestLog {
  readonly #entries: LoggedRequest[] = [];

  add(entry: LoggedRequest): void {
    this.#entries.push(entry);
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift();
  }

  list(): readonly LoggedRequest[] {
    return [...this.#entries];
  }

  count(filter: RequestFilter): number {
    const path =
      filter.path === undefined
        ? undefined
        : // eslint-disable-next-line require-unicode-regexp -- the caller's own pattern
          new RegExp(filter.path, "i");
    return this.#entries.filter(
      (entry) =>
        (filter.method === undefined || entry.method === filter.method.toUpperCase()) &&
        (filter.status === undefined || entry.status === filter.status) &&
        (path === undefined || path.test(`${entry.path}${entry.query}`)),
    ).length;
  }

  clear(): void {
    this.#entries.length = 0;
  }
}
