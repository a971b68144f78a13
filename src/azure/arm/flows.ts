/**
 * Records which flow started a call to ARM. Invariants:
 *  1. A call belongs to the flow that started it, whatever else runs at the same time.
 *  2. The calls of a step are recorded. Calls outside a step are not.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { CallLog } from "../../operation/ports.js";
import type { ArmCall } from "../../operation/records.js";

export interface StepAuditLog extends CallLog {
  /** Runs a step and records its calls. */
  readonly during: <T>(step: () => Promise<T>) => Promise<T>;
  readonly note: (call: ArmCall) => void;
}

/**
 * One for the process: each storage costs Node.js time in every promise and is never released. Each
 * step has its own list.
 */
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

/** Reads for display: none of its calls waits (pacer.ts). */
export function toDisplay<T>(read: () => Promise<T>): Promise<T> {
  return flows.run("display", read);
}

export function isToDisplay(): boolean {
  return flows.getStore() === "display";
}
