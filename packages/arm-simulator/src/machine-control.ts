import { canonicalRegion, findRegion } from "./regions.js";
import type { MachineFate, SnapshotBehaviour } from "./state.js";
import type { Store } from "./store.js";

/** Every fate of a machine that may be planned. */
export const MACHINE_FATES: readonly MachineFate[] = [
  "sizeNotAvailable",
  "quotaExceeded",
  "allocationFails",
  "neverAllocated",
  "keyRefused",
  "startFails",
  "hangs",
  "noAgent",
  "scriptFails",
  "wrongKey",
  "deletionFails",
  "leavesDisks",
];

/** Controls for virtual machines of image versions, and for snapshots. */
export interface MachineControl {
  /** How long a machine takes to start, to be deleted, and to run a script; absent: 0, at once. */
  setMachineTimes(times: { startMs?: number; deleteMs?: number; scriptMs?: number }): Promise<void>;
  /** Decides the fate of the next machines of a region (absent: of any). Default: one. */
  planMachine(plan: { region?: string; does: MachineFate; times?: number }): Promise<void>;
  /**
   * How long the next snapshots of disks take (absent: they are there at once), how many of them fail, and how many a subscription
   * may have in a region (absent: any number).
   */
  setSnapshots(behaviour: SnapshotBehaviour): Promise<void>;
}

export function createMachineControl(store: Store): MachineControl {
  const { state } = store;
  return {
    async setMachineTimes({ startMs = 0, deleteMs = 0, scriptMs = 0 }) {
      state.machineTimes = { startMs, deleteMs, scriptMs };
      await store.commit();
    },
    async planMachine({ region, does, times = 1 }) {
      if (region !== undefined && findRegion(region) === undefined)
        throw new TypeError(`'${region}' is no region`);
      state.machinePlans.push({
        ...(region === undefined ? {} : { region: canonicalRegion(region) }),
        does,
        times,
      });
      await store.commit();
    },
    async setSnapshots(behaviour) {
      state.snapshotBehaviour = behaviour;
      await store.commit();
    },
  };
}
