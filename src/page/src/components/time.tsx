import { useNow } from "../clock.js";
import { durationText, lowerTime, shortDate, shortTime } from "../times.js";

const EXACT = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "full",
  timeStyle: "long",
});

/**
 * A time in the viewer's zone, short; the exact one on hover, with UTC next to it. Without a time
 * it is empty.
 */
export function Time({
  value,
  show = "time",
  lower = false,
  before,
  after,
}: {
  /** RFC 3339; anything else is shown as it is. */
  readonly value: string | undefined;
  readonly before?: string;
  readonly after?: string;
  readonly show?: "time" | "date";
  /** Within a sentence: `yesterday`. */
  readonly lower?: boolean;
}) {
  if (value === undefined) return null;
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return <>{value}</>;
  const utc = new Date(ms).toISOString();
  const text = show === "date" ? shortDate(ms) : shortTime(ms);
  return (
    <>
      {before}
      <time
        dateTime={utc}
        title={`${EXACT.format(ms)} (${utc.replace("T", " ").replace("Z", "")} UTC)`}
      >
        {lower && show === "time" ? lowerTime(ms) : text}
      </time>
      {after}
    </>
  );
}

/** A day that is marked once it is past. */
export function EndOfLife({ date }: { readonly date: string | undefined }) {
  if (date === undefined) return null;
  return (
    <>
      <Time value={date} show="date" />{" "}
      {Date.parse(date) < Date.now() && <span class="badge warn">past</span>}
    </>
  );
}

/** Until when a key can be used. */
export function Expires({
  value,
  subject,
}: {
  /** Null: it has no end. */
  readonly value: string | null;
  /** Which key. */
  readonly subject?: string | undefined;
}) {
  if (value === null) return <>No date of expiry</>;
  const verb = Date.parse(value) < Date.now() ? "expired" : "expires";
  return (
    <>
      {subject === undefined ? verb.replace("e", "E") : `${subject} ${verb}`}{" "}
      <Time value={value} show="date" />
    </>
  );
}

/** When something ends, as far as one knows: what is late is not over. */
export function Expected({
  verb,
  value,
}: {
  /** `Ready`, `Ends`. */
  readonly verb: string;
  readonly value: string;
}) {
  const leftMs = Date.parse(value) - useNow();
  return (
    <span title={value}>
      {leftMs < 1_000 ? "Overdue, expected about " : `${verb} in ${durationText(leftMs)}, about `}
      <Time value={value} lower />.
    </span>
  );
}

/** How long ago: `4 s ago`. */
export function Ago({ value }: { readonly value: string }) {
  return <span title={value}>{durationText(useNow() - Date.parse(value))} ago</span>;
}

/** How long until, or since. */
export function Relative({ value }: { readonly value: string }) {
  const now = useNow();
  const ms = Date.parse(value) - now;
  if (Number.isNaN(ms)) return null;
  return (
    <span title={value}>{ms >= 0 ? `in ${durationText(ms)}` : `${durationText(-ms)} ago`}</span>
  );
}
