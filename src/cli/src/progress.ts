/**
 * Shows the progress of operations on stderr. A terminal gets a bar for each region, redrawn in
 * place. Any other stream gets one line for each change of a region or an operation.
 */
import { parseResourceId, statusOf, type Operation, type Schemas } from "@sigil/client";
import { oneLine, Own, type Output, type Part } from "./harmless.js";
import type { Environment } from "./io.js";
import { styleFor, type Style } from "./style.js";

type RegionTest = Schemas["RegionTest"];

export interface Progress {
  update(operation: Operation): void;
  /** Prints a line above the bars, where it stays. A line break in it is shown as text. */
  line(text: string): void;
}

const BAR_WIDTH = 24;
/** The width if the terminal does not report one. */
const COLUMNS = 80;

export function progressOn(stream: Output, environment: Environment): Progress {
  const style = styleFor(stream, environment);
  return stream.isTTY && environment["TERM"] !== "dumb" ? barsOn(stream, style) : linesOn(stream);
}

function barsOn(stream: Output, style: Style): Progress {
  const operations = new Map<string, Operation>();
  let drawn = 0;
  /** Moves to the first line drawn and erases everything below. The cursor may stand after a ^C. */
  const erase = (): readonly Part[] => (drawn === 0 ? [] : [new Own(`\r\x1b[${drawn}A\x1b[J`)]);
  const draw = (above = ""): void => {
    const width = Math.max(40, stream.columns ?? COLUMNS) - 1;
    const all = [...operations.values()].flatMap((operation) =>
      barLines(operation, width, style, operations.size > 1),
    );
    // Lines that scrolled out of sight cannot be redrawn.
    const most = Math.max(2, (stream.rows ?? Infinity) - 2);
    const lines =
      all.length <= most ? all : [...all.slice(0, most), [`… and ${all.length - most} lines more`]];
    stream.write(...erase(), above, ...lines.flatMap((line) => [...line, "\n"]));
    drawn = lines.length;
  };
  return {
    update(operation) {
      operations.set(operation.id, operation);
      draw();
    },
    line(text) {
      draw(`${oneLine(text)}\n`);
    },
  };
}

function barLines(
  operation: Operation,
  width: number,
  style: Style,
  hasOthers: boolean,
): (readonly Part[])[] {
  const rows = rowsOf(operation).map((row) => ({
    ...row,
    name: oneLine(row.name),
    note: oneLine(row.note || leftUntil(row.expectedEndTime)),
  }));
  const state = stateOf(operation);
  const head = hasOthers || rows.length === 0 || state !== "";
  // Cut the escaped text: a longer line would take two lines of the terminal.
  const title = cut(
    oneLine([versionOf(operation), wordsOf(operation), state].filter(Boolean).join("  ")),
    width,
  );
  const longest = Math.max(0, ...rows.map(({ name }) => name.length));
  return [
    ...(head ? [style("bold", title)] : []),
    ...rows.map(({ name, progress, note, colour }) => {
      const full = Math.round((progress / 100) * BAR_WIDTH);
      const bar = `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)}`;
      const before = `  ${name.padEnd(longest)} `;
      const after = ` ${String(progress).padStart(3)} %  `;
      const room = width - before.length - bar.length - after.length;
      return [before, ...style(colour, bar), `${after}${cut(note, Math.max(0, room))}`];
    }),
  ];
}

function linesOn(stream: Output): Progress {
  const shown = new Map<string, string>();
  const say = (key: string, text: string, line: string): void => {
    if (shown.get(key) === text) return;
    shown.set(key, text);
    stream.write(`${oneLine(line)}\n`);
  };
  return {
    update(operation) {
      const name = versionOf(operation);
      for (const row of rowsOf(operation)) {
        const text = `${row.progress} %${row.note === "" ? "" : `, ${row.note}`}`;
        say(`${operation.id} ${row.name}`, text, `${name} ${row.name}: ${text}`);
      }
      const text = [wordsOf(operation), stateOf(operation)].filter(Boolean).join(", ");
      say(operation.id, text, `${name}: ${text}`);
    },
    line: (text) => stream.write(`${oneLine(text)}\n`),
  };
}

/** A word for what an operation does: `CreateImageVersion` is "create". */
export function wordsOf({ kind }: Operation): string {
  const words = kind
    .replace(/ImageVersion$|Image$|Subscription$/u, "")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/gu, "-")
    .toLowerCase();
  return words === "" ? kind : words;
}

/** `MyImage 1.0.0` for a version's id; the last names of any other id. */
export function versionOf({ resourceId }: Pick<Operation, "resourceId">): string {
  const [, image, version] = parseResourceId(resourceId)?.names ?? [];
  if (image === undefined) return resourceId.split("/").at(-1) ?? resourceId;
  return version === undefined ? image : `${image} ${version}`;
}

function stateOf(operation: Operation): string {
  const { status, waitReason, registrations = [] } = operation;
  if (statusOf(operation) === "Canceling")
    return waitReason === undefined ? "canceling" : `canceling: ${waitReason}`;
  switch (status) {
    case "NotStarted":
      return waitReason === undefined ? "queued" : `queued: ${waitReason}`;
    case "Running": {
      if (waitReason !== undefined) return waitReason;
      if (operation.batch !== undefined) return countsOf(operation.batch);
      const open = registrations.filter(({ state }) => state !== "Registered");
      return open.map(({ name, state }) => `${name} ${state}`).join(", ");
    }
    case "Succeeded":
    case "Failed":
    case "Canceled":
      return status.toLowerCase();
  }
}

/** `3 Planned, 10 Running`. */
function countsOf({ counts }: Schemas["Batch"]): string {
  return Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}

/** The progress of an operation in one region. */
interface Row {
  readonly name: string;
  readonly progress: number;
  readonly note: string;
  readonly colour: "green" | "red" | "yellow" | "cyan";
  readonly expectedEndTime?: string | undefined;
}

function rowsOf(operation: Operation): readonly Row[] {
  return operation.tests?.map(testRow) ?? regionRows(operation);
}

function regionRows(operation: Operation): readonly Row[] {
  return operation.regions.map((region) => {
    const note = regionNote(operation, region);
    const colour = note.startsWith("usable") ? "green" : region.state === "Failed" ? "red" : "cyan";
    const { name, progress, expectedEndTime } = region;
    return { name, progress, note, colour, expectedEndTime };
  });
}

/** The progress of a test machine. Deleting it is not part of the test. */
const TEST_PROGRESS: Readonly<Record<string, number>> = {
  Waiting: 0,
  Creating: 25,
  Starting: 50,
  Proving: 75,
};
const RESULT_COLOURS = {
  passed: "green",
  failed: "red",
  inconclusive: "yellow",
} as const;

function testRow(test: RegionTest): Row {
  const { name, state, result, reason, nextAttemptTime } = test;
  const next =
    nextAttemptTime === undefined
      ? ""
      : state === "Kept"
        ? `kept until ${timeOf(nextAttemptTime)}`
        : `tried again at ${timeOf(nextAttemptTime)}`;
  const note = [
    result ?? (next === "" ? state.toLowerCase() : ""),
    state === "Left" ? "not all of the machine could be deleted" : "",
    attemptOf(test),
    result === "passed" ? "" : (reason?.code ?? ""),
    next,
  ];
  return {
    name,
    progress: TEST_PROGRESS[state] ?? 100,
    note: note.filter(Boolean).join(", "),
    colour: result === undefined ? "cyan" : RESULT_COLOURS[result],
  };
}

function attemptOf({
  attempts,
  attemptsAllowed,
}: {
  readonly attempts: number;
  readonly attemptsAllowed?: number;
}): string {
  if (attempts <= 1) return "";
  const of = attemptsAllowed === undefined ? "" : ` of ${attemptsAllowed}`;
  return `attempt ${attempts}${of}`;
}

function regionNote({ kind }: Operation, region: Operation["regions"][number]): string {
  const { state, progress, nextAttemptTime, stalledTime, expectedEndTime } = region;
  // Show progress once there is any; the expected end moves with it.
  const expected =
    expectedEndTime === undefined || progress > 0 ? "" : `expected at ${timeOf(expectedEndTime)}`;
  const next = nextAttemptTime === undefined ? "" : `tried again at ${timeOf(nextAttemptTime)}`;
  const stalled = stalledTime === undefined ? "" : `no progress since ${timeOf(stalledTime)}`;
  const word =
    state === "Completed"
      ? kind === "DeleteImageVersion"
        ? ""
        : "usable"
      : state === "Failed"
        ? "failed"
        : "";
  return [word, attemptOf(region), stalled, next, expected].filter(Boolean).join(", ");
}

/** The time left. Only bars show it, because elsewhere each new minute would print a line. */
function leftUntil(time: string | undefined): string {
  const minutes = time === undefined ? 0 : Math.ceil((Date.parse(time) - Date.now()) / 60_000);
  return minutes < 1 ? "" : `about ${minutes} min left`;
}

/** The local time of day. */
function timeOf(time: string): string {
  return new Date(time).toTimeString().slice(0, 5);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
