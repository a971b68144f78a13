import { ServiceError, type Finding } from "../errors.js";
import {
  getImageVersion,
  areReady,
  purchaseTerms,
  seeTerms,
  type Dependencies,
} from "../image-version/index.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  normaliseResourceId,
  type ImageVersionId,
} from "../resource-id.js";
import { azCommand } from "./az.js";
import { bicepFile } from "./bicep.js";
import type { MachineCommandsView } from "./contract.js";
import { machineOf, type MachineChoice } from "./machine.js";
import { powerShellCommands } from "./power-shell.js";

/**
 * Commands that create a machine by hand from exactly this version in one region. Creates nothing.
 * Throws ServiceError NotFound if Azure does not have the version, InvalidRequest if it is not in
 * the region.
 */
export async function getMachineCommands(
  deps: Dependencies,
  id: ImageVersionId,
  regionName: string,
  choice: MachineChoice,
): Promise<MachineCommandsView> {
  const { look } = await getImageVersion(deps, id);
  const versionId = formatImageVersionId(id);
  const imageId = imageIdOf(id);
  const definition = await deps.looks.once(imageId, () =>
    deps.resources.getImageDefinition(imageId),
  );
  if (look === undefined || definition === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure does not show ${versionId} yet, so no machine can be created from it.`,
    );
  const region = canonicalRegion(regionName);
  const machine = machineOf(id, look.resource, definition, region, {
    ...choice,
    ...(choice.subnetId !== undefined && {
      subnetId: normaliseResourceId(choice.subnetId),
    }),
  });
  if (machine === undefined)
    throw new ServiceError("InvalidRequest", "The version is not there.", {
      findings: [
        {
          code: "RegionNotInVersion",
          pointer: "/query/region",
          message: `${versionId} is not in ${region}. It is in ${look.regions.map(({ name }) => name).join(", ")}.`,
        },
      ],
    });
  const { purchasePlan } = machine;
  const { subscriptionId } = id;
  const terms =
    purchasePlan &&
    purchaseTerms(
      subscriptionId,
      purchasePlan,
      await seeTerms(deps.subscriptions, subscriptionId, purchasePlan),
    );
  const az = azCommand(machine);
  const warnings: Finding[] = [
    ...(areReady(look, [region])
      ? []
      : [
          {
            code: "RegionNotReady",
            pointer: "/query/region",
            message: `Azure has not copied the version to ${region} yet, and refuses the machine until then.`,
          },
        ]),
    ...(terms === undefined ? [] : [{ pointer: "", ...terms }]),
    ...(az === undefined
      ? [
          {
            code: "NotSaidByAz",
            pointer: "",
            message: machine.dataDisks.some(({ confidential }) => confidential !== undefined)
              ? "Use Bicep: az vm create and Az.Compute have no option for a data disk's confidential disk encryption set."
              : "Use PowerShell or Bicep: only some data disks have a disk encryption set, and az vm create takes one for each, or none.",
          },
        ]
      : []),
  ];
  return {
    region,
    ...(purchasePlan && { purchasePlan }),
    ...(az !== undefined && { az }),
    powerShell: powerShellCommands(machine),
    bicep: bicepFile(machine),
    warnings,
  };
}
