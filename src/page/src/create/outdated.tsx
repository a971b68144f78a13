import { useState } from "preact/hooks";
import { Changes } from "../components/changes.js";
import { differences } from "./model/changes.js";
import { bodyOf } from "./model/body.js";
import type { Json } from "./model/json.js";
import type { Base } from "./model/submission.js";

/** What others changed since the version was read, and how to continue. */
export function Outdated({
  base,
  read,
  onTake,
}: {
  readonly base: Base;
  readonly read: () => Promise<Base>;
  /** Goes on from `now`: with one's own changes, or without them. */
  readonly onTake: (now: Base, keepMine: boolean) => void;
}) {
  const [now, setNow] = useState<Base>();
  const [error, setError] = useState("");
  const asJson = ({ form }: Base): Json => ({ tags: {}, ...bodyOf(form) });
  return (
    <div class="banner outdated" role="alert">
      <div>
        <p>
          <strong>The version was changed since you read it.</strong> Nothing was sent to Azure.
        </p>
        {now === undefined ? (
          <button
            type="button"
            onClick={() => void read().then(setNow, (reason: unknown) => setError(String(reason)))}
          >
            Show what changed
          </button>
        ) : (
          <>
            <Changes changes={differences(asJson(base), asJson(now))} regions={[]} />
            <p class="row">
              <button type="button" class="primary" onClick={() => onTake(now, true)}>
                Keep my changes on top of these
              </button>
              <button type="button" onClick={() => onTake(now, false)}>
                Begin again from these
              </button>
            </p>
          </>
        )}
        <p class="error-text">{error}</p>
      </div>
    </div>
  );
}
