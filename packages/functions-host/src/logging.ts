/** Log entries as the Functions host names and filters them; one line each. */

export const logLevels = [
  "trace",
  "debug",
  "information",
  "warning",
  "error",
  "critical",
  "none",
] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogCategory = "user" | "system" | "customMetric";

export interface LogEntry {
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly level: LogLevel;
  /** `Host.*`, `Function.<name>` or `Function.<name>.User`. */
  readonly category: string;
  readonly message: string;
  readonly invocationId?: string;
}

export type LogSink = (entry: LogEntry) => void;

export interface Logger {
  log(level: LogLevel, category: string, message: string, invocationId?: string): void;
}

function severity(level: LogLevel): number {
  return logLevels.indexOf(level);
}

/** Reads a level as host.json spells it ("Information", "Warning", ...); undefined when there is no such level. */
export function parseLogLevel(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text.toLowerCase());
}

/**
 * Passes on what `levels` (host.json `logging.logLevel`) lets through. The longest category that is the entry's own or
 * one of its parents decides (`Function.put.User`, then `Function.put`, then `Function`, then `default`).
 */
export function createLogger(
  sink: LogSink,
  levels: Readonly<Record<string, LogLevel>>,
  now: () => number,
): Logger {
  const threshold = (category: string): LogLevel => {
    const parts = category.split(".");
    for (let length = parts.length; length > 0; length -= 1) {
      const level = levels[parts.slice(0, length).join(".")];
      if (level !== undefined) return level;
    }
    return levels["default"] ?? "information";
  };
  return {
    log(level, category, message, invocationId) {
      const lowest = threshold(category);
      if (level === "none" || lowest === "none") return;
      if (severity(level) < severity(lowest)) return;
      sink({
        timeMs: now(),
        level,
        category,
        message,
        ...(invocationId === undefined ? {} : { invocationId }),
      });
    },
  };
}

/** Writes each entry as one line: warnings and worse on stderr, the rest on stdout; `json` makes JSON lines. */
export function writeLines(format: "text" | "json"): LogSink {
  return (entry) => {
    const time = new Date(entry.timeMs).toISOString();
    const { level, category, message, invocationId } = entry;
    const line =
      format === "json"
        ? JSON.stringify({ time, level, category, message, invocationId })
        : `[${time}] ${level} ${category}: ${message.replaceAll(/\r?\n/gu, "\\n")}`;
    const stream = severity(level) >= severity("warning") ? process.stderr : process.stdout;
    stream.write(`${line}\n`);
  };
}
