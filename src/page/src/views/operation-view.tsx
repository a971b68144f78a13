import { useState } from "preact/hooks";
import { statusOf } from "@sigil/client";
import { CancelDialog } from "../actions.js";
import { useTitle } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import {
  Audit,
  History,
  Outcome,
  RegionsTable,
  requesterText,
} from "../components/operation-details.js";
import { Progress, State } from "../components/state.js";
import { Table } from "../components/table.js";
import { Time } from "../components/time.js";
import { useClient, useMayCancel } from "../context.js";
import { useLive } from "../live.js";
import { BUSY_MS } from "../retry.js";
import { Link } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { parseResourceId } from "../routes.js";

/** What has ended does not change. */
const ENDED_MS = 300_000;

export function OperationView({
  operationId,
}: {
  readonly operationId: string;
}) {
  const client = useClient();
  const live = useLive<Operation>(
    `operation ${operationId}`,
    async (_, signal) => {
      const { body } = await client.call("getOperation", {
        path: { operationId },
        query: { expand: "calls" },
        signal,
      });
      return body;
    },
    (operation) => (isRunning(operation) ? BUSY_MS : ENDED_MS),
  );
  const title = live.value ? kindName(live.value.kind) : "Operation";
  useTitle(title);
  return (
    <>
      <nav aria-label="Place" class="crumbs">
        <Link to={{ view: "operations" }}>Operations</Link>
        <span>{operationId}</span>
      </nav>
      <h1>{title}</h1>
      <LiveBar live={live} />
      {live.value && <Details operation={live.value} refresh={live.refresh} />}
    </>
  );
}

function Details({
  operation,
  refresh,
}: {
  readonly operation: Operation;
  readonly refresh: () => void;
}) {
  const mayCancel = useMayCancel(operation);
  const [canceling, setCanceling] = useState(false);
  const place = parseResourceId(operation.resourceId);
  return (
    <>
      {mayCancel && (
        <div class="actions no-print">
          <button type="button" onClick={() => setCanceling(true)}>
            Cancel the operation
          </button>
        </div>
      )}
      {canceling && (
        <CancelDialog
          operation={operation}
          onClose={() => setCanceling(false)}
          onAccepted={() => {
            setCanceling(false);
            refresh();
          }}
        />
      )}
      <dl class="facts">
        <div>
          <dt>Status</dt>
          <dd>
            <State state={statusOf(operation)} />{" "}
            {isRunning(operation) && (
              <>
                {operation.percentComplete} %{" "}
                <Progress
                  percent={operation.percentComplete}
                  label="All regions"
                />
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>On</dt>
          <dd>
            {place === undefined ? (
              operation.resourceId
            ) : (
              <Link
                to={
                  place.version === undefined
                    ? { view: "image", image: place.image }
                    : {
                        view: "version",
                        image: place.image,
                        version: place.version,
                      }
                }
              >
                {place.image.imageName} {place.version}
              </Link>
            )}
          </dd>
        </div>
        <div>
          <dt>Asked</dt>
          <dd>
            <Time value={operation.createdTime} /> by{" "}
            {requesterText(operation.requestedBy)}
          </dd>
        </div>
        {operation.endTime !== undefined && (
          <div>
            <dt>Ended</dt>
            <dd>
              <Time value={operation.endTime} />
              {operation.canceledBy &&
                `, canceled by ${requesterText(operation.canceledBy)}`}
            </dd>
          </div>
        )}
        {operation.expectedEndTime !== undefined && (
          <div>
            <dt>Expected end</dt>
            <dd>
              <Time value={operation.expectedEndTime} />
            </dd>
          </div>
        )}
        {operation.traceparent !== undefined && (
          <div>
            <dt>Trace</dt>
            <dd>
              <code>{operation.traceparent}</code>
            </dd>
          </div>
        )}
      </dl>
      <Outcome operation={operation} />
      {operation.regions.length > 0 && (
        <>
          <h2>Regions</h2>
          <RegionsTable regions={operation.regions} operation={operation} />
        </>
      )}
      {operation.registrations && (
        <>
          <h2>Registrations</h2>
          <Table caption="Registrations" columns={["Name", "State"]}>
            {operation.registrations.map(({ name, state }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <State state={state} />
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
      <h2>History</h2>
      <History operation={operation} />
      <Audit operation={operation} />
    </>
  );
}
