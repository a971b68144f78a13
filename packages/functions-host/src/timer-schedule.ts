import { CronExpressionParser } from "cron-parser";
import { parseTimeSpan } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";

/** When a timer is due. */
export interface TimerSchedule {
  readonly adjustForDst: boolean;
  /** The first occurrence after `afterMs` (ms since the epoch). */
  next(afterMs: number): number;
}

/** What NCRONTAB knows: numbers, names, `*`, lists, ranges, steps. Not `?`, `L`, `#`, `@daily`. */
const FIELD =
  /^(?:[\d*,/-]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT)+$/iu;

/** A date that both restricts, such as 29 February on a Sunday, comes within 28 years, or 40 over a century. */
const MOST_CANDIDATES = 40 * 366;

function cron(expression: string, timeZone: string): TimerSchedule {
  const given = expression.trim().split(/\s+/u);
  const fields = given.length === 5 ? ["0", ...given] : given;
  const [dayOfMonth = "*", dayOfWeek = "*"] = [fields[3], fields[5]];
  if (fields.length !== 6 || !fields.every((each) => FIELD.test(each)))
    throw new Error("not six fields {second} {minute} {hour} {day} {month} {day of week}");
  const parse = (parts: readonly string[], afterMs: number) =>
    CronExpressionParser.parse(parts.join(" "), {
      currentDate: new Date(afterMs),
      tz: timeZone,
    });
  const days = new Set<number>(
    parse(fields, 0).fields.dayOfWeek.values.map((day) => Number(day) % 7),
  );
  // NCRONTAB wants day of month *and* day of week to match; cron, where both are given, wants either.
  const both = !dayOfMonth.startsWith("*") && !dayOfWeek.startsWith("*");
  return {
    adjustForDst: true,
    next(afterMs) {
      if (!both) return parse(fields, afterMs).next().getTime();
      const dates = parse([...fields.slice(0, 5), "*"], afterMs);
      for (let tries = 0; tries < MOST_CANDIDATES; tries += 1) {
        const date = dates.next();
        if (days.has(date.getDay())) return date.getTime();
      }
      throw new RangeError(`"${expression}" never occurs`);
    },
  };
}

/**
 * Reads a timer's schedule: an NCRONTAB expression (six fields, or five without seconds) in `timeZone`, or a time span
 * `hh:mm:ss` between occurrences.
 */
export function parseSchedule(
  expression: string,
  timeZone: string,
  neededBy: string,
): TimerSchedule {
  const intervalMs = parseTimeSpan(expression);
  if (intervalMs !== undefined && intervalMs > 0)
    return { adjustForDst: false, next: (afterMs) => afterMs + intervalMs };
  try {
    return cron(expression, timeZone);
  } catch (error) {
    throw new StartupError(
      `${neededBy}: the schedule expression "${expression}" is not a valid cron expression or time span: ` +
        describeError(error),
    );
  }
}
