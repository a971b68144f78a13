/** How many polls the budget of a version holds (pace.ts), by how many versions share Azure's reads. Pure. */

/** Of a version that has few beside it. */
export const BUDGET = 38;

/** However many there are. */
const LEAST = 8;

/** Reads that Azure allows in 30 minutes (azure/arm/pacer.ts). */
const READS = 3_000;

/** Of each of so many versions that replicate in a subscription. */
export function budgetOf(versions: number): number {
  return Math.max(LEAST, Math.min(BUDGET, Math.round(READS / Math.max(1, versions))));
}
