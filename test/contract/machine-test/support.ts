import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { expect } from "vitest";
import { createArmClient } from "../../../src/azure/arm/client.js";
import { createMachineReader } from "../../../src/azure/arm/machine-reader.js";
import { createTaggedResources } from "../../../src/azure/arm/tagged-resources.js";
import { createTestMachines } from "../../../src/azure/arm/test-machines.js";
import type { TestProfileBody } from "../../../src/machine-test/contract.js";
import { OPERATION_TAG } from "../../../src/leftovers/ports.js";
import { sweepLeftovers } from "../../../src/leftovers/sweep.js";
import { testMaker } from "../../../src/machine-test/leftovers.js";
import type { TestDependencies } from "../../../src/machine-test/ports.js";
import { profileOf, type TestProfile } from "../../../src/machine-test/profile.js";
import { testKeyOf, type TestRecord } from "../../../src/machine-test/record.js";
import {
  testImageVersion,
  type TestImageVersion,
} from "../../../src/machine-test/test-image-version.js";
import { takeStep } from "../../../src/operation/dispatch.js";
import { takeTestStep } from "../../../src/machine-test/take-test-step.js";
import { hasEnded } from "../../../src/operation/kinds.js";
import type { Stored } from "../../../src/operation/ports.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import type { StepMessage } from "../../../src/operation/steps.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, startInProcess, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { createTestLimits } from "../../support/fakes/test-limits.js";
import { createMemoryImageDocuments } from "../../support/fakes/image-documents.js";
import { createMemoryTestResults } from "../../support/fakes/test-results.js";
import type { Queues } from "../../support/fakes/service-bus.js";
import { managedImageRequest, seedResource, seedVersionId } from "../../support/requests.js";
import { testsOf } from "../../../src/machine-test/region-record.js";

export const TESTS = "machine-tests";
export const VERSION = seedVersionId("1.0.0");
export const GROUP = "MyResourceGroup";
const machinesIn = (region: string) =>
  resourcesIn(LOCAL_SUBSCRIPTION_ID, GROUP).virtualNetwork(`tests-${region}`, region, ["machines"]);
const REGIONS = ["westus", "eastus2"];
/** Longer than a proof's minutes are as seconds, or its seconds as milliseconds. */
const SCRIPT_MS = 300_000;

export interface DueMessage extends StepMessage {
  readonly messageId: string;
}

export interface MachineTests extends Pick<
  InProcess,
  "clock" | "simulator" | "takeEvents" | "close"
> {
  readonly queues: Queues;
  /** Of versions. */
  readonly world: InProcess;
  readonly deps: TestDependencies;
  setProfile(change?: Partial<TestProfileBody>, versionId?: string): Promise<void>;
  test(
    change?: Partial<Omit<TestImageVersion, "id">> & {
      readonly versionId?: string;
    },
    deps?: TestDependencies,
  ): Promise<OperationRecord>;
  takeDue(): Promise<DueMessage[]>;
  handle(message: DueMessage, deps?: TestDependencies): Promise<void>;
  runDue(): Promise<DueMessage[]>;
  read(versionId?: string): Promise<Stored<TestRecord>>;
  /** Handles due messages and moves the clock until the operation has ended; `look` sees each state on the way. */
  finish(
    look?: (stored: Stored<TestRecord>) => Promise<void> | void,
    versionId?: string,
  ): Promise<OperationRecord>;
  sweep(): ReturnType<typeof sweepLeftovers>;
  /** Everything that a test has made and that is there now, by name. */
  there(): string[];
}

export function profileBody(change: Partial<TestProfileBody> = {}): TestProfileBody {
  return {
    machineSize: "Standard_D2s_v5",
    resourceGroupName: GROUP,
    regions: REGIONS.map((name) => ({
      name,
      subnetId: `${machinesIn(name).id}/subnets/machines`,
    })),
    proof: { kind: "agentReady" },
    ...change,
  } as TestProfileBody;
}

/** A version of the seed's image, replicated to both of its regions, and the profile of its definition. */
export async function startMachineTests(
  options: Parameters<typeof startInProcess>[0] & {
    readonly profile?: Partial<TestProfileBody>;
    readonly versions?: readonly string[];
  } = {},
): Promise<MachineTests> {
  const { profile: firstProfile, versions = [VERSION], ...rest } = options;
  const world = await startInProcess(rest);
  const { clock, simulator } = world;
  const now = (): Date => new Date(clock.now());
  const arm = createArmClient(world.armOptions);
  const azure = createTestMachines(arm);
  const profiles = createMemoryImageDocuments<TestProfile>("test profile");
  const deps: TestDependencies = {
    ...world.deps,
    store: world.deps.store as unknown as TestDependencies["store"],
    profiles,
    machineReader: createMachineReader(arm),
    machines: azure,
    proofs: azure,
    parts: createTaggedResources(arm),
    results: createMemoryTestResults(),
    makesMachines: true,
    limits: createTestLimits(),
  };

  for (const version of versions)
    await world.deps.resourceManager.putImageVersion(idOf(version), managedImageRequest());
  clock.advance(3_600_000);
  for (const region of REGIONS) await simulator.control.putResource(machinesIn(region));
  await simulator.control.setMachineTimes({
    startMs: 60_000,
    deleteMs: 30_000,
    scriptMs: SCRIPT_MS,
  });

  const takeDue = (): Promise<DueMessage[]> =>
    Promise.resolve(
      world.queues.take(TESTS).map(({ id, operationId, step }) => ({
        operationId,
        step,
        messageId: id,
      })),
    );
  const handle: MachineTests["handle"] = (message, given = deps) =>
    takeStep(given, { TestImageVersion: takeTestStep.bind(undefined, given) }, message);
  const runDue = async (): Promise<DueMessage[]> => {
    const handled: DueMessage[] = [];
    for (;;) {
      const due = await takeDue();
      if (due.length === 0) return handled;
      for (const message of due) await handle(message);
      handled.push(...due);
    }
  };
  const read = async (versionId = VERSION): Promise<Stored<TestRecord>> => {
    const stored = await deps.store.read(testKeyOf(versionId));
    if (stored === undefined) throw new Error(`${versionId} is not tested`);
    return stored;
  };
  const tests: MachineTests = {
    clock,
    simulator,
    queues: world.queues,
    world,
    takeEvents: () => world.takeEvents(),
    close: () => world.close(),
    deps,
    async setProfile(change, versionId = VERSION) {
      const imageId = imageIdOf(idOf(versionId));
      const { profile, findings } = profileOf(
        imageId,
        profileBody(change),
        { appId: "admin" },
        now(),
      );
      expect(findings).toEqual([]);
      const stored = await profiles.read(imageId);
      await profiles.put(profile, stored?.etag);
    },
    test: ({ versionId = VERSION, ...change } = {}, given = deps) =>
      testImageVersion(given, {
        id: idOf(versionId),
        requestedBy: { appId: "build-system", objectId: "object" },
        traceparent: TRACEPARENT,
        ...change,
      }),
    takeDue,
    handle,
    runDue,
    read,
    async finish(look = () => undefined, versionId = VERSION) {
      for (let steps = 0; steps < 500; steps += 1) {
        await runDue();
        const stored = await read(versionId);
        await look(stored);
        if (hasEnded(deps, stored)) return stored.operation;
        clock.advance(Math.max(1_000, Date.parse(stored.record.dueTime) - clock.now()));
      }
      throw new Error(`the test of ${versionId} does not end`);
    },
    sweep: () => sweepLeftovers({ ...deps, makers: [testMaker(deps)] }, TRACEPARENT),
    there: () =>
      simulator.control
        .resources()
        .filter(({ tags }) => tags?.[OPERATION_TAG] !== undefined)
        .map(({ name }) => name),
  };
  await tests.setProfile(firstProfile);
  return tests;
}

export function seedSet(name: string): string {
  return seedResource(`diskEncryptionSets/${name}`);
}

/** Region to result and reason's code. */
export function resultsOf(operation: OperationRecord) {
  return Object.fromEntries(
    testsOf(operation).map(({ name, result, reason }) => [
      name,
      result === "passed" || reason === undefined ? result : `${result} ${reason.code}`,
    ]),
  );
}
