import { constants } from "node:os";

/** Why a program has to end before it is done, and the exit code that says so (128 and the signal's number). */
export interface Interruption {
  readonly kind: "interruption";
  readonly signal: NodeJS.Signals;
  readonly exitCode: number;
}

/**
 * Resolves at the first Ctrl-C, SIGTERM or closed terminal, or when nobody reads what is printed any more. Further
 * ones are ignored: npm passes on a Ctrl-C that the terminal has sent to its child already.
 */
export function nextInterruption(): Promise<Interruption> {
  return new Promise((resolve) => {
    const end = (signal: NodeJS.Signals): void =>
      resolve({
        kind: "interruption",
        signal,
        exitCode: 128 + constants.signals[signal],
      });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => end(signal));
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => end("SIGPIPE"));
  });
}
