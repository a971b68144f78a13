import { ConnectionError, UnavailableError } from "@sigil/client";
import { useNow } from "../clock.js";
import type { Live } from "../live.js";
import { Problem } from "./problem.js";
import { durationText } from "../times.js";
import { Time } from "./time.js";

/** A value is marked as old after this time. */
const OLD_MS = 90_000;

/** A dot that says whether what is shown is of now; pressed, it is read at once. */
export function LiveDot({ live }: { readonly live: Live<unknown> }) {
  const { checkedAtMs, error, refresh } = live;
  const ageMs = useNow() - (checkedAtMs ?? 0);
  if (checkedAtMs === undefined) return null;
  const isOld = error !== undefined || ageMs > OLD_MS;
  return (
    <button
      type="button"
      class={isOld ? "live old" : "live"}
      title={`Checked ${durationText(ageMs)} ago. Press to refresh.`}
      onClick={refresh}
    >
      {isOld ? `Of ${durationText(ageMs)} ago` : "Live"}
    </button>
  );
}

/** The age of a cached list of Azure's; pressing it reads the list again. */
export function ReadAgain({ live }: { readonly live: Live<{ readonly time: string }> }) {
  const now = useNow();
  if (live.value === undefined) return null;
  const ageMs = Math.max(0, now - Date.parse(live.value.time));
  return (
    <span class="muted small no-print">
      Listed by Azure {durationText(ageMs)} ago{" "}
      <button type="button" class="subtle small" onClick={live.refresh}>
        Read again
      </button>
    </span>
  );
}

/** Why nothing newer has come; before the first answer, that it is read. */
export function LiveState({ live }: { readonly live: Live<unknown> }) {
  const { checkedAtMs, error, refresh, value } = live;
  return (
    <>
      <div role="alert">
        {error !== undefined && (
          <div class="banner">
            <div>
              {error instanceof ConnectionError && <strong>The API does not answer. </strong>}
              {error instanceof UnavailableError && (
                <strong>The API answered {error.status}. </strong>
              )}
              <Problem error={error} />
              {value !== undefined && checkedAtMs !== undefined && (
                <p>
                  What is shown is from <Time value={new Date(checkedAtMs).toISOString()} lower />.
                  It is read again as soon as that is possible.
                </p>
              )}
            </div>
            <button type="button" class="small" onClick={refresh}>
              Read now
            </button>
          </div>
        )}
      </div>
      {value === undefined && error === undefined && (
        <p role="status" class="muted">
          Loading…
        </p>
      )}
    </>
  );
}
