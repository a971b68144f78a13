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

export function createAuditLog(): StepAuditLog {
  const steps = new AsyncLocalStorage<ArmCall[]>();
  return {
    during: (step) => steps.run([], step),
    note: (call) => void steps.getStore()?.push(call),
    noted: () => [...(steps.getStore() ?? [])],
    written: (count) => void steps.getStore()?.splice(0, count),
  };
}
