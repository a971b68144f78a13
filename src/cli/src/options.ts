/** Options as az reads them: several values after one option, unique beginnings of names, `--name=value`, `-gvalue`. */
import { nearest } from "./nearest.js";
import { UsageError } from "./exit-codes.js";

export interface Option {
  /** Long names first, such as `--gallery-name`, `-r`. The first one is what messages and code call it. */
  readonly names: readonly string[];
  /**
   * Absent: text. `list` takes at least one value, `values` any number; `boolean` is true without a
   * value.
   */
  readonly kind?: "text" | "number" | "flag" | "boolean" | "list" | "values";
  readonly help: string;
  /** Allowed values. Input ignores case, and becomes the spelling here. */
  readonly choices?: readonly string[];
  readonly required?: boolean;
  /** The heading in the help. */
  readonly group?: string;
}

/** An argument after the command that belongs to no option. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly many?: boolean;
  readonly required?: boolean;
}

type Value = string | number | boolean | readonly string[];

/** The options of one command line. An option that the command lacks counts as not given. */
export class Values {
  readonly #options: readonly Option[];
  readonly #given = new Map<string, Value>();
  /** Each occurrence in order: `--set`, `--add` and `--remove` apply one after the other. */
  readonly occurrences: readonly {
    readonly name: string;
    readonly values: readonly string[];
    readonly isDefault?: true;
  }[];
  readonly positionals: readonly string[];

  constructor(
    options: readonly Option[],
    occurrences: Values["occurrences"],
    positionals: readonly string[],
  ) {
    this.#options = options;
    this.occurrences = occurrences;
    this.positionals = positionals;
    for (const { name, values } of occurrences) {
      const option = options.find(({ names }) => names[0] === name);
      if (option !== undefined) this.#given.set(name, valueOf(option, values));
    }
  }

  /** A copy with these values for options that are not given. */
  withDefaults(defaults: Readonly<Record<string, string | undefined>>): Values {
    const more = Object.entries(defaults).flatMap(([name, value]) =>
      value !== undefined &&
      !this.#given.has(name) &&
      this.#options.some(({ names }) => names[0] === name)
        ? [{ name, values: [value], isDefault: true as const }]
        : [],
    );
    return new Values(this.#options, [...this.occurrences, ...more], this.positionals);
  }

  /** A copy with these values in place of what was given. */
  with(texts: Readonly<Record<string, string>>): Values {
    const more = Object.entries(texts).map(([name, text]) => ({ name, values: [text] }));
    return new Values(this.#options, [...this.occurrences, ...more], this.positionals);
  }

  /** Whether the command line itself has it. */
  isGiven(name: string): boolean {
    return this.occurrences.some((each) => each.name === name && !each.isDefault);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  text(name: string): string | undefined {
    return this.#get(name) as string | undefined;
  }

  /** Throws UsageError if it is not given. */
  required(name: string): string {
    const text = this.text(name);
    if (text === undefined || text === "") throw new UsageError(`${name} is missing.`);
    return text;
  }

  number(name: string): number | undefined {
    return this.#get(name) as number | undefined;
  }

  boolean(name: string): boolean | undefined {
    return this.#get(name) as boolean | undefined;
  }

  list(name: string): readonly string[] | undefined {
    return this.#get(name) as readonly string[] | undefined;
  }

  /** Every value of an option that may be repeated, in order. */
  all(name: string): readonly string[] {
    return this.occurrences.filter((each) => each.name === name).flatMap(({ values }) => values);
  }

  #get(name: string): Value | undefined {
    return this.#given.get(name);
  }
}

/** Parses the arguments after a command's words. Throws UsageError. */
export function parseOptions(
  args: readonly string[],
  options: readonly Option[],
  positional?: Positional,
): Values {
  const occurrences: { name: string; values: string[] }[] = [];
  const positionals: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? "";
    if (!isOption(arg)) {
      if (positional === undefined || (positionals.length > 0 && !positional.many))
        throw new UsageError(`"${arg}" is not expected here.`);
      if (arg === "") throw new UsageError(`${positional.name} is empty.`);
      positionals.push(arg);
      continue;
    }
    const { option, attached } = optionOf(arg, options);
    const [name = ""] = option.names;
    const values = attached === undefined ? [] : [attached];
    const most = MOST[option.kind ?? "text"];
    while (values.length < most && i + 1 < args.length && !isOption(args[i + 1]))
      values.push(args[(i += 1)] ?? "");
    if (values.length < LEAST[option.kind ?? "text"])
      throw new UsageError(`${name} needs a value.`);
    if (option.kind === "flag" && attached !== undefined)
      throw new UsageError(`${name} takes no value.`);
    occurrences.push({ name, values });
  }
  return new Values(options, occurrences, positionals);
}

/** Throws UsageError that names each required option that is missing. */
export function checkRequired(
  values: Values,
  options: readonly Option[],
  positional?: Positional,
): void {
  const missing = options
    .filter(({ names, required }) => required && (values.text(names[0] ?? "") ?? "") === "")
    .map(({ names }) => names.join("/"));
  if (positional?.required && values.positionals.length === 0) missing.unshift(positional.name);
  if (missing.length > 0) throw new UsageError(`What is missing: ${missing.join(", ")}.`);
}

const MOST = {
  text: 1,
  number: 1,
  flag: 0,
  boolean: 1,
  list: Infinity,
  values: Infinity,
};
const LEAST = { text: 1, number: 1, flag: 0, boolean: 0, list: 1, values: 0 };

/**
 * Whether it is an option. A negative number is a value, and so is a single dash, standard input.
 */
function isOption(arg: string | undefined): boolean {
  return arg !== undefined && /^-(?!\d|$)/u.test(arg);
}

function optionOf(
  arg: string,
  options: readonly Option[],
): { readonly option: Option; readonly attached?: string | undefined } {
  const [, name = arg, attached] = /^(--[^=]+|-[^-=])=?(.+)?$/su.exec(arg) ?? [];
  const isLong = name.startsWith("--");
  // `-g=x` and `-gx` are the same; an empty `--name=` is an empty value.
  const value = attached ?? (arg === `${name}=` ? "" : undefined);
  const exact = options.find(({ names }) => names.includes(name));
  if (exact !== undefined) return { option: exact, attached: value };
  const begun = isLong
    ? options.filter(({ names }) => names.some((each) => each.startsWith(name)))
    : [];
  const [only] = begun;
  if (only !== undefined && begun.length === 1) return { option: only, attached: value };
  if (begun.length > 1)
    throw new UsageError(`${name} may mean ${begun.map(({ names }) => names[0]).join(", ")}.`);
  const meant = nearest(
    name,
    options.flatMap(({ names }) => names.filter((each) => each.startsWith("--"))),
  );
  throw new UsageError(
    `${name} is not known here.${meant === undefined ? "" : ` Did you mean ${meant}?`}`,
  );
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  y: true,
  "1": true,
  t: true,
  false: false,
  no: false,
  n: false,
  "0": false,
  f: false,
};

function valueOf(option: Option, values: readonly string[]): Value {
  const [name = ""] = option.names;
  const [text = ""] = values;
  switch (option.kind ?? "text") {
    case "flag":
      return true;
    case "boolean": {
      if (values.length === 0) return true;
      const value = BOOLEANS[text.toLowerCase()];
      if (value === undefined) throw new UsageError(`${name} is true or false, not "${text}".`);
      return value;
    }
    case "number": {
      if (!/^\d+$/u.test(text)) throw new UsageError(`${name} is a whole number, not "${text}".`);
      return Number(text);
    }
    case "list":
    case "values":
      return values.map((each) => chosen(option, each));
    case "text":
      return chosen(option, text);
  }
}

function chosen({ names, choices }: Option, text: string): string {
  if (choices === undefined) return text;
  const choice = choices.find((each) => each.toLowerCase() === text.toLowerCase());
  if (choice !== undefined) return choice;
  const meant = nearest(text, choices);
  throw new UsageError(
    `${names[0]} is one of ${choices.join(", ")}, not "${text}".${meant === undefined ? "" : ` Did you mean ${meant}?`}`,
  );
}
