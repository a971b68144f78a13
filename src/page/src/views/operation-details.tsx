import type { Schemas } from "@sigil/client";
import { RollbackDetails } from "../dialogs/rollback.js";
import type { Operation } from "../operations.js";
import { Progress } from "../version/regions.js";
import { MachinesTable } from "../version/tests.js";
import { Failure, Findings } from "../components/problem.js";
import { State } from "../components/state.js";
import { Table } from "../components/table.js";
import { Note } from "../components/box.js";
import { Relative, Time } from "../components/time.js";

/** How far each region is, and what it waits for. */
export function RegionsTable({ regions }: { readonly regions: readonly Schemas["Region"][] }) {
  return (
    <Table caption="Regions" columns={["Region", "State", "Progress"]}>
      {regions.map((region) => (
        <tr key={region.name}>
          <th scope="row">{region.name}</th>
          <td data-label="State">
            <State
              state={region.state}
              share={region.state === "Replicating" ? region.progress : undefined}
            />
          </td>
          <td>
            <Progress region={region} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function History({ operation }: { readonly operation: Operation }) {
  return (
    <Table caption="History" columns={["Time", "State", "What happened"]}>
      {operation.history.map((step, index) => (
        <tr key={index}>
          <td class="nowrap">
            <Time value={step.time} />
          </td>
          <th scope="row">{step.state}</th>
          <td>{step.message}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The calls to Azure, with what finds them in Azure's Activity Log. */
export function Audit({ operation }: { readonly operation: Operation }) {
  const { calls = [], omittedReads, omittedWrites } = operation;
  return (
    <details class="fold">
      <summary>Audit: {calls.length} calls to Azure Resource Manager</summary>
      {(omittedReads ?? omittedWrites) !== undefined && (
        <p class="pad muted">
          {omittedReads ?? 0} earlier reads and {omittedWrites ?? 0} writes are not kept.
        </p>
      )}
      <Table
        caption="Calls to Azure Resource Manager"
        columns={["Time", "Call", "Status", "Correlation id"]}
      >
        {calls.map((call, index) => (
          <tr key={index}>
            <td class="nowrap">
              <Time value={call.time} />
            </td>
            <th scope="row">
              {call.method} <code>{call.path}</code>
            </th>
            <td data-label="Status">{call.status ?? "no answer"}</td>
            <td>
              <code>{call.correlationId}</code>
            </td>
          </tr>
        ))}
      </Table>
    </details>
  );
}

/** Why it failed, what is worth knowing, what it changes. */
export function Outcome({ operation }: { readonly operation: Operation }) {
  const { error, warnings = [], rollback, waitReason, nextAttemptTime } = operation;
  // Then each says when.
  const regionsWait = operation.regions.some((region) => region.nextAttemptTime !== undefined);
  return (
    <>
      {error && (
        <Failure title={error.code} errors={error.errors}>
          {error.message}
        </Failure>
      )}
      {waitReason !== undefined && (
        <Note tile="held">
          Waits: {waitReason}{" "}
          {nextAttemptTime !== undefined && !regionsWait && (
            <>
              Next: <Time value={nextAttemptTime} lower /> (
              <Relative value={nextAttemptTime} />)
            </>
          )}
        </Note>
      )}
      <Findings findings={warnings} />
      {rollback && (
        <section class="card" aria-label="What the rollback changes">
          <div class="pad">
            <RollbackDetails rollback={rollback} />
          </div>
        </section>
      )}
      {operation.tests && (
        <section class="card" aria-label="Tests">
          <MachinesTable tests={operation.tests} />
        </section>
      )}
    </>
  );
}
