import { describe, expect, test } from "vitest";
import {
  DEFINITION,
  DURATION_MS,
  encryptedVersion,
  get,
  plainVersion,
  region,
  replication,
  startForEach,
  submit,
  versionId,
  type Harness,
} from "./harness.js";

const LAG_MS = 5000;
const V = versionId("1.0.0");

let h: Harness;
startForEach((started) => (h = started));

const tagged = (value: string) => plainVersion({ tags: { value } });

/** What a GET and a LIST show of 1.0.0: its tag and its state, or nothing. */
async function shown() {
  const single = await h.call("GET", V);
  const { body } = await h.call("GET", `${DEFINITION}/versions`);
  const describe = (version: Record<string, unknown>) => {
    const { tags, properties } = version as {
      tags: { value: string };
      properties: { provisioningState: string };
    };
    return `${tags.value} ${properties.provisioningState}`;
  };
  const listed = (body["value"] as Record<string, unknown>[]).map(describe);
  return [single.status === 404 ? 404 : describe(single.body), listed];
}

async function created(value: string): Promise<void> {
  await submit(h.client, "1.0.0", tagged(value));
  h.clock.advance(DURATION_MS);
}

describe("setLag", () => {
  test("hides a version that was created, from GET and LIST, until the time is over", async () => {
    await h.control("setLag", { ms: LAG_MS });
    await submit(h.client, "1.0.0", tagged("a"));
    expect(await shown()).toEqual([404, []]);
    h.clock.advance(LAG_MS - 1);
    expect(await shown()).toEqual([404, []]);
    h.clock.advance(1);
    expect(await shown()).toEqual(["a Creating", ["a Creating"]]);
  });

  test.each(["PUT", "PATCH"])(
    "shows a version as it was before a %s: properties, state at rest and replication status",
    async (method) => {
      await submit(h.client, "1.0.0", encryptedVersion({ tags: { a: "old" } }));
      h.clock.advance(DURATION_MS);
      const expanded = `${V}?$expand=ReplicationStatus`;
      const before = (await h.call("GET", expanded)).body;
      await h.control("setLag", { ms: LAG_MS });
      const { location, properties } = before as {
        location: string;
        properties: { publishingProfile: { targetRegions: object[] } };
      };
      const { targetRegions } = properties.publishingProfile;
      const answer = await h.call(method, V, {
        body: {
          ...(method === "PUT" ? { location } : {}),
          tags: { a: "new" },
          properties: {
            ...properties,
            publishingProfile: {
              targetRegions: [...targetRegions, region("eastus", "EastUS")],
            },
          },
        },
      });
      expect(answer).toMatchObject({
        status: 200,
        body: {
          tags: { a: "new" },
          properties: { provisioningState: "Updating" },
        },
      });
      expect((await h.call("GET", expanded)).body).toEqual(before);
      h.clock.advance(LAG_MS);
      expect(Object.keys(await replication(h.client, "1.0.0"))).toHaveLength(3);
      expect(await get(h.client, "1.0.0")).toMatchObject({
        tags: { a: "new" },
        provisioningState: "Updating",
      });
    },
  );

  test("shows a failed version as Failed, and regions that replicate as they stood", async () => {
    await h.simulator.control.setSucceededWhen("homeRegion");
    await submit(h.client, "1.0.0", encryptedVersion());
    await h.simulator.control.stallRegion({
      versionId: V,
      region: "eastus2",
      atProgress: 30,
    });
    h.clock.advance(DURATION_MS);
    await h.control("resumeRegion", { versionId: V, region: "eastus2" });
    const before = await replication(h.client, "1.0.0");
    expect(before["East US 2"]?.state).toBe("Replicating");
    await h.control("setLag", { ms: DURATION_MS });
    await submit(h.client, "1.0.0", encryptedVersion({ tags: { a: "b" } }));
    h.clock.advance(DURATION_MS - 1);
    expect(await replication(h.client, "1.0.0")).toEqual(before);
    h.clock.advance(1);
    expect((await replication(h.client, "1.0.0"))["East US 2"]).toEqual({
      state: "Completed",
      progress: 100,
    });
  });

  test("invariant 1: a second write is judged by the true state", async () => {
    await created("a");
    await h.control("setLag", { ms: DURATION_MS * 2 });
    const { poller } = await submit(h.client, "1.0.0", tagged("b"));
    expect(await shown()).toEqual(["a Succeeded", ["a Succeeded"]]);
    await expect(submit(h.client, "1.0.0", tagged("c"))).rejects.toMatchObject({
      statusCode: 409,
      code: "Conflict",
    });
    h.clock.advance(DURATION_MS);
    // The operation has ended, though no read shows it.
    expect((await poller.poll()).status).toBe("succeeded");
    await submit(h.client, "1.0.0", tagged("c"));
    expect(await shown()).toEqual(["a Succeeded", ["a Succeeded"]]);
  });

  test("shows one write after the other, each when its own time is over", async () => {
    await created("a");
    await h.control("setLag", { ms: DURATION_MS * 2 });
    await submit(h.client, "1.0.0", tagged("b"));
    h.clock.advance(DURATION_MS);
    await submit(h.client, "1.0.0", tagged("c"));
    h.clock.advance(DURATION_MS);
    expect(await shown()).toEqual(["b Succeeded", ["b Succeeded"]]);
    h.clock.advance(DURATION_MS);
    expect(await shown()).toEqual(["c Succeeded", ["c Succeeded"]]);
  });

  test("invariant 3: hides nothing that was written before it was set", async () => {
    await submit(h.client, "1.0.0", tagged("a"));
    await h.control("setLag", { ms: LAG_MS });
    expect((await shown())[0]).toBe("a Creating");
  });

  test("with 0 is off, for the writes already made, too", async () => {
    await created("a");
    await h.control("setLag", { ms: LAG_MS });
    await submit(h.client, "1.0.0", tagged("b"));
    expect((await shown())[0]).toBe("a Succeeded");
    await h.control("setLag", { ms: 0 });
    expect(await shown()).toEqual(["b Updating", ["b Updating"]]);
  });

  test("of one version leaves the others alone", async () => {
    await h.control("setLag", { versionId: V.toUpperCase(), ms: LAG_MS });
    await submit(h.client, "1.0.0", tagged("a"));
    await submit(h.client, "1.0.1", tagged("a"));
    expect(await shown()).toEqual([404, ["a Creating"]]);
    await h.control("setLag", { ms: 0 });
    expect((await shown())[0]).toBe("a Creating");
  });

  test("invariant 4: a deletion is seen at once, and a version made anew is not mistaken for the old one", async () => {
    await h.control("setLag", { ms: LAG_MS });
    await submit(h.client, "1.0.0", tagged("a"));
    await h.call("DELETE", V);
    expect((await shown())[0]).toBe("a Deleting");
    h.clock.advance(DURATION_MS);
    await submit(h.client, "1.0.0", tagged("b"));
    expect(await shown()).toEqual([404, []]);
    h.clock.advance(LAG_MS);
    expect((await shown())[0]).toBe("b Creating");
  });
});

describe("lagNextReads", () => {
  test("shows the next GETs the version before its last write; a GET before the first write does not count", async () => {
    await h.control("lagNextReads", { versionId: V, reads: 2 });
    expect((await h.call("GET", V)).status).toBe(404);
    await submit(h.client, "1.0.0", tagged("a"));
    for (const status of [404, 404, 200, 200]) expect((await h.call("GET", V)).status).toBe(status);

    h.clock.advance(DURATION_MS);
    await submit(h.client, "1.0.0", tagged("b"));
    await h.control("lagNextReads", { versionId: V, reads: 1 });
    expect((await shown())[0]).toBe("a Succeeded");
    expect((await shown())[0]).toBe("b Updating");
  });
});

test.each([
  ["setLag", undefined, "must be a JSON object with: versionId, ms."],
  ["setLag", { ms: -1 }, "'ms' of setLag must be a number of milliseconds"],
  ["setLag", { ms: 1, of: V }, "has no member 'of'. It has: versionId, ms."],
  [
    "setLag",
    { versionId: DEFINITION, ms: 1 },
    "'versionId' of setLag must be the resource id of an image version",
  ],
  [
    "lagNextReads",
    { versionId: V, reads: 0.5 },
    "'reads' of lagNextReads must be an integer, 0 or more.",
  ],
  [
    "lagNextReads",
    { reads: 1 },
    "'versionId' of lagNextReads must be the resource id of an image version",
  ],
])("%s refuses %j in words", async (method, argument, message) => {
  const { status, body } = await h.control(method, argument);
  expect(status).toBe(400);
  expect(body.error?.message).toContain(message);
});
