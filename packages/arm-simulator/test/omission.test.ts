import { beforeEach, describe, expect, test } from "vitest";
import { COMPUTE, DURATION_MS, startForEach, versionId, type Harness } from "./harness.js";

const V = versionId("1.0.0");

let h: Harness;
startForEach((started) => (h = started));
beforeEach(() =>
  write({
    tags: { a: "1", b: "2" },
    safetyProfile: {
      allowDeletionOfReplicatedLocations: true,
      blockDeletionBeforeEndOfLife: true,
    },
    publishingProfile: {
      endOfLifeDate: "2030-01-01T00:00:00.000Z",
      excludeFromLatest: true,
      targetRegions: [
        {
          name: "westus",
          excludeFromLatest: true,
          additionalReplicaSets: [{ storageAccountType: "Premium_LRS", regionalReplicaCount: 2 }],
        },
        { name: "East US", excludeFromLatest: true },
      ],
    },
  }),
);

interface Written {
  readonly tags?: Record<string, string | null>;
  readonly safetyProfile?: object;
  readonly publishingProfile?: object;
}

/** PUTs 1.0.0, lets the operation end, and gives what a GET then shows. */
async function write({ tags, ...properties }: Written, method = "PUT") {
  const { status } = await h.call(method, V, {
    body: {
      ...(method === "PUT" ? { location: "westus" } : {}),
      ...(tags === undefined ? {} : { tags }),
      properties: {
        storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
        ...properties,
      },
    },
  });
  expect(status).toBeLessThan(300);
  h.clock.advance(DURATION_MS);
  const { body } = await h.call("GET", V);
  return body as {
    tags?: object;
    properties: {
      safetyProfile: object;
      publishingProfile: { targetRegions: object[] };
    };
  };
}

const bothRegions = {
  publishingProfile: {
    targetRegions: [{ name: "West US" }, { name: "eastus" }],
  },
};

test("by default what an update leaves out is cleared", async () => {
  const { tags, properties } = await write({
    safetyProfile: { allowDeletionOfReplicatedLocations: true },
    ...bothRegions,
  });
  expect(tags).toBeUndefined();
  expect(properties.safetyProfile).not.toHaveProperty("blockDeletionBeforeEndOfLife");
  expect(properties.publishingProfile).not.toHaveProperty("endOfLifeDate");
  expect(properties.publishingProfile).toMatchObject({
    excludeFromLatest: false,
  });
  for (const region of properties.publishingProfile.targetRegions) {
    expect(region).not.toHaveProperty("excludeFromLatest");
    expect(region).not.toHaveProperty("additionalReplicaSets");
  }
});

describe('with mode "keep"', () => {
  beforeEach(() => h.control("setOmission", { mode: "keep" }));

  test("an update keeps what it leaves out, but for excludeFromLatest", async () => {
    const { tags, properties } = await write(bothRegions);
    expect(tags).toEqual({ a: "1", b: "2" });
    expect(properties).toMatchObject({
      safetyProfile: {
        allowDeletionOfReplicatedLocations: true,
        blockDeletionBeforeEndOfLife: true,
      },
      publishingProfile: {
        endOfLifeDate: "2030-01-01T00:00:00.000Z",
        excludeFromLatest: false,
        targetRegions: [
          {
            name: "West US",
            additionalReplicaSets: [{ regionalReplicaCount: 2 }],
          },
          { name: "East US" },
        ],
      },
    });
    for (const region of properties.publishingProfile.targetRegions)
      expect(region).not.toHaveProperty("excludeFromLatest");
  });

  test("what the body says wins, tag by tag and member by member", async () => {
    const { tags, properties } = await write({
      tags: { b: "3", c: "4" },
      safetyProfile: { blockDeletionBeforeEndOfLife: false },
      publishingProfile: {
        endOfLifeDate: "2031-01-01T00:00:00.000Z",
        targetRegions: [{ name: "westus", additionalReplicaSets: [] }, { name: "eastus" }],
      },
    });
    expect(tags).toEqual({ a: "1", b: "3", c: "4" });
    expect(properties).toMatchObject({
      safetyProfile: {
        allowDeletionOfReplicatedLocations: true,
        blockDeletionBeforeEndOfLife: false,
      },
      publishingProfile: {
        endOfLifeDate: "2031-01-01T00:00:00.000Z",
        targetRegions: [{ additionalReplicaSets: [] }, { name: "East US" }],
      },
    });
  });

  test("nothing clears a tag", async () => {
    expect((await write({ tags: { a: null }, ...bothRegions })).tags).toEqual({
      a: "1",
      b: "2",
    });
    expect((await write({ tags: {}, ...bothRegions })).tags).toEqual({
      a: "1",
      b: "2",
    });
    expect((await write({ tags: { c: "3" } }, "PATCH")).tags).toEqual({
      a: "1",
      b: "2",
      c: "3",
    });
  });

  test("a region left out is removed, by the permission that is kept", async () => {
    const west = { publishingProfile: { targetRegions: [{ name: "westus" }] } };
    expect((await write(west)).properties.publishingProfile.targetRegions).toMatchObject([
      { name: "West US" },
    ]);
    expect((await write({})).properties.publishingProfile.targetRegions).toMatchObject([
      { additionalReplicaSets: [{ regionalReplicaCount: 2 }] },
    ]);
  });
});

test('with excludeFromLatest "keep" an update keeps it, of the version and of each region, and clears the others', async () => {
  await h.control("setOmission", { excludeFromLatest: "keep" });
  const { tags, properties } = await write({
    publishingProfile: {
      targetRegions: [{ name: "westus" }, { name: "eastus", excludeFromLatest: false }],
    },
  });
  expect(tags).toBeUndefined();
  expect(properties.publishingProfile).not.toHaveProperty("endOfLifeDate");
  expect(properties.publishingProfile).toMatchObject({
    excludeFromLatest: true,
    targetRegions: [{ excludeFromLatest: true }, { excludeFromLatest: false }],
  });
  expect(
    (
      await write({
        publishingProfile: {
          excludeFromLatest: false,
          ...bothRegions.publishingProfile,
        },
      })
    ).properties.publishingProfile,
  ).toMatchObject({
    excludeFromLatest: false,
    targetRegions: [{ excludeFromLatest: true }, { excludeFromLatest: false }],
  });
});

test.each([
  [{ mode: "forget" }, '\'mode\' of setOmission must be one of "clear", "keep".'],
  [
    { excludeFromLatest: false },
    '\'excludeFromLatest\' of setOmission must be one of "false", "keep".',
  ],
  [{ tags: "keep" }, "has no member 'tags'. It has: mode, excludeFromLatest."],
])("setOmission refuses %j in words", async (omission, message) => {
  const { status, body } = await h.control("setOmission", omission);
  expect(status).toBe(400);
  expect(body.error?.message).toContain(message);
});
