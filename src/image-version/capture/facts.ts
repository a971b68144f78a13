/** What rules read of snapshots that are not there yet: the machine's disk, under the snapshot's id. */
import { omit } from "../../objects.js";
import type { ResourceReader } from "../ports.js";
import type { ImageSource } from "../resources.js";
import { captureIn } from "./names.js";

/** `machineId` undefined: nothing is captured. Once the machine is gone, the snapshots are read. */
export function withSnapshots(
  resources: ResourceReader,
  machineId: string | undefined,
): ResourceReader {
  if (machineId === undefined) return resources;
  let machine: Promise<ImageSource | undefined> | undefined;
  return {
    ...resources,
    async getSource(id) {
      const name = captureIn(id);
      if (name === undefined) return resources.getSource(id);
      machine ??= resources.getSource(machineId);
      const of = await machine;
      const held =
        name.lun === undefined ? of?.osDisk : of?.dataDisks.find(({ lun }) => lun === name.lun);
      const disk = held?.id === undefined ? undefined : await resources.getSource(held.id);
      if (of === undefined || held === undefined || disk === undefined)
        return resources.getSource(id);
      const shown = omit(held, "id");
      const { osState, purchasePlan } = of;
      const madeOf = [...(disk.madeOf ?? []), ...(of.madeOf ?? [])];
      return {
        ...disk,
        id,
        provisioningState: "Succeeded",
        osDisk: { ...shown, ...disk.osDisk },
        // Only the machine shows whether it is generalized, and the plan that it was bought under.
        ...(osState && { osState }),
        ...(purchasePlan && { purchasePlan }),
        ...(madeOf.length > 0 && { madeOf: [...new Set(madeOf)] }),
      };
    },
  };
}
