import type { components } from "../generated/openapi.js";
import type { OperationRecord } from "./records.js";

export type OperationView = components["schemas"]["Operation"];

/** An operation as the API shows it. */
export function viewOperation(operation: OperationRecord): OperationView {
  const {
    fingerprint: _,
    regions,
    registrations,
    warnings,
    error,
    history,
    calls,
    ...shown
  } = operation;
  return {
    ...shown,
    percentComplete: percentComplete(operation),
    regions: [...regions],
    ...(registrations && { registrations: [...registrations] }),
    ...(warnings && { warnings: [...warnings] }),
    ...(error && { error: { ...error, errors: [...error.errors] } }),
    history: [...history],
    ...(calls && { calls: [...calls] }),
  };
}

/** Regions, or registrations, count alike; 100 is kept for an operation that has succeeded. */
function percentComplete({
  status,
  regions,
  registrations = [],
}: OperationRecord): number {
  if (status === "Succeeded") return 100;
  const parts = [
    ...regions.map((region) => region.progress),
    ...registrations.map(({ state }) => (state === "Registered" ? 100 : 0)),
  ];
  const sum = parts.reduce((total, part) => total + part, 0);
  return Math.min(99, Math.floor(sum / Math.max(1, parts.length)));
}
