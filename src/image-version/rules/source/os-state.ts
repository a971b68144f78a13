import { azNames } from "../../../keys/az-names.js";
import { sourceOf } from "../source.js";
import { traitMismatch } from "../trait-mismatch.js";
import type { GatheredRule } from "../rule.js";

export const osState: GatheredRule = {
  name: "os-state",
  code: "OsStateMismatch",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "The source's osState is that of the image definition; a virtual machine is Specialized until az vm generalize.",
  check: (subject) => {
    const machine = subject.request.properties.storageProfile.source?.virtualMachineId;
    const isSpecialized =
      sourceOf(subject.request, subject.gathered)?.osState?.value === "Specialized";
    return traitMismatch(subject, "osState").map((breach) =>
      machine === undefined || !isSpecialized
        ? breach
        : {
            ...breach,
            remediation: `If its system is prepared (sysprep, or waagent -deprovision+user), generalize it, which cannot be undone: az vm deallocate ${azNames(machine)} && az vm generalize ${azNames(machine)}. ${breach.remediation}`,
          },
    );
  },
};
