/**
 * A machine to create by hand from a version in one region: the plan of a test's machine, with a
 * name. Pure.
 */
import type { ImageVersionRequest, ImageDefinition } from "../image-version/index.js";
import { planMachine, type DiskPlan, type MachinePlan } from "../machine-test/machine.js";
import { omit } from "../objects.js";
import { canonicalRegion, formatImageVersionId, type ImageVersionId } from "../resource-id.js";

/**
 * Ids and names come from Azure, or passed the document's patterns. Each is quoted when it is
 * written.
 */
export interface Machine extends Omit<MachinePlan, "subnetId" | "disks" | "hasBootDiagnostics"> {
  readonly name: string;
  /** Absent: chosen when the machine is created. */
  readonly subnetId?: string;
  /** If it is `confidential`, its set also encrypts the guest state. */
  readonly osDisk: DiskPlan;
  /** In the order in which Azure shows them, because az relies on it. */
  readonly dataDisks: readonly (DiskPlan & { readonly lun: number })[];
}

/** What a caller may choose. */
export interface MachineChoice {
  readonly name?: string;
  readonly resourceGroupName?: string;
  readonly subnetId?: string;
  readonly machineSize?: string;
}

const DEFAULT_NAME = "image-test";

/** Undefined: the version is not in the region. */
export function machineOf(
  id: ImageVersionId,
  version: ImageVersionRequest,
  definition: ImageDefinition,
  region: string,
  choice: MachineChoice,
): Machine | undefined {
  const targets = version.properties.publishingProfile?.targetRegions ?? [];
  if (!targets.some(({ name }) => canonicalRegion(name) === region)) return undefined;
  const { disks, ...plan } = planMachine(
    { ...id, resourceId: formatImageVersionId(id) },
    version,
    definition,
    {
      region,
      subnetId: choice.subnetId ?? "",
      resourceGroupName: choice.resourceGroupName ?? id.resourceGroupName,
      machineSize: choice.machineSize ?? "",
    },
    NO_SETS,
    "agentReady",
  );
  const [osDisk = {}] = disks;
  return {
    ...omit(plan, "subnetId", "hasBootDiagnostics"),
    name: choice.name ?? DEFAULT_NAME,
    size: choice.machineSize ?? sizeFor(definition, plan.securityType === "ConfidentialVM"),
    ...(choice.subnetId !== undefined && { subnetId: choice.subnetId }),
    osDisk,
    dataDisks: disks.flatMap((disk) =>
      disk.lun === undefined ? [] : [{ ...disk, lun: disk.lun }],
    ),
  };
}

/** Only tests compare how Azure encrypts the disks. */
const NO_SETS: Parameters<typeof planMachine>[4] = new Map();

function sizeFor({ architecture }: ImageDefinition, isConfidential: boolean): string {
  if (isConfidential) return "Standard_DC2as_v5";
  return architecture === "Arm64" ? "Standard_D2ps_v5" : "Standard_D2s_v5";
}
