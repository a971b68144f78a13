/** Figures beside their goals: each bench prints its own. With `--check` one that misses its goal fails the run. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit?: string;
  readonly digits?: number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const CHECKS = process.env["SIGIL_BENCH_CHECK"] === "1";

/** Throws where a goal is missed and goals are checked. */
export function report(title: string, figures: readonly Figure[]): void {
  const lines = figures.map((figure) => {
    const { name, value, unit = "", digits = 2, atMost, atLeast } = figure;
    const shown = `${value.toFixed(digits)}${unit && ` ${unit}`}`;
    const goal =
      atMost !== undefined
        ? `<= ${atMost}${unit && ` ${unit}`}`
        : atLeast !== undefined
          ? `>= ${atLeast}${unit && ` ${unit}`}`
          : "";
    const missed = isMissed(figure) ? "  MISSED" : "";
    return `${name.padEnd(56)}${shown.padStart(14)}   ${goal}${missed}`;
  });
  console.log([title, ...lines, ""].join("\n"));
  const missed = figures.filter(isMissed);
  if (CHECKS && missed.length > 0)
    throw new Error(`goals are missed: ${missed.map(({ name }) => name).join("; ")}`);
}

function isMissed({ value, atMost, atLeast }: Figure): boolean {
  // What was not measured has met no goal.
  return (
    (atMost !== undefined && !(value <= atMost)) || (atLeast !== undefined && !(value >= atLeast))
  );
}
