/** Prints events as Sigil publishes them. */
import { EVENT_TYPES } from "@sigil/client";
import type { Command, Context } from "../command.js";
import { Ended, UsageError } from "../exit-codes.js";
import { TIMEOUT } from "../following.js";
import { oneLine, type Part } from "../harmless.js";
import { select, tsv } from "../output.js";
import { versionOf } from "../progress.js";
import { namespaceOf, receive } from "../service-bus.js";
import { variable } from "../settings.js";
import { styleFor, type Style } from "../style.js";
import { filtersOf, isOf } from "./filters.js";

const TOPIC = "image-version-events";
const FILTERS = ["subscription", "gallery", "image", "version", "operation"] as const;
const NAMES = EVENT_TYPES.map((type) => type.split(".").at(-1) ?? type);

interface Event {
  readonly type: string;
  readonly time: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const TAIL: Command = {
  words: "events tail",
  summary: "Print events as they are published, until Ctrl-C",
  description: `Prints a readable line for each event on a terminal, and one line of JSON otherwise. The command creates a Service Bus
subscription for itself and deletes it at the end, so it takes no event from anyone else. You need the role Azure Service Bus Data
Owner on the topic. Earlier events are not shown.`,
  options: [
    {
      names: ["--type"],
      kind: "list",
      choices: [...new Set(NAMES)],
      help: "Only these event types: RegionCompleted, Failed, …. Default: all.",
    },
    {
      names: ["--filter"],
      kind: "list",
      help: `Only events that match every name=value. Names: ${FILTERS.join(", ")}.`,
    },
    {
      names: ["--count"],
      kind: "number",
      help: "Stop after this number of events.",
    },
    { ...TIMEOUT, help: "Maximum number of seconds to listen. Then the exit code is 5." },
    {
      names: ["--service-bus"],
      help: "Service Bus namespace. Default: SIGIL_SERVICE_BUS, or the value of sigil configure.",
    },
    {
      names: ["--output", "-o"],
      choices: ["json", "tsv", "table", "none"],
      help: "Output format of each event: json (one line), tsv, table (a readable line), none.",
      group: "Global",
    },
  ],
  examples: [
    ["Follow an image definition", "sigil events tail --filter image=MyImage"],
    [
      "Wait until a version is usable in its first region",
      "sigil events tail --type RegionCompleted --filter version=1.0.0 --count 1 --query data.region -o tsv",
    ],
  ],
  async run(context) {
    const { values, io, note, settings } = context;
    const namespace = namespaceOf(
      values.text("--service-bus") ??
        variable(io.environment, "SIGIL_SERVICE_BUS") ??
        settings.serviceBus ??
        nowhere(),
    );
    const filters = filtersOf(values.list("--filter"), FILTERS);
    const types = values.list("--type");
    const most = values.number("--count") ?? Infinity;
    if (most === 0) return {};
    const print = printer(context);
    const stop = new AbortController();
    const signal = AbortSignal.any([io.interrupted, stop.signal]);
    const seconds = values.number("--timeout");
    if (seconds !== undefined)
      void io
        .sleep(Math.min(seconds * 1000, 2 ** 31 - 1), signal)
        .then(() => stop.abort(new Ended("timedOut")))
        .catch(() => undefined); // no longer listening
    const name = `sigil-tail-${crypto.randomUUID()}`;
    const subscription = { namespace, topic: TOPIC, name };
    let count = 0;
    try {
      for await (const text of receive(subscription, io, signal, note)) {
        const event = eventOf(text);
        if (event === undefined) continue;
        const isAskedFor =
          types === undefined || types.includes(event.type.split(".").at(-1) ?? "");
        if (!isAskedFor || !isOf(event.subject, filters)) continue;
        const operation = filters.get("operation");
        if (operation !== undefined && event.data["operationId"] !== operation) continue;
        await print(event);
        if ((count += 1) >= most) return {};
      }
    } catch (error) {
      if (io.interrupted.aborted) return { outcome: "interrupted" };
      throw error;
    } finally {
      stop.abort();
    }
    return {};
  },
};

export const EVENT_COMMANDS: readonly Command[] = [TAIL];

function nowhere(): never {
  throw new UsageError(
    "Where are the events? Set SIGIL_SERVICE_BUS, or: sigil configure --service-bus ….servicebus.windows.net (of npm start: source .sigil/env)",
  );
}

/** Undefined for a message that is not an event: others may send to the topic. */
function eventOf(text: string): Event | undefined {
  try {
    const event = JSON.parse(text) as Partial<Event> | null;
    return typeof event?.type === "string" &&
      typeof event.subject === "string" &&
      typeof event.time === "string" &&
      typeof event.data === "object"
      ? (event as Event)
      : undefined;
  } catch {
    return undefined;
  }
}

function printer({ io, values }: Context): (event: Event) => Promise<void> {
  const { stdout, environment } = io;
  const query = values.text("--query");
  const style = styleFor(stdout, environment);
  const format =
    values.text("--output") ?? (stdout.isTTY && query === undefined ? "table" : "json");
  return async (event) => {
    if (format === "table" && query === undefined) {
      stdout.write(...eventLine(event, style), "\n");
      return;
    }
    const selected = query === undefined ? event : await select(event, query);
    if (selected === undefined || selected === null || format === "none") return;
    stdout.write(format === "json" ? `${JSON.stringify(selected)}\n` : tsv(selected));
  };
}

const TYPE_WIDTH = Math.max(...NAMES.map((name) => name.length));

/** The local time of day, what happened to which resource, and a short summary of the rest. */
function eventLine({ type, time, subject, data }: Event, style: Style): readonly Part[] {
  const name = type.split(".").at(-1) ?? type;
  const text = [
    versionOf({ resourceId: subject }),
    ...["region", "result", "kind", "state", "name", "queue"].map((each) => wordOf(data[each])),
    typeof data["progress"] === "number" ? `${data["progress"]} %` : "",
    wordOf(data["to"]) && `${wordOf(data["from"])} → ${wordOf(data["to"])}`,
    messageOf(data["error"]) || messageOf(data["reason"]) || wordOf(data["message"]),
  ];
  return [
    ...style("dim", new Date(time).toTimeString().slice(0, 8)),
    "  ",
    ...style(colourOf(name), oneLine(name).padEnd(TYPE_WIDTH)),
    `  ${oneLine(
      text
        .filter(Boolean)
        .join("  ")
        .replaceAll(/\s*\n\s*/gu, " "),
    )}`,
  ];
}

function colourOf(name: string): Parameters<Style>[0] {
  if (/Failed$|Rejected$|Left$|Found$/u.test(name)) return "red";
  if (/Stalled$|Outside$|Canceled$/u.test(name)) return "yellow";
  return /Completed$|Prepared$|Promoted$|^Tested$/u.test(name) ? "green" : "cyan";
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function messageOf(value: unknown): string {
  return typeof value === "object" && value !== null && "message" in value
    ? wordOf(value.message)
    : wordOf(value);
}
