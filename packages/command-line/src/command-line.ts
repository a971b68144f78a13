import { parseArgs, type ParseArgsConfig } from "node:util";

/** A command line that cannot be run; the message is for its author. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Command<Options extends { readonly help: boolean }> {
  /** The output of `--help`. */
  readonly usage: string;
  /** Throws UsageError. */
  readOptions(args: readonly string[]): Options;
  /**
   * Runs until it is stopped; returns the exit code. An exception is printed in one line, with exit
   * code 1.
   */
  run(options: Options): Promise<number>;
}

/** Answers `--help` with 0 and a bad option with 2, or runs the command; gives the exit code. */
export async function runCommand<Options extends { readonly help: boolean }>(
  command: Command<Options>,
  args: readonly string[] = process.argv.slice(2),
): Promise<number> {
  let options: Options;
  try {
    options = command.readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message} (see --help)`);
    return 2;
  }
  if (options.help) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** The values of these options, as `parseArgs` of Node.js reads them; throws UsageError for anything else. */
export function parseOptions<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // Some of its messages go on with what else one might have meant.
    const [line = ""] = (error as Error).message.split("\n");
    throw new UsageError(line, { cause: error });
  }
}

/** The port that an option gives; 0 is any free one. Throws UsageError. */
export function portOf(option: string, text: string): number {
  if (/^\d+$/u.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`--${option} must be a number from 0 to 65535, not "${text}".`);
}

/** Resolves at the first Ctrl-C or SIGTERM. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}
