/** A Trusted Launch machine whose disks have disk encryption sets, and what publishes it by a capture. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn, type SimulatorWorld } from "@sigil-local/arm-simulator/world";
import { captureMaker } from "../../src/capture/leftovers.js";
import { createArmClient } from "../../src/azure/arm/client.js";
import { createTaggedResources } from "../../src/azure/arm/tagged-resources.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { TaggedResources } from "../../src/leftovers/ports.js";
import { sweepLeftovers } from "../../src/leftovers/sweep.js";
import {
  startInProcess,
  TRACEPARENT,
  type InProcess,
  type InProcessOptions,
} from "./dependencies.js";
import { seedRegion, seedResource } from "./requests.js";
import { worldOfTests } from "./world-of-tests.js";

export const CAPTURE_GROUP = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/Captures`;
export const MACHINE = seedResource("virtualMachines/buildvm");
const IMAGE = seedResource("galleries/MyGallery/images/Secured");
const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");

export function capturedVersionId(name: string): string {
  return `${IMAGE}/versions/${name}`;
}

/** `dataDisks`: how many the machine has; `properties`: of the machine. */
export function machineResources(dataDisks = 2, properties: Record<string, unknown> = {}) {
  const luns = Array.from({ length: dataDisks }, (_, lun) => lun);
  const trusted = { securityProfile: { securityType: "TrustedLaunch" } };
  return [
    of.disk(
      "disks",
      "build-os",
      "westus",
      { os: true, diskEncryptionSetId: of.id("diskEncryptionSets/WestUSDiskEncryptionSet1") },
      trusted,
    ),
    ...luns.map((lun) =>
      of.disk("disks", `build-lun${lun}`, "westus", {
        os: false,
        diskEncryptionSetId: of.id("diskEncryptionSets/WestUSDiskEncryptionSet2"),
      }),
    ),
    of.virtualMachine(
      "buildvm",
      "westus",
      "build-os",
      luns.map((lun) => ({ lun, name: `build-lun${lun}` })),
      { ...trusted, ...properties },
    ),
  ];
}

export function capturingWorld(
  dataDisks = 2,
  properties: Record<string, unknown> = {},
  securityType = "TrustedLaunch",
): SimulatorWorld {
  const { subscriptions, resources } = worldOfTests();
  return {
    subscriptions,
    resources: [
      ...resources,
      resourcesIn(LOCAL_SUBSCRIPTION_ID, "Captures").group("westus"),
      of.imageDefinition("MyGallery", "Secured", "westus", {
        features: [{ name: "SecurityType", value: securityType }],
      }),
      ...machineResources(dataDisks, properties),
    ],
  };
}

/** Into westus and eastus2, each disk under a set of the region. */
export function capturingRequest(dataDisks = 2, regions = 2): ImageVersionRequest {
  const keyed = (name: string, prefix: string) => {
    const region = seedRegion(name, prefix);
    const [image] = region.encryption?.dataDiskImages ?? [];
    return {
      ...region,
      encryption: {
        ...region.encryption,
        ...(image && {
          dataDiskImages: Array.from({ length: dataDisks }, (_, lun) => ({ ...image, lun })),
        }),
      },
    };
  };
  return {
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [keyed("westus", "WestUS"), keyed("eastus2", "EastUS2")].slice(0, regions),
      },
      storageProfile: { source: { virtualMachineId: MACHINE } },
    },
    sigil: { capture: "snapshots" },
  };
}

export interface Captures extends InProcess {
  /** Names of the snapshots in the resource group for captures. */
  snapshots(): readonly string[];
  /** `change`: of the requests to Azure that it makes. */
  sweep(
    change?: (resources: TaggedResources) => TaggedResources,
  ): ReturnType<typeof sweepLeftovers>;
}

export async function startCaptures(
  options: InProcessOptions = {},
  world = capturingWorld(),
): Promise<Captures> {
  const inProcess = await startInProcess({ captureGroups: [CAPTURE_GROUP], world, ...options });
  const { deps, simulator, armOptions } = inProcess;
  const tagged = createTaggedResources(createArmClient(armOptions));
  return {
    ...inProcess,
    snapshots: () =>
      simulator.control
        .resources()
        .filter(({ id }) =>
          id.startsWith(`${CAPTURE_GROUP}/providers/Microsoft.Compute/snapshots/`),
        )
        .map(({ name }) => name),
    sweep: (change = (resources) => resources) =>
      sweepLeftovers({ ...deps, makers: [captureMaker(deps, change(tagged))] }, TRACEPARENT),
  };
}
