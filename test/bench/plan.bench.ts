/** How long a plan of 10 regions x 3 disks takes by HTTP, against the ARM simulator: `npm run bench`. */
import { afterAll, bench, describe } from "vitest";
import { pathOf } from "../support/api-client.js";
import { largeWorld } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const { world, request, versionId } = largeWorld(10, 2);
const stack = await Stack.start({ simulator: { world } });
const api = await stack.client(await stack.startHost());
const path = `${pathOf(versionId("1.0.0"))}/plan`;

afterAll(() => stack.close());

describe("POST …/plan", () => {
  bench(
    "10 regions x 3 disks",
    async () => {
      const { status, body } = await api.request<{ findings: unknown[] }>(
        "POST",
        path,
        { body: request },
      );
      if (status !== 200 || body.findings.length > 0)
        throw new Error(JSON.stringify(body));
    },
    { iterations: 200, warmupIterations: 10 },
  );
});
