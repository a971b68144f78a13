import type { Schemas } from "@sigil/client";
import { useNow } from "../clock.js";
import { RollbackDetails } from "../actions.js";
import { isRunning, type Operation } from "../operations.js";
import { Findings } from "./problem.js";
import { Progress, State } from "./state.js";
import { Table } from "./table.js";
import { Relative, Time } from "./time.js";

type Region = Schemas["Region"];

/** How each region came to where it is, and what it waits for. */
export function RegionsTable({
  regions,
  operation,
}: {
  readonly regions: readonly Region[];
  /** The operation that works on them, or did last. */
  readonly operation: Operation | undefined;
}) {
  return (
    <Table
      caption="Regions"
      columns={[
        "Region",
        "State",
        "Timeline",
        "Attempts",
        "Next step",
        "Expected end",
        "Last progress",
      ]}
    >
      {regions.map((region) => (
        <tr key={region.name}>
          <th scope="row">{region.name}</th>
          <td>
            <State
              state={region.state}
              text={
                region.state === "Replicating"
                  ? `${region.progress} %`
                  : region.state === "Completed"
                    ? "Ready"
                    : region.state
              }
            />
            {region.state === "Replicating" && (
              <>
                {" "}
                <Progress percent={region.progress} label={region.name} />
              </>
            )}
            {region.details !== undefined && (
              <div class="sub wrap">{region.details}</div>
            )}
          </td>
          <td>
            <Timeline region={region} operation={operation} />
          </td>
          <td>
            {region.attempts}
            {region.attemptsAllowed !== undefined &&
              ` of ${region.attemptsAllowed}`}
          </td>
          <td>
            {region.waitReason}
            {region.nextAttemptTime !== undefined && (
              <div class="sub">
                <Time value={region.nextAttemptTime} show="time" /> (
                <Relative value={region.nextAttemptTime} />)
              </div>
            )}
            {region.stalledTime !== undefined && (
              <div class="warn-text">
                No progress since <Time value={region.stalledTime} />
              </div>
            )}
          </td>
          <td>
            {region.completedTime !== undefined ? (
              <>
                Done <Time value={region.completedTime} />
              </>
            ) : (
              region.expectedEndTime !== undefined && (
                <>
                  <Time value={region.expectedEndTime} show="time" />{" "}
                  <div class="sub">
                    <Relative value={region.expectedEndTime} />
                  </div>
                </>
              )
            )}
          </td>
          <td>
            {region.lastProgressTime !== undefined && (
              <Time value={region.lastProgressTime} />
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** A line from the operation's start to the last end that is known or expected; what it shows stands in the other columns. */
function Timeline({
  region,
  operation,
}: {
  readonly region: Region;
  readonly operation: Operation | undefined;
}) {
  const now = useNow();
  if (operation === undefined) return null;
  const start = Date.parse(operation.startedTime ?? operation.createdTime);
  const times = operation.regions
    .flatMap(({ completedTime, expectedEndTime }) => [
      completedTime,
      expectedEndTime,
    ])
    .filter((time) => time !== undefined)
    .map(Date.parse);
  const end = Math.max(
    ...times,
    isRunning(operation) ? now : Date.parse(operation.endTime ?? ""),
    start + 1_000,
  );
  if (Number.isNaN(end)) return null;
  const part = (time: string | undefined): number =>
    time === undefined
      ? 0
      : Math.max(
          0,
          Math.min(100, ((Date.parse(time) - start) / (end - start)) * 100),
        );
  const done =
    region.completedTime ??
    region.lastProgressTime ??
    operation.startedTime ??
    operation.createdTime;
  return (
    <div class="timeline" aria-hidden="true">
      <span
        class={`past ${region.state === "Completed" ? "good" : region.state === "Failed" ? "bad" : "busy"}`}
        style={{ width: `${part(done)}%` }}
      />
      {region.expectedEndTime !== undefined &&
        region.completedTime === undefined && (
          <span
            class="expected"
            style={{ left: `${part(region.expectedEndTime)}%` }}
          />
        )}
      {isRunning(operation) && (
        <span
          class="now"
          style={{ left: `${part(new Date(now).toISOString())}%` }}
        />
      )}
    </div>
  );
}

/** What the machine of each region has shown. */
export function TestsTable({
  tests,
}: {
  readonly tests: readonly Schemas["RegionTest"][];
}) {
  return (
    <Table
      caption="Tests by virtual machines"
      columns={["Region", "Result", "Attempts", "Machine", "Proof", "Disks"]}
    >
      {tests.map((test) => (
        <tr key={test.name}>
          <th scope="row">{test.name}</th>
          <td>
            <State
              state={test.result ?? "Running"}
              text={test.result ?? test.state}
            />
            {test.reason && (
              <div class="sub wrap">
                <code>{test.reason.code}</code> {test.reason.message}
              </div>
            )}
            {(test.left ?? []).map((id) => (
              <div key={id} class="warn-text wrap">
                Could not be deleted: {id}
              </div>
            ))}
          </td>
          <td>
            {test.attempts} of {test.attemptsAllowed}
            {test.nextAttemptTime !== undefined && (
              <div class="sub">
                <Relative value={test.nextAttemptTime} />
              </div>
            )}
          </td>
          <td>
            {test.machineSize}
            <div class="sub" title={test.machineId}>
              {test.machineId?.split("/").at(-1)} {test.state}
            </div>
          </td>
          <td>
            {test.provenTime !== undefined && (
              <>
                Started and proven <Time value={test.provenTime} />
              </>
            )}
            {test.deletedTime !== undefined && (
              <div class="sub">
                Deleted <Time value={test.deletedTime} />
              </div>
            )}
            {test.output !== undefined && (
              <details>
                <summary>Output</summary>
                <pre class="original">{test.output}</pre>
              </details>
            )}
          </td>
          <td>
            {test.disks && (
              <details>
                <summary>{test.disks.length} disks</summary>
                <pre>{JSON.stringify(test.disks, null, 2)}</pre>
              </details>
            )}
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
          <td>
            <Time value={step.time} />
          </td>
          <th scope="row">{step.state}</th>
          <td class="wrap">{step.message}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The calls to Azure, with what finds them in Azure's Activity Log. */
export function Audit({ operation }: { readonly operation: Operation }) {
  const { calls = [], omittedReads, omittedWrites } = operation;
  return (
    <details>
      <summary>Audit: {calls.length} calls to Azure Resource Manager</summary>
      {(omittedReads ?? omittedWrites) !== undefined && (
        <p class="muted">
          {omittedReads ?? 0} earlier reads and {omittedWrites ?? 0} writes are
          not kept.
        </p>
      )}
      <Table
        caption="Calls to Azure Resource Manager"
        columns={["Time", "Call", "Status", "Correlation id"]}
      >
        {calls.map((call, index) => (
          <tr key={index}>
            <td>
              <Time value={call.time} />
            </td>
            <th scope="row" class="wrap">
              {call.method} <code>{call.path}</code>
            </th>
            <td>{call.status ?? "no answer"}</td>
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
  const {
    error,
    warnings = [],
    rollback,
    waitReason,
    nextAttemptTime,
  } = operation;
  return (
    <>
      {error && (
        <div class="card" role="group" aria-label="Why it failed">
          <p>
            <State state="Failed" text={error.code} /> {error.message}
          </p>
          <Findings findings={error.errors} />
        </div>
      )}
      {waitReason !== undefined && (
        <p>
          Waits: {waitReason}{" "}
          {nextAttemptTime !== undefined && (
            <>
              Next: <Time value={nextAttemptTime} /> (
              <Relative value={nextAttemptTime} />)
            </>
          )}
        </p>
      )}
      <Findings findings={warnings} />
      {rollback && <RollbackDetails rollback={rollback} />}
      {operation.tests && <TestsTable tests={operation.tests} />}
    </>
  );
}

export function requesterText(
  requester: Schemas["Requester"] | undefined,
): string {
  return (
    requester?.name ?? requester?.objectId ?? requester?.appId ?? "unknown"
  );
}
