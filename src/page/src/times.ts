const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
});
const YEAR = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
});
/** `09:12`, `Yesterday 09:12`, `30 Nov`, `30 Nov 2027`: in the viewer's zone. */
export function shortTime(ms: number, nowMs = Date.now()): string {
  const midnight = (of: number): number => new Date(of).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(ms) - midnight(nowMs)) / 86_400_000);
  const clock = CLOCK.format(ms);
  if (days === 0) return clock;
  if (days === -1) return `Yesterday ${clock}`;
  if (days === 1) return `Tomorrow ${clock}`;
  return shortDate(ms, nowMs);
}

/** Within a sentence: `yesterday 09:12`. */
export function lowerTime(ms: number, nowMs = Date.now()): string {
  return shortTime(ms, nowMs).replace(/^[YT]/u, (letter) => letter.toLowerCase());
}

/** When something is expected: once that has passed, it is late, and has not come. */
export function dueText(value: string, nowMs = Date.now()): string {
  const ms = Date.parse(value);
  return ms < nowMs ? "overdue" : `about ${lowerTime(ms, nowMs)}`;
}

export function shortDate(ms: number, nowMs = Date.now()): string {
  const isThisYear = new Date(ms).getFullYear() === new Date(nowMs).getFullYear();
  return (isThisYear ? DAY : YEAR).format(ms);
}

/** `seen 8 s to 31 s ago`; empty if nobody has seen it. */
export function seenSpan(times: readonly (string | undefined)[], nowMs: number): string {
  const ages = times.flatMap((time) => (time === undefined ? [] : [nowMs - Date.parse(time)]));
  if (ages.length === 0) return "";
  const [newest, oldest] = [Math.min(...ages), Math.max(...ages)].map(durationText);
  return newest === oldest ? `seen ${newest} ago` : `seen ${newest} to ${oldest} ago`;
}

/** `5 s`, `3 min`, `2 h`, `4 days`: rounded down. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
