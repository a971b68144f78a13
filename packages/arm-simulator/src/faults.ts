import { randomUUID } from "node:crypto";

/** What happens to a request that a fault matches. */
export const FAULT_ACTIONS = [
  /** Answers with `status`, `headers` and `body`; the request is not processed. */
  "respond",
  /** Resets the connection; the request is not processed. */
  "reset",
  /** Processes the request, then resets the connection instead of answering. */
  "reset-after-processing",
  /** 401 ExpiredAuthenticationToken. */
  "expired-token",
  /** 404 ResourceNotFound for a GET of a resource that exists: ARM right after a PUT. */
  "hide",
] as const;

export type FaultAction = (typeof FAULT_ACTIONS)[number];

export interface FaultSpec {
  readonly method?: string;
  /** Source of a regular expression, without regard to case, tried on path and query. */
  readonly path?: string;
  /** Lets this many matching requests pass first. Default 0. */
  readonly afterMatches?: number;
  /** How many requests it meets. Default 1; null: until cleared. */
  readonly times?: number | null;
  readonly action?: FaultAction;
  /** Default 500. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: ARM's error body for the status. */
  readonly body?: unknown;
}

export interface Fault extends FaultSpec {
  readonly id: string;
  readonly action: FaultAction;
  /** Requests met so far. */
  readonly met: number;
}

interface ActiveFault {
  readonly spec: FaultSpec;
  readonly id: string;
  readonly path: RegExp | undefined;
  toPass: number;
  left: number;
  met: number;
}

const DEFAULTS: Readonly<Record<number, { code: string; message: string }>> = {
  409: {
    code: "Conflict",
    message:
      "The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.",
  },
  429: {
    code: "TooManyRequests",
    message:
      "The request is being throttled. For more information, see - https://aka.ms/vmthrottling",
  },
  500: {
    code: "InternalServerError",
    message: "Encountered internal server error.",
  },
  503: {
    code: "ServiceUnavailable",
    message: "The service is temporarily unavailable.",
  },
};

/** The faults in force: the oldest that matches and has turns left is met. */
export class Faults {
  readonly #active: ActiveFault[] = [];

  /** Gives the fault's id. */
  add(spec: FaultSpec): string {
    const fault: ActiveFault = {
      spec,
      id: randomUUID(),
      path:
        spec.path === undefined
          ? undefined
          : // eslint-disable-next-line require-unicode-regexp -- the caller's own pattern
            new RegExp(spec.path, "i"),
      toPass: spec.afterMatches ?? 0,
      left: spec.times === null ? Number.POSITIVE_INFINITY : (spec.times ?? 1),
      met: 0,
    };
    this.#active.push(fault);
    return fault.id;
  }

  clear(): void {
    this.#active.length = 0;
  }

  list(): Fault[] {
    return this.#active.map(({ spec, id, met }) => ({
      ...spec,
      id,
      action: spec.action ?? "respond",
      met,
    }));
  }

  /** Takes a turn of the first fault that meets this request; `exists` tells whether its resource does. */
  meet(method: string, pathAndQuery: string, exists: () => boolean): FaultSpec | undefined {
    for (const fault of this.#active) {
      const { spec, path } = fault;
      if (fault.left <= 0) continue;
      if (spec.method !== undefined && spec.method.toUpperCase() !== method) continue;
      if (path !== undefined && !path.test(pathAndQuery)) continue;
      if (spec.action === "hide" && (method !== "GET" || !exists())) continue;
      if (fault.toPass > 0) {
        fault.toPass -= 1;
        continue;
      }
      fault.left -= 1;
      fault.met += 1;
      return spec;
    }
    return undefined;
  }
}

/** The answer of a "respond" fault. */
export function faultAnswer(spec: FaultSpec): {
  status: number;
  headers: Record<string, string>;
  body: unknown;
} {
  const status = spec.status ?? 500;
  const error = DEFAULTS[status] ?? {
    code: "InternalServerError",
    message: `A fault with status ${status} was requested.`,
  };
  return {
    status,
    headers: {
      // "429 with Retry-After": a throttled answer always tells when to come back.
      ...(status === 429 ? { "Retry-After": "1" } : {}),
      ...spec.headers,
    },
    body: spec.body ?? { error },
  };
}
