import { afterEach, beforeEach } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { testedRow, TESTED_SCOPE } from "../../../src/listings.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { TestDependencies } from "../../../src/machine-test/ports.js";
import { getRollout } from "../../../src/rollout/get-rollout.js";
import { hindrancesOf } from "../../../src/rollout/hindrance.js";
import type { RolloutDependencies } from "../../../src/rollout/ports.js";
import { expectResult, moveOn, takeAndMoveOn } from "../../../src/rollout/move-on.js";
import { runRollouts, type RolloutRun } from "../../../src/rollout/roll-out.js";
import { canonicalRegion, imageIdOf } from "../../../src/resource-id.js";
import { reportTestResult } from "../../../src/test-results/report.js";
import type { TestResultDependencies } from "../../../src/test-results/ports.js";
import { createObjections } from "../../../src/objections.js";
import { idOf, request, revocationOf, TRACEPARENT } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { startMachineTests, type MachineTests } from "../machine-test/support.js";

export const HELD = seedVersionId("2.0.0");

/** Who decides by hand. */
export const OPERATOR = {
  id: idOf(HELD),
  requestedBy: { appId: "operator" },
  traceparent: TRACEPARENT,
  allowNoLatest: true,
};

/** Rules that wait for tests of others. */
export const TESTED = { when: "tested", results: ["boot"] };
export const BOOT = { after: "tested" as const, results: ["boot"] };
export const WAVES = {
  when: "waves",
  waves: [
    { regions: ["West US"], ...BOOT },
    { regions: ["eastus2"], ...BOOT },
  ],
};

export interface Rollouts extends MachineTests {
  readonly rollout: RolloutDependencies;
  readonly resultDeps: TestResultDependencies;
  /** A version with that rule, replicated. */
  publish(promotion: object, versionId?: string): Promise<void>;
  /** What the timer does. */
  run(): Promise<RolloutRun>;
  /** Takes the steps that are due, of versions and of tests, as the product does; then so many seconds go by. */
  step(seconds: number): Promise<void>;
  /** Takes what is due, and runs the timer, for so many minutes. */
  pass(minutes: number): Promise<void>;
  report(more: object, versionId?: string, deps?: TestResultDependencies): Promise<void>;
  view(versionId?: string): ReturnType<typeof getRollout>;
  isLatest(versionId?: string): Promise<boolean>;
  /** In which regions it is the latest, in both readings of the flags. */
  latestIn(versionId?: string): Promise<string[]>;
  isLookedAfter(versionId?: string): Promise<boolean>;
  /** What somebody does in the portal: by canonical region, and of the version where that is given. */
  exclude(regions: Readonly<Record<string, boolean>>, version?: boolean): Promise<void>;
}

export function ruled(promotion: object): ImageVersionRequest {
  return {
    ...managedImageRequest(),
    sigil: { promotion },
  } as ImageVersionRequest;
}

export function targetsOf({ properties }: ImageVersionRequest) {
  return properties.publishingProfile?.targetRegions ?? [];
}

export function withTargets(
  { properties, ...body }: ImageVersionRequest,
  targetRegions: ReturnType<typeof targetsOf>,
): ImageVersionRequest {
  const { publishingProfile } = properties;
  return {
    ...body,
    properties: {
      ...properties,
      publishingProfile: { ...publishingProfile, targetRegions },
    },
  };
}

export const isIn = (region: string) => (target: { readonly name: string }) =>
  canonicalRegion(target.name) === region;

/** A version that has a wave for each of these regions, replicated. */
export async function publishInWaves(
  { world }: Rollouts,
  regions: readonly string[],
): Promise<void> {
  const waves = regions.map((region) => ({ regions: [region], ...BOOT }));
  const body = withTargets(
    ruled({ when: "waves", waves }),
    regions.map((name) => ({ name })),
  );
  await request(world.deps, HELD, body);
  await world.finish(HELD);
}

export async function startRollouts(
  options: Parameters<typeof startMachineTests>[0] = {},
): Promise<Rollouts> {
  const tests = await startMachineTests(options);
  const { world, clock } = tests;
  const imageVersions = Object.assign(world.deps, {
    hindrancesOf: hindrancesOf.bind(undefined, tests.deps),
  });
  const rollout: RolloutDependencies = {
    imageVersions,
    machineTests: tests.deps,
    results: tests.deps.results,
  };
  Object.assign(world.deps, {
    objections: createObjections(() => ({
      gates: [],
      freezes: world.freezes,
      revocations: revocationOf(imageVersions).revocations,
      retention: { policies: world.policies, ...revocationOf(imageVersions) },
      rollout,
    })),
  });
  const onResult = moveOn.bind(undefined, rollout);
  const beforeResult = expectResult.bind(undefined, rollout);
  const told = { beforeResult, onResult };
  const testDeps: TestDependencies = { ...tests.deps, ...told };
  const resultDeps: TestResultDependencies = {
    results: tests.deps.results,
    resourceManager: imageVersions.resourceManager,
    events: imageVersions.events,
    eventSource: imageVersions.eventSource,
    now: imageVersions.now,
    ...told,
  };
  const { events } = imageVersions;
  const runDue = async (): Promise<void> => {
    const due = await world.takeDue();
    for (const message of due)
      await takeAndMoveOn(rollout, events, (given) =>
        world.handle(message, { ...imageVersions, events: given }),
      );
    const dueTests = await tests.takeDue();
    for (const message of dueTests)
      await takeAndMoveOn(rollout, events, (given) =>
        tests.handle(message, { ...testDeps, events: given }),
      );
    if (due.length + dueTests.length > 0) await runDue();
  };
  const run = () => runRollouts(rollout, TRACEPARENT);
  const latestRegions = async (versionId = HELD) => {
    const id = idOf(versionId);
    const found: string[] = [];
    for (const region of ["westus", "eastus2"])
      if ((await latestIn(tests.simulator, imageIdOf(id), region)) === id.versionName)
        found.push(region);
    return found;
  };
  return {
    ...tests,
    rollout,
    resultDeps,
    async publish(promotion, versionId = HELD) {
      await request(imageVersions, versionId, ruled(promotion));
      await world.finish(versionId);
    },
    run,
    async step(seconds) {
      await runDue();
      clock.advance(seconds * 1_000);
    },
    async pass(minutes) {
      for (let at = 0; at < minutes; at += 1) {
        await runDue();
        const { errors } = await run();
        if (errors[0] !== undefined) throw errors[0].error;
        clock.advance(60_000);
      }
    },
    async report(more, versionId = HELD, given = resultDeps) {
      await reportTestResult(given, {
        id: idOf(versionId),
        report: {
          name: "boot",
          region: "westus",
          result: "passed",
          ...more,
        },
        reportedBy: { appId: "tester" },
        traceparent: TRACEPARENT,
      });
    },
    async view(versionId = HELD) {
      return getRollout(rollout, await getImageVersion(imageVersions, idOf(versionId)));
    },
    isLatest: async (versionId) => (await latestRegions(versionId)).length > 0,
    latestIn: latestRegions,
    async isLookedAfter(versionId = HELD) {
      const { rows } = await imageVersions.index.page(TESTED_SCOPE, 100);
      return rows.some(({ row }) => row === testedRow(versionId).row);
    },
    async exclude(regions, version) {
      const look = await imageVersions.resourceManager.getImageVersion(idOf(HELD));
      const targetRegions = look === undefined ? [] : targetsOf(look.resource);
      await tests.simulator.control.editVersion({
        versionId: HELD,
        properties: {
          publishingProfile: {
            ...(version !== undefined && { excludeFromLatest: version }),
            targetRegions: targetRegions.map((region) => {
              const excludeFromLatest = regions[canonicalRegion(region.name)];
              return {
                ...region,
                ...(excludeFromLatest !== undefined && { excludeFromLatest }),
              };
            }),
          },
        },
      });
    },
  };
}

/** Those of the test that runs. */
export let rollouts: Rollouts;

/** In a test file: each test begins with none. */
export function useRollouts(): void {
  beforeEach(async () => {
    rollouts = await startRollouts();
  });
  afterEach(() => rollouts.close());
}

/** A person does; without regions it is the go for the next wave. */
export async function promote(regions?: readonly string[]): Promise<void> {
  await promoteImageVersion(rollouts.world.deps, { ...OPERATOR, regions });
  await rollouts.world.finish(HELD);
}

/** What was told of that type. */
export async function told(type: string): Promise<readonly unknown[]> {
  return (await rollouts.takeEvents())
    .filter((one) => one.type === `Sigil.ImageVersion.${type}`)
    .map(({ data }) => data);
}

/** A second later. */
export async function reportLater(more: object): Promise<void> {
  rollouts.clock.advance(1_000);
  await rollouts.report(more);
}
