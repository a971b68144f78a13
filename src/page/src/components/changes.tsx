import type { Schemas } from "@sigil/client";
import { Table } from "./table.js";

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
