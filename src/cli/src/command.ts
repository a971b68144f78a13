import type { Client, Operation } from "@sigil/client";
import type { BodyFile } from "./body-file.js";
import type { Outcome } from "./exit-codes.js";
import type { Finding } from "./findings.js";
import type { Io } from "./io.js";
import type { Option, Positional, Values } from "./options.js";
import type { Column } from "./output.js";
import type { Settings } from "./settings.js";

/** What a command works with. */
export interface Context {
  readonly io: Io;
  readonly values: Values;
  readonly settings: Settings;
  readonly client: Client;
  /** Where Sigil is, without a slash at its end. Throws UsageError. */
  readonly endpoint: () => string;
  /** The id, whatever was given: an id, a name that az knows, or nothing. Throws UsageError. */
  readonly subscriptionId: () => string;
  /** A line for whoever looks on, on stderr. */
  readonly note: (line: string) => void;
  /** Shows how far each operation is. */
  readonly progress: (operation: Operation) => void;
  /** Findings are about this file from now on. */
  readonly useFile: (file: BodyFile) => void;
}

export interface Result {
  /** Printed on stdout as `--output` says; nothing where it is undefined. */
  readonly data?: unknown;
  /** Shown at the line of the file in the log of a build. */
  readonly findings?: readonly Finding[];
  readonly outcome?: Outcome;
  /** Instead of the command's, where it has answered something else. */
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
  /** What `--output table` shows of each entry. */
  readonly columns?: readonly Column[];
  /** The entries that `--output table` shows, where they are not the answer itself. */
  readonly rows?: (data: unknown) => readonly unknown[];
  /** What `--output table` prints where there is no entry. */
  readonly none?: string;
  /** Another name, which az or the API has for it. */
  readonly alias?: string;
  /** `json` if not said. */
  readonly output?: "table";
  readonly run: (context: Context) => Promise<Result>;
}
