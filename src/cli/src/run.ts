/** Runs one command line and returns its exit code. */
import { createClient, type Client } from "@sigil/client";
import type { Places } from "./body-file.js";
import { COMMANDS, GROUPS } from "./commands/all.js";
import type { Command, Context } from "./command.js";
import { candidates } from "./completion.js";
import { COMPLETE } from "./completion-scripts.js";
import { EXIT_CODES, UsageError, type Outcome } from "./exit-codes.js";
import { failureOf } from "./failures.js";
import { annotations, type Finding } from "./findings.js";
import { GLOBAL_OPTIONS } from "./global-options.js";
import { commandHelp, groupHelp, HELP_WIDTH, overview } from "./help.js";
import { buildOf, Output } from "./harmless.js";
import type { Io, ProcessIo } from "./io.js";
import { nearest } from "./nearest.js";
import { checkRequired, parseOptions } from "./options.js";
import { checkQuery, print, type Format } from "./output.js";
import { progressOn, type Progress } from "./progress.js";
import { defaultValues, endpointOf, readSettings, subscriptionOf } from "./settings.js";
import { tokens } from "./sign-in.js";
import { VERSION } from "./version.js";
import { inCommands } from "./words.js";

/** Returns the exit code; never throws. */
export async function run(args: readonly string[], ofProcess: ProcessIo): Promise<number> {
  const io = throughOutputs(ofProcess);
  let progress: Progress | undefined;
  const state: State = {
    places: undefined,
    verbose: false,
    get progress() {
      return (progress ??= progressOn(io.stderr, io.environment));
    },
  };
  try {
    const [code] = EXIT_CODES[await outcomeOf(args, io, state)];
    return code;
  } catch (error) {
    const { verbose, places } = state;
    const [outcome, lines, findings] = await failureOf(error, verbose, args, places);
    for (const line of lines) state.progress.line(inCommands(line));
    await annotate(findings, io, places);
    return EXIT_CODES[outcome][0];
  }
}

/** Creates each stream on first use, as the process does. */
function throughOutputs(io: ProcessIo): Io {
  let stdout: Output | undefined;
  let stderr: Output | undefined;
  return {
    get stdin() {
      return io.stdin;
    },
    get stdout() {
      return (stdout ??= new Output(io.stdout, io.environment));
    },
    get stderr() {
      return (stderr ??= new Output(io.stderr, io.environment));
    },
    environment: io.environment,
    interrupted: io.interrupted,
    sleep: io.sleep,
    fetch: io.fetch,
    browse: io.browse,
  };
}

interface State {
  places: Places | undefined;
  verbose: boolean;
  readonly progress: Progress;
}

async function outcomeOf(args: readonly string[], io: Io, state: State): Promise<Outcome> {
  const [first = ""] = args;
  if (first === COMPLETE) {
    for (const each of candidates(args.slice(1), COMMANDS)) io.stdout.write(`${each}\n`);
    return "done";
  }
  if (first === "--version") {
    io.stdout.write(`${VERSION}\n`);
    return "done";
  }
  if (args.length === 0 || first === "--help" || first === "-h" || first === "help") {
    io.stdout.write(overview(COMMANDS, helpWidth(io)));
    return "done";
  }
  const command = commandOf(args);
  if (typeof command === "string") {
    io.stdout.write(groupHelp(command, COMMANDS, helpWidth(io)));
    return "done";
  }
  const rest = args.slice(command.words.split(" ").length);
  if (rest.includes("--help") || rest.includes("-h")) {
    io.stdout.write(commandHelp(command, helpWidth(io)));
    return "done";
  }
  return runCommand(command, rest, io, state);
}

/**
 * The width of the help. A terminal may not know its width, and one narrower than this wraps lines
 * itself.
 */
function helpWidth({ stdout }: Io): number {
  if (!stdout.isTTY || !stdout.columns) return HELP_WIDTH;
  return Math.max(40, Math.min(stdout.columns, HELP_WIDTH));
}

/** The command, or a group if only that was named. Throws UsageError. */
function commandOf(args: readonly string[]): Command | string {
  // Accept a line of az's with only its first word changed.
  const words = args[0] === "sig" ? args.slice(1) : args;
  const found = COMMANDS.find(({ words: own, alias = own }) =>
    [own, alias].some((name) => name.split(" ").every((word, i) => words[i] === word)),
  );
  if (found !== undefined && words === args) return found;
  const [group = "", name = ""] = words;
  if (words !== args) throw new UsageError(`Leave "sig" out: sigil ${group} ${name} …`);
  if (group.startsWith("-"))
    throw new UsageError(`Options come after the command: sigil COMMAND ${group}.`);
  if (GROUPS[group] === undefined) {
    const meant = nearest(group, [
      ...Object.keys(GROUPS),
      ...COMMANDS.map((each) => each.words).filter((each) => !each.includes(" ")),
    ]);
    throw new UsageError(
      `There is no command "${group}".${meant === undefined ? "" : ` Did you mean "${meant}"?`}`,
    );
  }
  if (name === "" || name === "--help" || name === "-h") return group;
  const names = COMMANDS.map((each) => each.words)
    .filter((each) => each.startsWith(`${group} `))
    .map((each) => each.slice(group.length + 1));
  const why = ELSEWHERE[`${group} ${name}`];
  if (why !== undefined) throw new UsageError(why);
  const meant = nearest(name, names);
  throw new UsageError(
    `There is no "${group} ${name}".${meant === undefined ? "" : ` Did you mean "${group} ${meant}"?`} Known: ${names.join(", ")}.`,
  );
}

/** Commands that az has under this name and Sigil does not. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "image-version list-shared":
    "Sigil shows the galleries that it publishes to: az sig image-version list-shared has the others.",
  "image-version show-shared":
    "Sigil shows the galleries that it publishes to: az sig image-version show-shared has the others.",
};

async function runCommand(
  command: Command,
  args: readonly string[],
  io: Io,
  state: State,
): Promise<Outcome> {
  const { environment } = io;
  // A command's own option replaces the global option of the same name.
  const options = [
    ...command.options,
    ...GLOBAL_OPTIONS.filter(({ names }) =>
      command.options.every((own) => own.names[0] !== names[0]),
    ),
  ];
  const settings = readSettings(environment);
  const values = parseOptions(args, options, command.positional).withDefaults(
    defaultValues(settings, environment),
  );
  checkRequired(values, options, command.positional);
  const query = values.text("--query");
  if (query !== undefined) await checkQuery(query);
  state.verbose = values.boolean("--verbose") ?? false;
  const isQuiet = values.boolean("--only-show-errors") ?? false;
  const note = (line: string): void => {
    if (!isQuiet) state.progress.line(inCommands(line));
  };
  let client: Client | undefined;
  const endpoint = (): string => endpointOf(values.text("--endpoint"), settings, environment);
  const context: Context = {
    io,
    values,
    settings,
    endpoint,
    get client() {
      return (client ??= clientOf(endpoint(), io, settings, state.verbose ? note : undefined));
    },
    subscriptionId: () => subscriptionOf(values.text("--subscription"), settings, environment),
    note,
    progress: (operation) => {
      if (!isQuiet) state.progress.update(operation);
    },
    usePlaces: (places) => {
      state.places = places;
    },
  };
  const {
    data,
    findings = [],
    outcome = "done",
    columns = command.columns,
    rows = command.rows,
    none = command.none,
    last,
  } = await command.run(context);
  const format = (values.text("--output") ?? command.output ?? "json") as Format;
  const shown =
    format === "table" && query === undefined && data !== undefined ? (rows?.(data) ?? data) : data;
  if (format === "table" && none !== undefined && isEmpty(shown)) io.stdout.write(`${none}\n`);
  await print(shown, { format, query, columns }, io.stdout, environment);
  if (last !== undefined) note(last);
  await annotate(findings, io, state.places);
  return outcome;
}

function isEmpty(shown: unknown): boolean {
  return Array.isArray(shown) && shown.length === 0;
}

function clientOf(
  endpoint: string,
  io: Io,
  settings: ReturnType<typeof readSettings>,
  say: ((line: string) => void) | undefined,
): Client {
  return createClient({
    endpoint,
    token: tokens(io, settings),
    userAgent: `sigil-cli/${VERSION}`,
    sleep: (ms, signal) => io.sleep(ms, signal ?? io.interrupted),
    fetch: async (address, init) => {
      const response = await io.fetch(address, init);
      say?.(
        `${init?.method} ${address instanceof Request ? address.url : address.toString()}: ${response.status} (${response.headers.get("x-request-id")})`,
      );
      return response;
    },
  });
}

/** Also shows findings at their lines in a build's log. */
async function annotate(
  findings: readonly Finding[],
  { environment, stderr }: Io,
  places: Places | undefined,
): Promise<void> {
  const build = buildOf(environment);
  if (build === undefined) return;
  for (const line of await annotations(build, findings, places)) stderr.write(...line, "\n");
}
