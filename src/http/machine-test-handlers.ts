import type { HttpHandler } from "@azure/functions";
import type { TestDependencies } from "../machine-test/ports.js";
import { planTest } from "../machine-test/plan-test.js";
import { testImageVersion, type TestImageVersion } from "../machine-test/test-image-version.js";
import type { ImageVersionId } from "../resource-id.js";
import { accepted, askedIn } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

/** Without regions: wherever it can be tested. */
function target(
  id: ImageVersionId,
  body: { readonly regions?: readonly string[] } | undefined,
): Pick<TestImageVersion, "id" | "regions"> {
  return { id, ...(body?.regions !== undefined && { regions: body.regions }) };
}

export function machineTestHandlers(
  endpoint: Endpoint,
  deps: TestDependencies,
): Readonly<Record<"testImageVersion" | "planTest", HttpHandler>> {
  return {
    testImageVersion: endpoint("testImageVersion", async (request) =>
      accepted(
        deps,
        await testImageVersion(deps, {
          ...askedIn(request),
          ...target(request.path, request.body),
        }),
        request.requestUrl,
      ),
    ),

    planTest: endpoint("planTest", async ({ path, body }) => ({
      status: 200 as const,
      body: await planTest(deps, target(path, body)),
    })),
  };
}
