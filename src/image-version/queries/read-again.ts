/** When to read again what is shown of versions: just after Sigil next looks at one in Azure. */
import { AT_REST_SECONDS, readListAgain, secondsUntilNews } from "../../operation/read-again.js";
import { nextStep } from "../../operation/records.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";

/** So old are keys that somebody has opened, at most. */
const KEYS_SECONDS = 30;

/** Seconds after which to read a version again; `withKeys`: its keys are shown, too. */
export function readVersionAgain(
  record: ImageVersionRecord | undefined,
  withKeys: boolean,
  now: Date,
): number {
  const seconds = secondsUntilLook(record, now);
  return withKeys ? Math.min(seconds, KEYS_SECONDS) : seconds;
}

/** Seconds after which to read a list of versions again, 15 to 60. */
export function readVersionsAgain(
  records: Iterable<ImageVersionRecord | undefined>,
  now: Date,
): number {
  return readListAgain([...records].map((record) => secondsUntilLook(record, now)));
}

function secondsUntilLook(record: ImageVersionRecord | undefined, now: Date): number {
  return record === undefined || isFinal(record.state)
    ? AT_REST_SECONDS
    : secondsUntilNews(nextStep(record), now);
}
