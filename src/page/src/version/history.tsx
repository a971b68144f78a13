import { statusOf } from "@sigil/client";
import { tileOf } from "../components/state.js";
import { Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { Link } from "../navigation.js";
import { kindName, isRunning, type Operation } from "../operations.js";

/** What was asked of the version, newest first. */
export function HistoryCard({
  operations,
}: {
  readonly operations: readonly Operation[];
}) {
  return (
    <section class="card" aria-labelledby="history">
      <header>
        <h2 id="history">History</h2>
      </header>
      {operations.length === 0 ? (
        <p class="pad muted small">Nothing was asked of it through Sigil.</p>
      ) : (
        <ol class="events">
          {operations.map((operation) => (
            <li key={operation.id}>
              <Tile
                state={tileOf(operation.status)}
                share={
                  isRunning(operation) ? operation.percentComplete : undefined
                }
              />
              <Link to={{ view: "operation", operationId: operation.id }}>
                {kindName(operation.kind)}: {statusText(operation)}
              </Link>
              <p>
                <Time value={operation.endTime ?? operation.createdTime} />, by{" "}
                <Who requester={operation.requestedBy} />
              </p>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

export function statusText(operation: Operation): string {
  const status = statusOf(operation);
  if (status === "Running") return `${operation.percentComplete} %`;
  if (status === "NotStarted") return "not begun";
  if (status === "Succeeded") return "done";
  return operation.error === undefined
    ? status.toLowerCase()
    : `failed, ${operation.error.code}`;
}
