import type { Schemas } from "@sigil/client";
import { Findings } from "./problem.js";
import { Table } from "./table.js";

/** What a plan has found, and what the request would change. */
export function PlanDetails({ plan }: { readonly plan: Schemas["Plan"] }) {
  return (
    <>
      <Findings findings={plan.findings} />
      <Changes changes={plan.changes} />
      {plan.request && (
        <details>
          <summary>The request to Azure Resource Manager</summary>
          <pre>
            {`${plan.request.method} ${plan.request.url}\n\n${JSON.stringify(plan.request.body, null, 2)}`}
          </pre>
        </details>
      )}
    </>
  );
}

export function Changes({
  changes,
}: {
  readonly changes: readonly Schemas["PropertyChange"][];
}) {
  if (changes.length === 0) return <p>Nothing changes.</p>;
  return (
    <Table
      caption="Changes"
      columns={["Property", "Change", "Before", "After"]}
    >
      {changes.map((change, index) => (
        <tr key={index}>
          <th scope="row">
            <code>{change.pointer}</code>
          </th>
          <td>{change.propertyChangeType}</td>
          <td>{shown(change.before)}</td>
          <td>{shown(change.after)}</td>
        </tr>
      ))}
    </Table>
  );
}

function shown(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
