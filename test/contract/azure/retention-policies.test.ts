import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createArmClient } from "../../../src/azure/arm-client.js";
import { createPublishedVersions } from "../../../src/azure/published-versions.js";
import { createRetentionPolicies } from "../../../src/azure/retention-policies.js";
import { startTableStorage } from "@sigil-local/stack/table-storage";
import type {
  RetentionPolicies,
  RetentionPolicy,
} from "../../../src/retention/ports.js";
import { refusal } from "../../support/refusal.js";
import { seedResource } from "../../support/requests.js";
import { startWireServer, type WireServer } from "./wire-server.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");

let server: Awaited<ReturnType<typeof startTableStorage>>;
let wire: WireServer;
let policies: RetentionPolicies;
beforeAll(async () => {
  [server, wire] = await Promise.all([
    startTableStorage({}),
    startWireServer(),
  ]);
  policies = createRetentionPolicies({
    kind: "connectionString",
    connectionString: server.connectionString,
  });
});
afterAll(() => Promise.all([server.close(), wire.close()]));
beforeEach(async () => {
  for (const { policy } of await policies.list())
    await policies.remove(policy.imageId);
});

function policyOf(
  imageId: string,
  more: Partial<RetentionPolicy> = {},
): RetentionPolicy {
  return {
    imageId,
    rules: { keepNewestPromoted: 5 },
    mode: "dryRun",
    setBy: { appId: "admin" },
    setTime: "2026-01-01T00:00:00.000Z",
    ...more,
  };
}

const conflict = { code: "StateConflict", retryable: true };

test("a policy is read as it was put, by the id of its image definition in any case", async () => {
  expect(await policies.read(IMAGE)).toBeUndefined();
  expect(await policies.list()).toEqual([]);
  await policies.put(policyOf(IMAGE), undefined);
  const stored = await policies.read(IMAGE.toUpperCase());
  expect(stored?.policy).toEqual(policyOf(IMAGE));
  await policies.put(policyOf(`${IMAGE}2`), undefined);
  const listed = await policies.list();
  expect(listed).toHaveLength(2);
  expect(listed).toContainEqual(stored);
});

test("of two who put at once, the second is told", async () => {
  await policies.put(policyOf(IMAGE), undefined);
  await expect(policies.put(policyOf(IMAGE), undefined)).rejects.toMatchObject(
    conflict,
  );
  const first = await policies.read(IMAGE);
  await policies.put(policyOf(IMAGE, { mode: "delete" }), first?.etag);
  await expect(
    policies.put(policyOf(IMAGE), first?.etag),
  ).rejects.toMatchObject(conflict);
  expect((await policies.read(IMAGE))?.policy.mode).toBe("delete");
  await policies.remove(IMAGE);
  await policies.remove(IMAGE);
  await expect(
    policies.put(policyOf(IMAGE), first?.etag),
  ).rejects.toMatchObject(conflict);
  expect(await policies.read(IMAGE)).toBeUndefined();
});

test("versions are read from ARM's list, every page of it, with its defaults", async () => {
  wire.received = [];
  wire.reply = ({ url }) => ({
    status: 200,
    body: url.includes("next")
      ? { value: [{ name: "1.0.1" }, {}] }
      : {
          value: [
            {
              name: "1.0.0",
              properties: {
                provisioningState: "Succeeded",
                publishingProfile: {
                  excludeFromLatest: true,
                  endOfLifeDate: "2026-06-01T00:00:00+00:00",
                  publishedDate: "2026-01-01T00:00:00+00:00",
                  targetRegions: [
                    { name: "West US" },
                    { name: "East US 2", excludeFromLatest: true },
                  ],
                },
              },
            },
          ],
          nextLink: `${wire.endpoint}/x?$skiptoken=next`,
        },
  });
  const published = createPublishedVersions(createArmClient(wire.options()));
  expect(await published.list(IMAGE)).toEqual([
    {
      name: "1.0.0",
      provisioningState: "Succeeded",
      excludeFromLatest: true,
      endOfLifeDate: "2026-06-01T00:00:00+00:00",
      publishedDate: "2026-01-01T00:00:00+00:00",
      regions: [
        { name: "westus", excludeFromLatest: false },
        { name: "eastus2", excludeFromLatest: true },
      ],
    },
    {
      name: "1.0.1",
      provisioningState: "Unknown",
      excludeFromLatest: false,
      regions: [],
    },
  ]);
  expect(wire.received.map(({ method, url }) => `${method} ${url}`)).toEqual(
    ["", "&$skiptoken=next"].map(
      (rest) => `GET ${IMAGE}/versions?api-version=2025-12-03${rest}`,
    ),
  );
});

test("a list that breaks off is no list, and no definition is no empty list", async () => {
  const published = createPublishedVersions(createArmClient(wire.options()));
  wire.reply = ({ url }) =>
    url.includes("next")
      ? { status: 503 }
      : {
          status: 200,
          body: {
            value: [{ name: "1.0.0" }],
            nextLink: `${wire.endpoint}/x?$skiptoken=next`,
          },
        };
  expect((await refusal(published.list(IMAGE))).code).toBe(
    "ResourceManagerUnavailable",
  );
  wire.reply = { status: 404 };
  expect(await published.list(IMAGE)).toBeUndefined();
});
