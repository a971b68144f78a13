import type { HttpHandler } from "@azure/functions";
import type { Dependencies } from "../image-version/index.js";
import { getTestResults } from "../test-results/get.js";
import type { TestResultDependencies } from "../test-results/ports.js";
import { reportTestResult } from "../test-results/report.js";
import { requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

export function testResultHandlers(
  endpoint: Endpoint,
  deps: TestResultDependencies,
  { looks, store }: Pick<Dependencies, "looks" | "store">,
): Readonly<Record<"getTestResults" | "reportTestResult", HttpHandler>> {
  return {
    getTestResults: endpoint("getTestResults", async ({ path }) => ({
      status: 200 as const,
      body: {
        value: [
          ...(await getTestResults(
            { results: deps.results, looks, store },
            path,
          )),
        ],
      },
    })),

    reportTestResult: endpoint(
      "reportTestResult",
      async ({ path, body, principal, traceparent }) => ({
        status: 200 as const,
        body: await reportTestResult(deps, {
          id: path,
          report: body,
          reportedBy: requesterOf(principal),
          traceparent,
        }),
      }),
    ),
  };
}
