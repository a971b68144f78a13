import { sourceOf } from "../source.js";
import type { GatheredRule } from "../rule.js";

export const ephemeralOsDisk: GatheredRule = {
  name: "ephemeral-os-disk",
  code: "EphemeralOsDisk",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "The OS disk of a source virtual machine is in storage, not ephemeral on the machine's host.",
  check: ({ request, gathered }) => {
    const osDisk = sourceOf(request, gathered)?.osDisk;
    return osDisk?.ephemeral === true
      ? [
          {
            pointer: osDisk.pointer,
            message:
              "The source has an ephemeral OS disk, only on the machine's host. Azure cannot create an image version from it.",
            remediation:
              "Use a virtual machine created without --ephemeral-os-disk, or a managed disk or snapshot of one.",
          },
        ]
      : [];
  },
};
