/**
 * A rolling update: two releases on one state and one namespace, forward and back, with kills. The earlier one is the package
 * that SIGIL_PREVIOUS_PACKAGE names (0.2.0 or later); without it both are of this build, which proves the roll alone.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { pathOf, type Operation } from "../support/api-client.js";
import { unpackPackage, type UnpackedPackage } from "../support/package.js";
import { largeWorld } from "../support/requests.js";
import { milestones, Stack } from "../support/stack.js";

const PREVIOUS = process.env["SIGIL_PREVIOUS_PACKAGE"];
if (PREVIOUS === undefined)
  console.warn("*** SIGIL_PREVIOUS_PACKAGE names no package: this build is rolled to itself. ***");

const { world, request, versionId } = largeWorld(3, 1);
const regions = request.properties.publishingProfile?.targetRegions?.map(({ name }) => name) ?? [];

let previous: UnpackedPackage;
let current: UnpackedPackage;
let stack: Stack;
beforeAll(async () => {
  previous = await unpackPackage(PREVIOUS);
  current = await unpackPackage();
  stack = await Stack.start({
    simulator: { world, replication: { durationMs: 1_500 } },
    // A host that is killed leaves its messages locked: they come again when the lock ends.
    queueProperties: { LockDuration: "PT1S" },
  });
});
afterAll(async () => {
  await stack?.close();
  await previous?.remove();
  await current?.remove();
});

const start = ({ folder }: UnpackedPackage): Promise<HostProcess> =>
  stack.startHost(undefined, {}, folder);

/** Resolves once the stack has been told so many events more. */
function more(events: number): Promise<unknown> {
  const before = stack.events.received.length;
  return stack.events.until(({ length }) => length >= before + events);
}

test.each([
  ["forward", () => [previous, current]],
  ["back", () => [current, previous]],
] as const)(
  "rolled %s under load, with kills of either: nothing is lost, and nothing done twice",
  { timeout: 180_000 },
  async (way, releases) => {
    const [from, to] = releases() as [UnpackedPackage, UnpackedPackage];
    const ids = Array.from({ length: 6 }, (_, i) =>
      versionId(`${way === "forward" ? 1 : 2}.0.${i}`),
    );
    const ended = stack.events.ended(...ids);
    await stack.simulator.setReplicationSpeed(0.2);
    const old = await start(from);
    const before = await stack.client(old);
    for (const id of ids.slice(0, 3)) await before.put(id, request);
    await more(3);

    // Side by side: either answers the same request alike, and either takes the other's steps.
    const first = await start(to);
    const beside = await stack.client(first);
    const again = await beside.put(ids[2] ?? "", request);
    expect(again.body.resourceId).toBe(ids[2]);
    for (const id of ids.slice(3, 5)) await beside.put(id, request);
    await before.put(ids[5] ?? "", request);
    await more(3);
    await first.kill();
    await more(2);
    const second = await start(to);
    await more(2);
    await old.kill();

    const after = await stack.client(second);
    await stack.simulator.setReplicationSpeed(1);
    await ended;
    for (const id of ids) {
      expect(milestones(stack.events.received, id), id).toEqual(
        ["accepted", "creating", "completed", ...regions.map((name) => `${name}/completed`)].sort(),
      );
      expect(stack.simulator.creates(id), id).toBe(1);
      const { body } = await after.request<{ sigil: { operationId: string } }>("GET", pathOf(id));
      const operation = await after.request<Operation>(
        "GET",
        `/operations/${body.sigil.operationId}`,
      );
      expect(operation.body.status, id).toBe("Succeeded");
    }
    const told = stack.events.received.map(({ id }) => id);
    expect(new Set(told).size).toBe(told.length);
    await second.kill();
  },
);
