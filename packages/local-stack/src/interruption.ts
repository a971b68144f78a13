import { constants } from "node:os";

/** Why a program ends early, and the exit code for that (128 plus the signal's number). */
export interface Interruption {
  readonly kind: "interruption";
  readonly signal: NodeJS.Signals;
  readonly exitCode: number;
}

/**
 * Resolves at the first Ctrl-C, SIGTERM or closed terminal, or when the reader of the output is
 * gone. Later ones are ignored, because npm passes on a Ctrl-C that the terminal already sent to
 * its child.
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
