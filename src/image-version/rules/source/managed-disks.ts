import { disksIn, sourceOf } from "../source.js";
import type { GatheredRule } from "../rule.js";

export const managedDisks: GatheredRule = {
  name: "managed-disks",
  code: "UnmanagedDisk",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every disk of a source virtual machine is a managed disk.",
  check: ({ request, gathered }) => {
    const source = sourceOf(request, gathered);
    return (source === undefined ? [] : disksIn(source))
      .filter(({ unmanaged }) => unmanaged === true)
      .map(({ pointer, disk, id }) => ({
        pointer,
        message: `The ${disk} of ${id} is a blob in a storage account. Azure creates image versions only from managed disks.`,
        remediation: "Convert the machine's disks first: az vm deallocate, then az vm convert.",
      }));
  },
};
