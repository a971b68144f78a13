import type { HttpHandler } from "@azure/functions";
import type { TestDependencies } from "../machine-test/ports.js";
import { testImageVersion } from "../machine-test/test-image-version.js";
import { accepted, requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

export function machineTestHandlers(
  endpoint: Endpoint,
  deps: TestDependencies,
): Readonly<Record<"testImageVersion", HttpHandler>> {
  return {
    testImageVersion: endpoint(
      "testImageVersion",
      async ({ path, body, headers, principal, traceparent, requestUrl }) =>
        accepted(
          await testImageVersion(deps, {
            id: path,
            ...(body?.regions !== undefined && { regions: body.regions }),
            requestedBy: requesterOf(principal),
            traceparent,
            ...(headers["Idempotency-Key"] !== undefined && {
              idempotencyKey: headers["Idempotency-Key"],
            }),
          }),
          requestUrl,
        ),
    ),
  };
}
