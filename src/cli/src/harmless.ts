/**
 * The way out. Names, tags, files and answers are foreign texts, and a terminal or a build acts on some texts.
 *
 * 1. Whatever a command prints, and whatever a step leaves in a file of its build, goes through `harmless`.
 * 2. Only an `Own` leaves as it is, and no foreign text becomes one.
 */
type Environment = Readonly<Record<string, string | undefined>>;

export type Build = "github" | "azure-devops";

/** Whose log this is, if it is a build's. */
export function buildOf(environment: Environment): Build | undefined {
  if (environment["GITHUB_ACTIONS"] === "true") return "github";
  return environment["TF_BUILD"]?.toLowerCase() === "true" ? "azure-devops" : undefined;
}

/** What Sigil itself says to a terminal or to a build: a colour, the beginning of an annotation. */
export class Own {
  readonly sequence: string;

  constructor(sequence: string) {
    this.sequence = sequence;
  }
}

export type Part = string | Own;

/** What a terminal acts on: control characters, and what turns the direction of a text or is not seen. */
const ACTED_ON = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Where a build would read a command. Azure Pipelines takes `##vso[` anywhere in a line, GitHub `##[` likewise and `::` at its
 * beginning, after spaces. GitHub compares by .NET's culture, for which a character that is not seen is not there.
 * (https://github.com/actions/runner, ActionCommand.cs; https://github.com/microsoft/azure-pipelines-agent, Command.cs)
 */
const COMMANDS = /#(?=#\w*\[)|(?<=^\s*):(?=:)/gmu;
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

/** The text, in which what would be acted on is written as JSON writes it: JSON stays JSON of the same value. */
export function harmless(text: string, build?: Build): string {
  const shown = text.replace(ACTED_ON, escaped);
  return build === undefined ? shown : shown.replace(UNSEEN, escaped).replace(COMMANDS, escaped);
}

/** The same within a line, that no line break and no tab in the text ends. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** What the process writes to. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** A stream as commands have it. */
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

  /** Asked each time: a terminal changes its size. */
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
