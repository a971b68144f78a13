/** What each exit code means, for scripts; the reference of the command line has them too. */
export const EXIT_CODES = {
  done: [
    0,
    "done; of a create, a watch or an update: usable everywhere; of a test: passed everywhere",
  ],
  failed: [
    1,
    "the operation has failed, as a test in any region has, or something unforeseen happened",
  ],
  usage: [2, "the command line or a setting is wrong; nothing was sent"],
  refused: [3, "the request was refused, by the plan or the service (400, 404, 409, 412, 422)"],
  notAllowed: [4, "not signed in, or not allowed (401, 403)"],
  timedOut: [5, "--timeout is over; the work goes on"],
  canceled: [6, "the operation was canceled"],
  unavailable: [7, "the service could not be reached, or cannot work now"],
  inconclusive: [
    8,
    "a test found nothing out in some region, and no fault of the version in any; of keys and of status: nothing is broken, but some keys were not seen",
  ],
  broken: [9, "a key is broken; of status: something is an error"],
  interrupted: [130, "Ctrl-C; the work goes on"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type Outcome = keyof typeof EXIT_CODES;

/** A command line or a setting that cannot be obeyed; its lines are for whoever typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly lines: readonly string[];

  constructor(lines: string | readonly string[], options?: ErrorOptions) {
    const all = [lines].flat();
    super(all.join("\n"), options);
    this.lines = all;
  }
}

/** Ends the command with an outcome; its lines, if there are any, are told on stderr. */
export class Ended extends Error {
  override readonly name = "Ended";
  readonly outcome: Outcome;
  readonly lines: readonly string[];

  constructor(outcome: Outcome, lines: string | readonly string[] = []) {
    const all = [lines].flat();
    super(all.join("\n"));
    this.outcome = outcome;
    this.lines = all;
  }
}
