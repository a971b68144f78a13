import type { Schemas } from "@sigil/client";
import { Card } from "../components/card.js";
import { State } from "../components/state.js";
import { Table } from "../components/table.js";
import { Relative, Time } from "../components/time.js";
import { whoText } from "../who-text.js";
import { Who } from "../components/who.js";

/** The results of each test in each region, and what machines have shown. */
export function TestsCard({
  results,
  tests,
}: {
  readonly results: readonly Schemas["ReportedTestResult"][];
  readonly tests: readonly Schemas["RegionTest"][];
}) {
  if (results.length === 0 && tests.length === 0) return null;
  return (
    <Card id="tests" title="Tests">
      {results.length > 0 && (
        <Table caption="Results of tests" columns={["Test", "Region", "Result", "When", "By"]}>
          {results.map(({ name, region, result, message, link, time, reportedBy, counts }) => (
            <tr key={`${name} ${region} ${time} ${whoText(reportedBy)}`}>
              <th scope="row">{name}</th>
              <td data-label="Region">{region}</td>
              <td data-label="Result">
                <span>
                  <State state={result} />
                  {counts !== true && <small>It does not count now.</small>}
                  {message !== undefined && <small>{message}</small>}
                  {link !== undefined && (
                    <small>
                      {/* Of whoever may report: only what a browser cannot run. */}
                      {/^https:\/\//u.test(link) ? (
                        <a href={link} rel="noreferrer" target="_blank">
                          Its log
                        </a>
                      ) : (
                        link
                      )}
                    </small>
                  )}
                </span>
              </td>
              <td data-label="When">
                <Time value={time} />
              </td>
              <td data-label="By">
                <Who requester={reportedBy} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {tests.length > 0 && <MachinesTable tests={tests} />}
    </Card>
  );
}

/** What the machine of each region has shown. */
export function MachinesTable({ tests }: { readonly tests: readonly Schemas["RegionTest"][] }) {
  return (
    <Table
      caption="Tests by virtual machines"
      columns={["Region", "Result", "Attempts", "Machine", "Proof"]}
    >
      {tests.map((test) => (
        <tr key={test.name}>
          <th scope="row">{test.name}</th>
          <td data-label="Result">
            <span>
              <State state={test.result ?? "Running"} text={test.result ?? test.state} />
              {test.reason && <small title={test.reason.code}>{test.reason.message}</small>}
              {(test.left ?? []).map((id) => (
                <small key={id} class="warn-text">
                  Could not be deleted: {id}
                </small>
              ))}
            </span>
          </td>
          <td data-label="Attempts">
            {test.attempts} of {test.attemptsAllowed}
            {test.nextAttemptTime !== undefined && (
              <small>
                <Relative value={test.nextAttemptTime} />
              </small>
            )}
          </td>
          <td data-label="Machine">
            <span>
              {test.machineSize}
              <small title={test.machineId}>
                {test.machineId?.split("/").at(-1)} {test.state}
              </small>
            </span>
          </td>
          <td>
            <Time before="Started and proven " value={test.provenTime} lower />
            {test.deletedTime !== undefined && (
              <small>
                Deleted <Time value={test.deletedTime} lower />
              </small>
            )}
            {test.output !== undefined && (
              <details>
                <summary>Output</summary>
                <pre tabIndex={0}>{test.output}</pre>
              </details>
            )}
            {test.disks && (
              <details>
                <summary>{test.disks.length} disks</summary>
                <pre tabIndex={0}>{JSON.stringify(test.disks, null, 2)}</pre>
              </details>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
