/**
 * In whose flow a call to ARM is begun. Invariants:
 *  1. A call belongs to the flow in which it was begun, whatever else runs at the time.
 *  2. Those of a step are noted; what is noted outside a step is kept nowhere.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { CallLog } from "../../operation/ports.js";
import type { ArmCall } from "../../operation/records.js";

export interface StepAuditLog extends CallLog {
  /** Runs a step whose calls are noted. */
  readonly during: <T>(step: () => Promise<T>) => Promise<T>;
  readonly note: (call: ArmCall) => void;
}

/** One for the process: Node.js pays for each storage in every promise, and never lets go of one. A step's list is its own. */
const flows = new AsyncLocalStorage<ArmCall[] | "display">();

export function createAuditLog(): StepAuditLog {
  const calls = (): ArmCall[] => {
    const flow = flows.getStore();
    return typeof flow === "object" ? flow : [];
  };
  return {
    during: (step) => flows.run([], step),
    note: (call) => void calls().push(call),
    noted: () => [...calls()],
    written: (count) => void calls().splice(0, count),
  };
}

/** Runs what is read for somebody who looks on: no call of it waits (pacer.ts). */
export function toDisplay<T>(read: () => Promise<T>): Promise<T> {
  return flows.run("display", read);
}

export function isToDisplay(): boolean {
  return flows.getStore() === "display";
}
