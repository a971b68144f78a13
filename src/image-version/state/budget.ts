/**
 * How many polls the budget of a version holds (pace.ts), by how many versions share Azure's reads.
 * Pure.
 */

/** While few versions replicate. */
export const BUDGET = 38;

/** However many replicate. */
const LEAST = 8;

/** Reads that Azure allows in 30 minutes (azure/arm/pacer.ts). */
const READS = 3_000;

/** The budget of each version if this many replicate in its subscription. */
export function budgetOf(versions: number): number {
  return Math.max(LEAST, Math.min(BUDGET, Math.round(READS / Math.max(1, versions))));
}
