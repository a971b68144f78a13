/** A region that is excluded from latest by its own flag: a rule that promotes the version leaves that to whoever has set it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runDrift } from "../../../src/drift/run-drift.js";
import { promoteImageVersion } from "../../../src/image-version/commands/by-hand.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { canonicalRegion } from "../../../src/resource-id.js";
import { request, TRACEPARENT } from "../../support/dependencies.js";
import { managedImageRequest } from "../../support/requests.js";
import {
  HELD,
  OPERATOR,
  TESTED,
  ruled,
  startRollouts,
  targetsOf,
  withTargets,
  type Rollouts,
} from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const BOTH = { westus: true, eastus2: true };
type Flags = Readonly<Record<string, boolean>>;

function withFlags(rule: object, flags: Flags): ImageVersionRequest {
  const body = ruled(rule);
  return withTargets(
    body,
    targetsOf(body).map((region) => {
      const excludeFromLatest = flags[canonicalRegion(region.name)];
      return {
        ...region,
        ...(excludeFromLatest !== undefined && { excludeFromLatest }),
      };
    }),
  );
}

const send = async (flags: Flags): Promise<void> => {
  await request(rollouts.world.deps, HELD, withFlags(TESTED, flags));
  await rollouts.world.finish(HELD);
};
const passAll = async (): Promise<void> => {
  await rollouts.report({});
  await rollouts.report({ region: "eastus2" });
};

const WAYS = [
  [
    "in Azure",
    async (flags: Flags) => {
      await rollouts.publish(TESTED);
      await rollouts.exclude(flags);
      await rollouts.pass(12);
      await passAll();
    },
  ],
  [
    "in the body of its creation",
    async (flags: Flags) => {
      await send(flags);
      await passAll();
    },
  ],
  [
    "by a PUT",
    async (flags: Flags) => {
      await rollouts.publish(TESTED);
      await send(flags);
      await passAll();
    },
  ],
  [
    "in Azure, once its promotion was accepted",
    async (flags: Flags) => {
      await rollouts.publish(TESTED);
      await passAll();
      await rollouts.exclude(flags);
    },
  ],
] as const;

describe.each(WAYS)("a version that is held back %s", (_, hold) => {
  test("in one region is the latest in the others", async () => {
    await hold({ westus: true });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["eastus2"]);
  });

  test("in every region is promoted in none: a person is waited for", async () => {
    await hold(BOTH);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      message: expect.stringContaining(
        "each region is excluded from latest by its own flag",
      ) as unknown,
    });
    const types = (await rollouts.takeEvents()).map(({ type }) => type);
    expect(types).toContain("Sigil.ImageVersion.RolloutHalted");
    expect(types).not.toContain("Sigil.ImageVersion.Promoted");
  });
});

test("put back in one region it is promoted there by itself", async () => {
  await rollouts.publish(TESTED);
  await rollouts.exclude(BOTH);
  await rollouts.pass(12);
  await passAll();
  await rollouts.pass(3);
  await rollouts.exclude({ westus: false });
  await rollouts.pass(10);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});

test("a person's promotion includes it everywhere", async () => {
  await rollouts.publish(TESTED);
  await rollouts.exclude(BOTH);
  await rollouts.pass(12);
  await passAll();
  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(10);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("a person who takes over the rule's promotion includes it everywhere", async () => {
  await rollouts.publish(TESTED);
  await passAll();
  const { operation } = await rollouts.world.read(HELD);
  await rollouts.exclude(BOTH);
  expect(
    await promoteImageVersion(rollouts.world.deps, OPERATOR),
  ).toMatchObject({ id: operation.id });
  await rollouts.pass(10);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("a person's promotion includes it everywhere, also where the version's flag is taken off", async () => {
  await request(rollouts.world.deps, HELD, managedImageRequest());
  await rollouts.world.finish(HELD);
  await rollouts.exclude(BOTH);
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual([]);
  const { warnings } = await promoteImageVersion(rollouts.world.deps, OPERATOR);
  expect(warnings).toBeUndefined();
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("a person who takes over the rule's promotion is told which region stays excluded", async () => {
  await rollouts.publish(TESTED);
  await passAll();
  await rollouts.exclude({ westus: true });
  const { warnings } = await promoteImageVersion(rollouts.world.deps, OPERATOR);
  expect(warnings).toMatchObject([{ code: "StaysExcluded" }]);
  await rollouts.pass(10);
  expect(await rollouts.latestIn()).toEqual(["eastus2"]);
});

test("that others take off the version's flag promotes nothing that each region's own holds back, until one is taken off", async () => {
  const told = async () =>
    (await rollouts.takeEvents()).filter(({ type }) =>
      /\.(?:Promoted|Demoted)$/u.test(type),
    );
  await rollouts.publish(TESTED);
  await rollouts.exclude(BOTH);
  await rollouts.pass(40);
  await rollouts.exclude({}, false);
  await runDrift(rollouts.world.deps, TRACEPARENT);
  await runDrift(rollouts.world.deps, TRACEPARENT);
  expect(await told()).toEqual([]);
  rollouts.clock.advance(3_600_000);
  await rollouts.exclude({ westus: false });
  await runDrift(rollouts.world.deps, TRACEPARENT);
  expect(await told()).toMatchObject([{ type: "Sigil.ImageVersion.Promoted" }]);
});

test("the rule allRegionsReady takes off no region's own flag", async () => {
  const rule = { when: "allRegionsReady" };
  await request(rollouts.world.deps, HELD, withFlags(rule, BOTH));
  await rollouts.world.finish(HELD);
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual([]);
});
