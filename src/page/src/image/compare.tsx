import { useState } from "preact/hooks";
import { Card } from "../components/card.js";
import { Command } from "../components/command.js";
import { Select } from "../components/filters.js";
import { useRead } from "../components/loaded.js";
import { Problem } from "../components/problem.js";
import { Table } from "../components/table.js";
import { shellWord, versionWords } from "../command-line.js";
import type { ImageName } from "../routes.js";
import { differencesOf } from "./differences.js";

/** What two versions have otherwise. */
export function Compare({
  image,
  names,
  onClose,
}: {
  readonly image: ImageName;
  /** Highest first. */
  readonly names: readonly string[];
  readonly onClose: () => void;
}) {
  const [left, setLeft] = useState(names[1] ?? "");
  const [right, setRight] = useState(names[0] ?? "");
  const before = useRead("getImageVersion", { path: { ...image, versionName: left } });
  const after = useRead("getImageVersion", { path: { ...image, versionName: right } });
  const differences = before.value && after.value && differencesOf(before.value, after.value);
  const shown = (name: string): string =>
    `<(sigil image-version show ${versionWords(image, name).map(shellWord).join(" ")})`;
  return (
    <Card
      id="compare"
      title="Compare two versions"
      aside={
        <button type="button" class="small" onClick={onClose}>
          Close
        </button>
      }
    >
      <div class="pad row">
        <Select label="First version" value={left} options={names} onChange={setLeft} />
        <Select label="Second version" value={right} options={names} onChange={setRight} />
      </div>
      {[before, after].map((one, index) => one.error && <Problem key={index} error={one.error} />)}
      {differences?.length === 0 && (
        <p class="pad" role="status">
          They are the same in source, regions, keys, replicas, latest, promotion rule, end of life
          and tags.
        </p>
      )}
      {differences !== undefined && differences.length > 0 && (
        <Table caption={`What ${right} has otherwise than ${left}`} columns={["What", left, right]}>
          {differences.map(({ what, left: one, right: other }) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td data-label={left}>{one}</td>
              <td data-label={right}>{other}</td>
            </tr>
          ))}
        </Table>
      )}
      <details class="fold">
        <summary>The same with sigil</summary>
        <p class="pad muted small">
          No command of sigil compares: it shows each, and diff compares.
        </p>
        <Command line={`diff ${shown(left)} ${shown(right)}`} />
      </details>
    </Card>
  );
}
