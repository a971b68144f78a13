import { useState } from "preact/hooks";
import { differences } from "./model/changes.js";
import { bodyOf } from "./model/body.js";
import type { Json } from "./model/json.js";
import type { Base } from "./model/submission.js";
import { jsonText } from "./review.js";

/** What others have changed since the version was read, and a way on. */
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
  const asJson = ({ form }: Base): Json => bodyOf(form);
  const changes = now ? differences(asJson(base), asJson(now)) : [];
  return (
    <div class="banner outdated" role="alert">
      <div>
        <p>
          <strong>Somebody has changed the version since you read it.</strong>{" "}
          Nothing was sent to Azure.
        </p>
        {now === undefined ? (
          <button
            type="button"
            onClick={() =>
              void read().then(setNow, (reason: unknown) =>
                setError(String(reason)),
              )
            }
          >
            Show what changed
          </button>
        ) : (
          <>
            {changes.length === 0 && (
              <p>Nothing that one can request: Azure works on it.</p>
            )}
            <ul>
              {changes.map(({ path, before, after }) => (
                <li key={path}>
                  <code>{path}</code>: {jsonText(before)} → {jsonText(after)}
                </li>
              ))}
            </ul>
            <p class="row">
              <button
                type="button"
                class="primary"
                onClick={() => onTake(now, true)}
              >
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
