import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { type ApiClient, pathOf } from "../support/api-client.js";
import { largeWorld } from "../support/requests.js";
import { milestones, Stack } from "../support/stack.js";

const { world, request, versionId } = largeWorld(5, 1);
const regions = request.properties.publishingProfile?.targetRegions?.map(({ name }) => name) ?? [];
const EVERY_MILESTONE = [
  "accepted",
  "creating",
  "completed",
  ...regions.map((name) => `${name}/completed`),
].sort();

let stack: Stack;
beforeEach(async () => {
  stack = await Stack.start({
    simulator: { world, replication: { durationMs: 1_500 } },
    // A host that is killed leaves its messages locked: they come again when the lock ends.
    queueProperties: { LockDuration: "PT1S" },
  });
});
afterEach(() => stack.close());

/** Each version was created once, and its subscribers were told each fact once. */
function expectRightOutcome(events: readonly CloudEvent[], ids: readonly string[]): void {
  for (const id of ids) {
    expect(milestones(events, id), id).toEqual(EVERY_MILESTONE);
    expect(stack.simulator.creates(id), id).toBe(1);
  }
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
}

describe("invariant 1: 202 is durable", () => {
  it("a host killed right after the answer: the work is done after the restart", async () => {
    const id = versionId("1.0.0");
    const first = await stack.startHost();
    const api = await stack.client(first);
    const accepted = await api.put(id, request);
    await first.kill();
    expect(accepted.status).toBe(202);
    await stack.startHost();
    await stack.events.ended(id);
    expectRightOutcome(stack.events.received, [id]);
  });
});

describe("invariant 2: messages come twice, late and out of order, and two hosts run", () => {
  it("the outcome is the same, ARM sees one create, subscribers see each event once", async () => {
    const ids = ["2.0.0", "2.0.1", "2.0.2"].map(versionId);
    const hosts = await Promise.all([stack.startHost(), stack.startHost()]);
    const apis = await Promise.all(hosts.map((host) => stack.client(host)));
    const answers = await Promise.all(ids.flatMap((id) => apis.map((api) => api.put(id, request))));
    const operations = [...new Set(answers.map(({ body }) => body.id))];
    expect(operations).toHaveLength(ids.length);
    // Every step of every operation again, backwards, under MessageIds that no duplicate detection knows.
    for (const queue of ["image-version-creations", "image-version-replications"]) {
      await stack.send(
        queue,
        ...operations.flatMap((operationId) =>
          [5, 4, 3, 2, 1, 3].map((step, i) => ({
            body: { operationId, step },
            messageId: `again-${operationId}-${step}-${i}`,
            contentType: "application/json",
          })),
        ),
      );
    }
    await stack.events.ended(...ids);
    expectRightOutcome(stack.events.received, ids);
  });
});

describe("invariant 3: kill -9 at any point", () => {
  it(
    "twenty kills during ten versions of five regions: all end right",
    { timeout: 150_000 },
    async () => {
      const ids = Array.from({ length: 10 }, (_, i) => versionId(`3.0.${i}`));
      const random = randomOf(20_261_124);
      await stack.simulator.setReplicationSpeed(0.1);
      const ended = stack.events.ended(...ids);

      let remaining: string[] = [...ids];
      for (let kills = 0; kills < 20; kills += 1) {
        // The host dies after it has printed so many lines: somewhere between two of its thousands of steps.
        const lines = Math.floor(random() * 20);
        const { host, reached } = await startAndWatch(lines);
        const api = await stack.client(host);
        remaining = await putUntilDead(api, remaining);
        await reached;
        await host.kill();
      }
      const api = await stack.client(await stack.startHost());
      await stack.simulator.setReplicationSpeed(1);
      expect(await putUntilDead(api, remaining)).toEqual([]);
      await ended;
      expectRightOutcome(stack.events.received, ids);
    },
  );

  /** Starts a host; `reached` resolves when it has printed `lines` lines more than its announcement. */
  async function startAndWatch(
    lines: number,
  ): Promise<{ host: HostProcess; reached: Promise<void> }> {
    let seen = -Infinity;
    let resolve = (): void => undefined;
    const reached = new Promise<void>((done) => {
      resolve = done;
    });
    const host = await stack.startHost(() => {
      seen += 1;
      if (seen >= lines) resolve();
    });
    seen = 0;
    if (lines === 0) resolve();
    return { host, reached };
  }

  /** Asks for versions, as a caller does who repeats what was not answered; gives those not yet accepted. */
  async function putUntilDead(api: ApiClient, ids: readonly string[]): Promise<string[]> {
    const rest = [...ids];
    for (const id of ids) {
      const answer = await api.request("PUT", pathOf(id), { body: request }).catch(() => undefined);
      if (answer?.status !== 202) return rest;
      rest.shift();
    }
    return rest;
  }
});

/** A small seeded generator (mulberry32): the same kills in every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
