/**
 * Notes the calls that a step makes to ARM. Invariants:
 *  1. A call belongs to the step in whose flow it was begun, whatever else runs at the time.
 *  2. What is noted outside a step is kept nowhere.
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
const steps = new AsyncLocalStorage<ArmCall[]>();

export function createAuditLog(): StepAuditLog {
  return {
    during: (step) => steps.run([], step),
    note: (call) => void steps.getStore()?.push(call),
    noted: () => [...(steps.getStore() ?? [])],
    written: (count) => void steps.getStore()?.splice(0, count),
  };
}
