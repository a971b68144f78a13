/**
 * Records what each test of test/contract tells: the events that a subscriber gets, and the final state of its operations. test/golden
 * has one file for each test file, and a test that differs fails.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type { OperationRecord } from "../../src/operation/records.js";

const STORIES = "test/contract/";
/** These play what the others tell. */
const PLAYED_AGAIN = `${STORIES}remedies/`;
const FOLDER = "test/golden/";

/** The lines of each story, by its name. */
export type Stories = Readonly<Record<string, readonly string[]>>;

const events: CloudEvent[] = [];
const operations = new Map<string, OperationRecord>();

export function noteEvent(event: CloudEvent): void {
  events.push(event);
}

export function noteOperation(operation: OperationRecord): void {
  operations.set(operation.id, operation);
}

/** What was noted since the last call, a line a fact. */
export function takeTold(): readonly string[] {
  const number = numbering();
  const lines = [
    ...events.map(({ id, type, data }) => ({ event: id, type, data: withoutId(data) })),
    ...[...operations.values()].flatMap(linesOf),
  ].map((line) => number(JSON.stringify(line)));
  events.length = 0;
  operations.clear();
  return lines;
}

/** The event's id names the operation already. */
function withoutId(data: unknown): unknown {
  return { ...(data as object), operationId: undefined };
}

function linesOf({ id, kind, status, error, warnings, regions, history }: OperationRecord) {
  const ofRegions = regions.map(({ name, state, attempts }) => `${name} ${state} ${attempts}`);
  return [
    { operation: id, kind, status, error, warnings, regions: ofRegions },
    ...history.map(({ state, message }) => ({ operation: id, state, message })),
  ];
}

/**
 * Nothing of a run's own: times are `<t>`, an operation and a key's event are their place among those that are named, and
 * ids of Azure are short.
 */
function numbering(): (line: string) => string {
  const ids: string[] = [];
  const keys: string[] = [];
  const placeIn = (named: string[], id: string): number => {
    if (!named.includes(id)) named.push(id);
    return named.indexOf(id) + 1;
  };
  return (line) =>
    line
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/gu, "<t>")
      .replaceAll(/\/subscriptions\/[^"' ]*?\/providers\/[^"'/ ]*\//giu, "/…/")
      .replaceAll(/(test-machines\/|-nic-)[0-9a-f]+/gu, "$1<random>")
      // Made of a time, which the number of reads before moves.
      .replaceAll(/(?<=key-(?:at-risk|safe)\/)[0-9a-f]{32}/gu, (id) => String(placeIn(keys, id)))
      .replaceAll(/[0-9a-f]{32}-[1-9]\d{0,8}/gu, (id) => `op${placeIn(ids, id)}`);
}

/** The golden file of a test file; undefined: it has none. */
export function goldenFileOf(testFile: string): string | undefined {
  const file = path.relative(".", testFile);
  return file.startsWith(STORIES) && !file.startsWith(PLAYED_AGAIN)
    ? `${FOLDER}${file.slice(STORIES.length).replace(/\.test\.ts$/u, ".jsonl")}`
    : undefined;
}

export function readStories(file: string): Stories {
  const stories: Record<string, string[]> = {};
  let lines: string[] = [];
  for (const line of textOf(file).split("\n").filter(Boolean)) {
    const { story } = JSON.parse(line) as { readonly story?: string };
    if (story === undefined) lines.push(line);
    else stories[story] = lines = [];
  }
  return stories;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

export function writeStories(file: string, stories: Stories): void {
  const text = Object.entries(stories)
    .filter(([, lines]) => lines.length > 0)
    .map(([story, lines]) => [JSON.stringify({ story }), ...lines, ""].join("\n"))
    .join("\n");
  if (text === "") return rmSync(file, { force: true });
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
