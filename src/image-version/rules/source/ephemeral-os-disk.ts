import { sourceOf } from "../source.js";
import type { FactRule } from "../rule.js";

export const ephemeralOsDisk: FactRule = {
  name: "ephemeral-os-disk",
  code: "EphemeralOsDisk",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "The OS disk of a virtual machine that is a source is not ephemeral: it is in storage, not only on the machine's host.",
  check: ({ request, facts }) => {
    const osDisk = sourceOf(request, facts)?.osDisk;
    return osDisk?.ephemeral === true
      ? [
          {
            pointer: osDisk.pointer,
            message:
              "The source has an ephemeral OS disk: it is only on the machine's host, and Azure cannot make an image version of it.",
            remediation:
              "Use a virtual machine that is made without --ephemeral-os-disk, or a managed disk or snapshot of one.",
          },
        ]
      : [];
  },
};
