import type { Client, Operation } from "@sigil/client";
import type { Places } from "./body-file.js";
import type { Outcome } from "./exit-codes.js";
import type { Finding } from "./findings.js";
import type { Io } from "./io.js";
import type { Option, Positional, Values } from "./options.js";
import type { Column } from "./output.js";
import type { Settings } from "./settings.js";

/** The context of a command. */
export interface Context {
  readonly io: Io;
  readonly values: Values;
  readonly settings: Settings;
  readonly client: Client;
  /** The address of Sigil, without a trailing slash. Throws UsageError. */
  readonly endpoint: () => string;
  /** The subscription id, given an id, a name that az knows, or nothing. Throws UsageError. */
  readonly subscriptionId: () => string;
  /** Prints a line for the user on stderr. */
  readonly note: (line: string) => void;
  /** Shows the progress of each operation. */
  readonly progress: (operation: Operation) => void;
  /** From now on, findings refer to these places. */
  readonly usePlaces: (places: Places) => void;
}

export interface Result {
  /** Printed on stdout as `--output` says; undefined: nothing is printed. */
  readonly data?: unknown;
  /** Findings that a build's log shows at the line of the file. */
  readonly findings?: readonly Finding[];
  readonly outcome?: Outcome;
  /** Replaces the command's columns, if it returned another kind of answer. */
  readonly columns?: readonly Column[];
  readonly rows?: (data: unknown) => readonly unknown[];
  readonly none?: string;
  /** A line on stderr, below the answer. */
  readonly last?: string;
}

export interface Command {
  /** Such as `image-version create`. */
  readonly words: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly options: readonly Option[];
  readonly positional?: Positional;
  readonly examples?: readonly (readonly [title: string, line: string])[];
  /** The columns of `--output table`. */
  readonly columns?: readonly Column[];
  /** The rows of `--output table`; absent: the answer itself. */
  readonly rows?: (data: unknown) => readonly unknown[];
  /** Printed by `--output table` if there are no rows. */
  readonly none?: string;
  /** Another name for it, from az or the API. */
  readonly alias?: string;
  /** The default format; absent: `json`. */
  readonly output?: "table";
  readonly run: (context: Context) => Promise<Result>;
}
