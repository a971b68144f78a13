import { Card } from "../components/card.js";
import { tileOf } from "../components/state.js";
import { Bar, Tile } from "../components/tile.js";
import { Expected, Time } from "../components/time.js";
import { Link } from "../navigation.js";
import { titleOf, type Operation } from "../operations.js";
import { readyText } from "../region-state.js";

export function UnderWay({ operations }: { readonly operations: readonly Operation[] }) {
  return (
    <Card
      id="under-way"
      title="Under way"
      aside={
        <Link to={{ view: "operations" }} class="link small">
          All operations
        </Link>
      }
    >
      {operations.length === 0 && <p class="pad muted small">Nothing is under way.</p>}
      {operations.map((operation) => {
        const { id, percentComplete, regions, expectedEndTime, waitReason } = operation;
        return (
          <div key={id} class="item">
            <Tile state="replicating" share={percentComplete} />
            <div>
              <Link to={{ view: "operation", operationId: id }}>
                <b>{titleOf(operation)}</b>
              </Link>
              <Bar percent={percentComplete} label={titleOf(operation)} />
              <p>
                {regions.length > 0 && `${readyText(regions)}. `}
                {expectedEndTime === undefined ? (
                  waitReason
                ) : (
                  <Expected verb="Ends" value={expectedEndTime} />
                )}
              </p>
            </div>
            <span class="muted small">{percentComplete} %</span>
          </div>
        );
      })}
    </Card>
  );
}

export function EndedLately({ operations }: { readonly operations: readonly Operation[] }) {
  return (
    <Card id="ended" title="Ended lately">
      {operations.length === 0 && <p class="pad muted small">No operation has ended yet.</p>}
      {operations.map((operation) => (
        <div key={operation.id} class="item low">
          <Tile state={tileOf(operation.status)} label={operation.status} />
          <Link to={{ view: "operation", operationId: operation.id }} class="one-line">
            {titleOf(operation)}
          </Link>
          <span class="muted small nowrap">
            <Time value={operation.endTime ?? operation.createdTime} />
          </span>
        </div>
      ))}
    </Card>
  );
}
