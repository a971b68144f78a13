/**
 * Makes output safe. Names, tags, files and answers are foreign texts, and a terminal or a build
 * acts on some texts.
 *
 *  1. All output of a command, and every file that a step writes for its build, goes through
 *     `harmless`.
 *  2. Only an `Own` passes unchanged, and no foreign text becomes one.
 */
type Environment = Readonly<Record<string, string | undefined>>;

export type Build = "github" | "azure-devops";

/** The build system whose log this is; undefined: none. */
export function buildOf(environment: Environment): Build | undefined {
  if (environment["GITHUB_ACTIONS"] === "true") return "github";
  return environment["TF_BUILD"]?.toLowerCase() === "true" ? "azure-devops" : undefined;
}

/** Sigil's own control text for a terminal or build: a colour, the start of an annotation. */
export class Own {
  readonly sequence: string;

  constructor(sequence: string) {
    this.sequence = sequence;
  }
}

export type Part = string | Own;

/**
 * What a terminal acts on: control characters, and characters that are invisible or change the
 * direction of text.
 */
const ACTED_ON = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Where a build would read a command. Azure Pipelines recognizes `##vso[` anywhere in a line.
 * GitHub recognizes `##[` anywhere, and `::` at the start, after spaces. GitHub compares by .NET's
 * culture, which ignores invisible characters. (https://github.com/actions/runner,
 * ActionCommand.cs; https://github.com/microsoft/azure-pipelines-agent, Command.cs)
 */
const COMMANDS = /#(?=#\w*\[)|(?<=^\s*):(?=:)/gmu;
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * Escapes as JSON does whatever a terminal or build would act on. JSON stays JSON with the same
 * value.
 */
export function harmless(text: string, build?: Build): string {
  const shown = text.replace(ACTED_ON, escaped);
  return build === undefined ? shown : shown.replace(UNSEEN, escaped).replace(COMMANDS, escaped);
}

/** The same for one line: it also escapes line breaks and tabs. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** A stream of the process. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** A stream for commands. */
export class Output {
  readonly #stream: Stream;
  readonly #build: Build | undefined;

  constructor(stream: Stream, environment: Environment) {
    this.#stream = stream;
    this.#build = buildOf(environment);
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Read it each time: the user may resize the terminal. */
  get columns(): number | undefined {
    return this.#stream.columns;
  }

  get rows(): number | undefined {
    return this.#stream.rows;
  }

  write(...parts: readonly Part[]): void {
    this.#stream.write(
      parts
        .map((part) => (part instanceof Own ? part.sequence : harmless(part, this.#build)))
        .join(""),
    );
  }
}
