const ISO_DURATION =
  /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/u;
const UNIT_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000] as const;

/** Milliseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds; undefined for any other text. */
export function parseDurationMs(text: string): number | undefined {
  const match = ISO_DURATION.exec(text);
  if (match === null || text.endsWith("T")) return undefined;
  const amounts = match.slice(1) as (string | undefined)[];
  if (amounts.every((amount) => amount === undefined)) return undefined;
  return amounts.reduce(
    (totalMs, amount, unit) => totalMs + Number(amount ?? 0) * (UNIT_MS[unit] ?? 0),
    0,
  );
}
