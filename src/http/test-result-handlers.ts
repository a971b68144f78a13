import type { HttpHandler } from "@azure/functions";
import type { Dependencies } from "../image-version/index.js";
import { approveImageVersion } from "../gate/approve.js";
import { getTestResults } from "../test-results/get.js";
import type { TestResultDependencies } from "../test-results/ports.js";
import { reportTestResult } from "../test-results/report.js";
import { requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

export function testResultHandlers(
  endpoint: Endpoint,
  deps: TestResultDependencies,
  { looks, store, resourceManager }: Pick<Dependencies, "looks" | "store" | "resourceManager">,
): Readonly<Record<"getTestResults" | "reportTestResult" | "approveImageVersion", HttpHandler>> {
  return {
    getTestResults: endpoint("getTestResults", async ({ path }) => ({
      status: 200 as const,
      body: {
        value: [...(await getTestResults({ results: deps.results, looks, store }, path))],
      },
    })),

    approveImageVersion: endpoint(
      "approveImageVersion",
      async ({ path, body, principal, traceparent, auditPublisherUnknown }) => {
        const { results, isPublisherUnknown } = await approveImageVersion(
          { ...deps, store, resourceManager },
          {
            id: path,
            reason: body.reason,
            ...(body.regions && { regions: body.regions }),
            approvedBy: requesterOf(principal),
            traceparent,
          },
        );
        if (isPublisherUnknown) auditPublisherUnknown();
        return { status: 200 as const, body: { value: [...results] } };
      },
    ),

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
