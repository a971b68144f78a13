/**
 * Accepts the test of an image version on machines. Invariants, in addition to those of every
 * acceptance (operation/accepting.ts):
 *  1. While a test of a version runs, the same request returns that operation. A request for other
 *     regions is refused.
 *  2. After it has ended, the next request is a new test. A repeated Idempotency-Key returns the
 *     operation that it first returned.
 */
import { createHash } from "node:crypto";
import { ServiceError, type Finding } from "../errors.js";
import { areReady, type ObservedImageVersion } from "../image-version/index.js";
import { acceptOperation } from "../operation/accepting.js";
import { bindKey, claimKey } from "../operation/idempotency.js";
import { hasEnded } from "../operation/kinds.js";
import type { OperationRecord, Requester } from "../operation/records.js";
import { contextOf } from "../operation/steps.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../resource-id.js";
import { takePlace } from "./limits.js";
import type { TestDependencies } from "./ports.js";
import { placesOf, type TestProfile } from "./profile.js";
import { testKeyOf } from "./record.js";
import { testsOf } from "./region-record.js";
import { accept } from "./transitions.js";

export interface TestImageVersion {
  readonly id: ImageVersionId;
  /** In any spelling; absent: every region of the profile where the version is usable. */
  readonly regions?: readonly string[];
  readonly requestedBy: Requester;
  /** W3C trace context for all messages and events of the operation. */
  readonly traceparent: string;
  readonly idempotencyKey?: string;
}

/**
 * Returns the operation that tests the version. Throws ServiceError TestMachinesOff if the
 * deployment creates no machines; NotFound if Azure has no such version; TestRefused with every
 * reason; ImageVersionConflict while another test of it runs; TooManyRequests if there are too many
 * machines, or the caller has started too many tests today.
 */
export async function testImageVersion(
  deps: TestDependencies,
  command: TestImageVersion,
): Promise<OperationRecord> {
  mustMakeMachines(deps);
  const { id, requestedBy, traceparent } = command;
  const resourceId = formatImageVersionId(id);
  const key = testKeyOf(resourceId);
  const asked = command.regions?.map(canonicalRegion);
  const fingerprint = createHash("sha256")
    .update(
      JSON.stringify(["TestImageVersion", asked === undefined ? null : [...new Set(asked)].sort()]),
    )
    .digest("hex");
  const { requestKey, earlier } = await claimKey(deps, command, key, fingerprint);
  if (earlier !== undefined) return earlier; // Invariant 2.
  const { profile, regions } = await mayBeTested(deps, id, asked);
  const read = await deps.store.read(key);
  if (read === undefined || hasEnded(deps, read)) {
    const machines = Math.min(profile.concurrency, regions.length);
    await takePlace(deps, key, machines, requestedBy);
  }
  const operation = await acceptOperation(deps, key, (stored) => {
    if (stored !== undefined && !hasEnded(deps, stored)) return running(stored.operation, regions); // Invariant 1.
    const sizes = new Map(
      placesOf(profile).map(({ region, machineSize }) => [region, machineSize]),
    );
    return accept(
      {
        key,
        resourceId,
        profile,
        regions: regions.map((name) => ({
          name,
          machineSize: sizes.get(name) ?? profile.machineSize,
        })),
        fingerprint,
        requestedBy,
        traceparent,
        ...(requestKey !== undefined && { requestKey }),
      },
      stored?.record,
      contextOf(deps),
    );
  });
  await bindKey(deps, requestKey, operation);
  return operation;
}

/** Throws ServiceError TestMachinesOff if the deployment creates none. */
export function mustMakeMachines({ makesMachines }: Pick<TestDependencies, "makesMachines">): void {
  if (!makesMachines)
    throw new ServiceError(
      "TestMachinesOff",
      "This deployment creates no test machines. Ask the operator to set SIGIL_TEST_MACHINES=true, and to name `testResourceGroups` of a publication in infra/main.bicep.",
    );
}

function running(operation: OperationRecord, regions: readonly string[]): OperationRecord {
  const tested = testsOf(operation).map(({ name }) => name);
  if (tested.length === regions.length && tested.every((name) => regions.includes(name)))
    return operation;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operation.id} tests ${operation.resourceId} in ${tested.join(", ")}. Wait until it has ended, or cancel it.`,
    { fields: { existingOperationId: operation.id } },
  );
}

/** The regions to test the version in, in the profile's order. */
export async function mayBeTested(
  deps: TestDependencies,
  id: ImageVersionId,
  asked: readonly string[] | undefined,
): Promise<{
  readonly profile: TestProfile;
  readonly regions: readonly string[];
}> {
  const imageId = imageIdOf(id);
  const [version, stored] = await Promise.all([
    deps.resourceManager.getImageVersion(id),
    deps.profiles.read(imageId),
  ]);
  if (version === undefined)
    throw new ServiceError("NotFound", `Azure has no version ${id.versionName} of ${imageId}.`);
  if (stored === undefined)
    throw refused(
      `${imageId} has no test profile. Ask an Admin to set one with a PUT to its /test-profile.`,
    );
  const objections = await deps.objections(id, { kind: "test" });
  if (objections.length > 0)
    throw refused(
      `Version ${id.versionName} cannot be tested; the reasons are listed under errors.`,
      objections,
    );
  const { document: profile } = stored;
  const offered = placesOf(profile).map(({ region }) => region);
  const findings = (asked ?? []).flatMap((name, i) =>
    reasonAgainst(name, `/regions/${i}`, offered, version),
  );
  if (findings.length > 0)
    throw refused(
      `Version ${id.versionName} cannot be tested there; the reasons are listed under errors.`,
      findings,
    );
  const regions = offered.filter(
    (name) => (asked?.includes(name) ?? true) && isUsable(version, name),
  );
  if (regions.length === 0)
    throw refused(
      `Version ${id.versionName} is not usable in any region of the test profile (${offered.join(", ")}). Wait until one of them is Completed.`,
    );
  return { profile, regions };
}

function reasonAgainst(
  name: string,
  pointer: string,
  offered: readonly string[],
  version: ObservedImageVersion,
): readonly Finding[] {
  if (!offered.includes(name))
    return [
      {
        code: "RegionNotInProfile",
        pointer,
        message: `The test profile lacks ${name}. It has ${offered.join(", ")}.`,
        remediation: "Add the region to the test profile, or leave it out here.",
      },
    ];
  return isUsable(version, name)
    ? []
    : [
        {
          code: "RegionNotReady",
          pointer,
          message: `The version is not usable in ${name}.`,
          remediation: `Wait until its replication to ${name} is Completed; if it is not a target region, add it.`,
        },
      ];
}

function isUsable(version: ObservedImageVersion, region: string): boolean {
  const targets = version.resource.properties.publishingProfile?.targetRegions ?? [];
  return (
    targets.some(({ name }) => canonicalRegion(name) === region) && areReady(version, [region])
  );
}

function refused(message: string, findings: readonly Finding[] = []): ServiceError {
  return new ServiceError("TestRefused", message, { findings });
}
