import { tileOf } from "../components/state.js";
import { Bar, Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { regionCount } from "../geography.js";
import { Link } from "../navigation.js";
import { kindName, type Operation } from "../operations.js";
import { parseResourceId } from "../routes.js";

function titleOf({ kind, resourceId }: Operation): string {
  const place = parseResourceId(resourceId);
  return [
    kindName(kind),
    place?.image.imageName ?? resourceId.split("/")[2] ?? "",
    place?.version ?? "",
  ]
    .join(" ")
    .trim();
}

export function UnderWay({
  operations,
}: {
  readonly operations: readonly Operation[];
}) {
  return (
    <section class="card" aria-labelledby="under-way">
      <header>
        <h2 id="under-way">Under way</h2>
        <Link to={{ view: "operations" }} class="link small">
          All operations
        </Link>
      </header>
      {operations.length === 0 && (
        <p class="pad muted small">Nothing is under way.</p>
      )}
      {operations.map((operation) => {
        const { id, percentComplete, regions, expectedEndTime, waitReason } =
          operation;
        const ready = regions.filter(({ state }) => state === "Completed");
        return (
          <div key={id} class="item">
            <Tile state="replicating" share={percentComplete} />
            <div>
              <Link to={{ view: "operation", operationId: id }}>
                <b>{titleOf(operation)}</b>
              </Link>
              <Bar percent={percentComplete} label={titleOf(operation)} />
              <p>
                {regions.length > 0 &&
                  `${ready.length} of ${regionCount(regions.length)} ready. `}
                {expectedEndTime === undefined ? (
                  waitReason
                ) : (
                  <>
                    Ends about <Time value={expectedEndTime} lower />.
                  </>
                )}
              </p>
            </div>
            <span class="muted small">{percentComplete} %</span>
          </div>
        );
      })}
    </section>
  );
}

export function EndedLately({
  operations,
}: {
  readonly operations: readonly Operation[];
}) {
  return (
    <section class="card" aria-labelledby="ended">
      <header>
        <h2 id="ended">Ended lately</h2>
      </header>
      {operations.length === 0 && (
        <p class="pad muted small">No operation has ended yet.</p>
      )}
      {operations.map((operation) => (
        <div key={operation.id} class="item low">
          <Tile state={tileOf(operation.status)} label={operation.status} />
          <Link
            to={{ view: "operation", operationId: operation.id }}
            class="one-line"
          >
            {titleOf(operation)}
          </Link>
          <span class="muted small nowrap">
            <Time value={operation.endTime ?? operation.createdTime} />
          </span>
        </div>
      ))}
    </section>
  );
}
