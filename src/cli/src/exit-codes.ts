/** The exit codes and their meanings, for scripts and the reference of the command line. */
export const EXIT_CODES = {
  done: [
    0,
    "success; create, update and watch: usable in every region; test: passed in every region",
  ],
  failed: [1, "the operation failed, a test failed in any region, or an unexpected error occurred"],
  usage: [2, "the command line or a setting is invalid; nothing was sent"],
  refused: [
    3,
    "the plan or the service refused the request (400, 404, 409, 412, 422); apply --detect: something differs",
  ],
  notAllowed: [4, "not signed in, or no permission (401, 403)"],
  timedOut: [5, "--timeout elapsed; the work continues"],
  canceled: [6, "the operation was canceled"],
  unavailable: [7, "the service is unreachable or unavailable"],
  inconclusive: [
    8,
    "test: inconclusive in at least one region, failed in none; key list and status: nothing is broken, but some keys were not checked",
  ],
  broken: [9, "key list: a key is broken; status: something is an error"],
  interrupted: [130, "Ctrl-C; the work continues"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type Outcome = keyof typeof EXIT_CODES;

/** A command line or setting that is wrong. Its lines are for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly lines: readonly string[];

  constructor(lines: string | readonly string[], options?: ErrorOptions) {
    const all = [lines].flat();
    super(all.join("\n"), options);
    this.lines = all;
  }
}

/** Ends the command with an outcome, and prints its lines, if any, on stderr. */
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
