import { ConnectionError, UnavailableError } from "@sigil/client";
import { durationText, useNow } from "../clock.js";
import type { Live } from "../live.js";
import { Problem } from "./problem.js";
import { Time } from "./time.js";

/** How old what is shown is, and why nothing newer has come. */
export function LiveBar({ live }: { readonly live: Live<unknown> }) {
  const { checkedAtMs, error, refresh, value } = live;
  return (
    <>
      <div class="live-bar">
        {checkedAtMs !== undefined && <Age checkedAtMs={checkedAtMs} />}
        <button type="button" class="subtle no-print" onClick={refresh}>
          Refresh
        </button>
      </div>
      <div role="alert">
        {error !== undefined && (
          <div class="bar error">
            <div>
              {error instanceof ConnectionError && (
                <strong>The API does not answer. </strong>
              )}
              {error instanceof UnavailableError && (
                <strong>The API answered {error.status}. </strong>
              )}
              <Problem error={error} />
              {value !== undefined && checkedAtMs !== undefined && (
                <p>
                  What is shown is from{" "}
                  <Time value={new Date(checkedAtMs).toISOString()} />. It is
                  read again as soon as that is possible.
                </p>
              )}
            </div>
          </div>
        )}
      </div>
      {value === undefined && error === undefined && (
        <p role="status">Loading…</p>
      )}
    </>
  );
}

function Age({ checkedAtMs }: { readonly checkedAtMs: number }) {
  const age = useNow() - checkedAtMs;
  return (
    <span class={age > 90_000 ? "warn-text" : "muted"}>
      Checked {durationText(age)} ago (
      <Time value={new Date(checkedAtMs).toISOString()} show="time" />)
    </span>
  );
}
