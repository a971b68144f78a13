import { useState } from "preact/hooks";
import { statusOf } from "@sigil/client";
import { Card } from "../components/card.js";
import { Head } from "../components/head.js";
import { Audit, History, Outcome, RegionsTable } from "./operation-details.js";
import { State } from "../components/state.js";
import { Table } from "../components/table.js";
import { Bar } from "../components/tile.js";
import { Expected, Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { useClient, useMayCancel } from "../context.js";
import { CancelDialog } from "../dialogs/cancel.js";
import { useLive } from "../live.js";
import { Link } from "../navigation.js";
import {
  isRunning,
  readOperation,
  titleOf,
  type Operation,
  type ReadOperation,
} from "../operations.js";
import { parseResourceId, routeTo } from "../routes.js";
import { Fact } from "../version/facts.js";

export function OperationView({ operationId }: { readonly operationId: string }) {
  const client = useClient();
  const live = useLive<ReadOperation>(
    `operation ${operationId}`,
    (_, signal) => readOperation(client, operationId, signal, "calls"),
    ({ nextMs }) => nextMs,
  );
  const operation = live.value?.operation;
  return (
    <>
      <Head
        title={operation ? titleOf(operation) : "Operation"}
        crumbs={
          <nav aria-label="Place" class="crumbs">
            <span>
              <Link to={{ view: "operations" }}>Operations</Link>
            </span>
          </nav>
        }
        live={live}
        meta={
          <>
            {" · "}
            <code>{operationId}</code>
          </>
        }
      >
        {operation && <Cancel operation={operation} refresh={live.refresh} />}
      </Head>
      {operation && <Details operation={operation} />}
    </>
  );
}

function Cancel({
  operation,
  refresh,
}: {
  readonly operation: Operation;
  readonly refresh: () => void;
}) {
  const mayCancel = useMayCancel(operation);
  const [canceling, setCanceling] = useState(false);
  return (
    <>
      {mayCancel && (
        <button type="button" class="no-print" onClick={() => setCanceling(true)}>
          Cancel the operation
        </button>
      )}
      {canceling && (
        <CancelDialog
          operation={operation}
          onClose={() => setCanceling(false)}
          onAccepted={refresh}
        />
      )}
    </>
  );
}

function Details({ operation }: { readonly operation: Operation }) {
  const place = parseResourceId(operation.resourceId);
  const to = routeTo(operation.resourceId);
  return (
    <div class="stack">
      <section class="card" aria-label="State">
        <dl class="facts">
          <Fact name="Status">
            <State state={statusOf(operation)} />{" "}
            {isRunning(operation) && (
              <>
                {operation.percentComplete} %
                <Bar percent={operation.percentComplete} label="All regions" />
              </>
            )}
          </Fact>
          <Fact name="On">
            {place && to ? (
              <Link to={to}>
                {place.image.imageName} {place.version}
              </Link>
            ) : (
              operation.resourceId
            )}
          </Fact>
          <Fact name="Asked">
            <Time value={operation.createdTime} /> by <Who requester={operation.requestedBy} />
          </Fact>
          {operation.endTime !== undefined && (
            <Fact name="Ended">
              <Time value={operation.endTime} />
              {operation.canceledBy && (
                <>
                  , canceled by <Who requester={operation.canceledBy} />
                </>
              )}
            </Fact>
          )}
          {operation.expectedEndTime !== undefined && (
            <Fact name="Expected end">
              <Expected verb="Ends" value={operation.expectedEndTime} />
            </Fact>
          )}
          {operation.traceparent !== undefined && (
            <Fact name="Trace">
              <code>{operation.traceparent}</code>
            </Fact>
          )}
        </dl>
      </section>
      <Outcome operation={operation} />
      {operation.regions.length > 0 && (
        <Card id="regions" title="Regions">
          <RegionsTable regions={operation.regions} />
        </Card>
      )}
      {operation.registrations && (
        <Card id="registrations" title="Registrations">
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
        </Card>
      )}
      <Card id="history" title="History">
        <History operation={operation} />
        <Audit operation={operation} />
      </Card>
    </div>
  );
}
