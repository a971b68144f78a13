import { durationText, useNow } from "../clock.js";

const LOCAL = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "medium",
});
const LOCAL_TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const LOCAL_DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** A moment in the viewer's zone; the exact UTC on hover, and for whoever copies it. */
export function Time({
  value,
  show = "both",
}: {
  /** RFC 3339; anything else is shown as it is. */
  readonly value: string;
  readonly show?: "both" | "date" | "time";
}) {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return <>{value}</>;
  const format = { both: LOCAL, date: LOCAL_DATE, time: LOCAL_TIME }[show];
  const utc = new Date(ms).toISOString();
  return (
    <time
      dateTime={utc}
      title={`${utc.replace("T", " ").replace("Z", "")} UTC`}
    >
      {format.format(ms)}
    </time>
  );
}

/** A day that is marked once it has passed. */
export function EndOfLife({ date }: { readonly date: string }) {
  return (
    <>
      <Time value={date} show="date" />{" "}
      {Date.parse(date) < Date.now() && <span class="badge warn">past</span>}
    </>
  );
}

/** How long until, or since. */
export function Relative({ value }: { readonly value: string }) {
  const now = useNow();
  const ms = Date.parse(value) - now;
  if (Number.isNaN(ms)) return null;
  return (
    <span title={value}>
      {ms >= 0 ? `in ${durationText(ms)}` : `${durationText(-ms)} ago`}
    </span>
  );
}
