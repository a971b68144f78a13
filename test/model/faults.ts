import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { toServiceError, toUnavailable } from "../../src/azure/arm/errors.js";
import type { ArmAnswer } from "@sigil-local/arm-simulator/parts/arm-request";
import { IMAGES } from "./requests.js";

/** What happens to a call instead of its answer. */
export type Fault =
  "throttled" | "conflict" | "failed before" | "failed after" | "answer lost";

/** The way to ARM: each call meets the next fault that is due, and an answer becomes what the product's adapter makes of it. */
export interface Way {
  call(method: string, run: () => Promise<ArmAnswer>): Promise<ArmAnswer>;
  /** The next calls meet this. */
  fault(fault: Fault, calls: number): void;
  calm(): void;
  /** No fault is due. */
  isCalm(): boolean;
}

const HEADERS: Readonly<Record<string, string>> = { "retry-after": "20" };

export function createWay(now: () => Date, log: (text: string) => void): Way {
  let faults: Fault[] = [];
  const errorOf = (method: string, { status, headers, body }: ArmAnswer) =>
    toServiceError(
      {
        what: `the ${method} of the version`,
        action: "",
        scope: IMAGES[0] ?? "",
      },
      { status, headers: createHttpHeaders(headers), body },
      now(),
    );
  const failure = (method: string, status: number, code: string) =>
    errorOf(method, {
      status,
      headers: HEADERS,
      body: { error: { code, message: "A fault." } },
    });
  return {
    async call(method, run) {
      const fault = faults.shift();
      if (fault !== undefined) log(`ARM: ${method} meets "${fault}"`);
      switch (fault) {
        case undefined:
          break;
        case "throttled":
          throw failure(method, 429, "TooManyRequests");
        case "conflict":
          throw method === "GET"
            ? failure(method, 503, "ServiceUnavailable")
            : failure(method, 409, "Conflict");
        case "failed before":
          throw failure(method, 500, "InternalServerError");
        case "failed after":
          await run();
          throw failure(method, 500, "InternalServerError");
        case "answer lost":
          await run();
          throw toUnavailable(method, undefined);
      }
      const answer = await run();
      if (answer.status >= 300 && answer.status !== 404)
        throw errorOf(method, answer);
      return answer;
    },
    fault: (fault, calls) =>
      void faults.push(...Array.from({ length: calls }, () => fault)),
    calm() {
      faults = [];
    },
    isCalm: () => faults.length === 0,
  };
}
