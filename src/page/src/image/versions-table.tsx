import { State } from "../components/state.js";
import { Bar, StateWord } from "../components/tile.js";
import { EndOfLife, Time } from "../components/time.js";
import { WindowTable } from "../components/window-table.js";
import { Link } from "../navigation.js";
import type { ImageName } from "../routes.js";
import { ENCRYPTION_NAMES } from "../summaries.js";
import { setsIn, type Cell, type Row } from "./cells.js";

const ROW_HEIGHT = 72;

/** The same in words: the default for few regions. */
export function VersionsTable({
  image,
  regions,
  rows,
  sets,
}: {
  readonly image: ImageName;
  readonly regions: readonly string[];
  readonly rows: readonly Row[];
  readonly sets: readonly string[];
}) {
  return (
    <section class="card">
      <WindowTable
        caption={`Versions of ${image.imageName}, by region`}
        columns={["Version", "State", ...regions, "End of life"]}
        rows={rows}
        rowHeight={ROW_HEIGHT}
        rowKey={({ version }) => version.name}
        cells={({ version, cells, standsOut }) => (
          <>
            <th scope="row">
              <Link to={{ view: "version", image, version: version.name }}>{version.name}</Link>
              <small>
                {standsOut}
                {version.managedBy === "Others" && " · made by others"}
              </small>
            </th>
            <td data-label="State">
              <span>
                <State state={version.state ?? version.provisioningState} />
                {version.publishedDate !== undefined && (
                  <small>
                    Published <Time value={version.publishedDate} lower />
                  </small>
                )}
              </span>
            </td>
            {cells
              .filter(({ region }) => regions.includes(region))
              .map((cell) => (
                <td key={cell.region} data-label={cell.region}>
                  <CellWords version={version.name} cell={cell} sets={sets} />
                </td>
              ))}
            <td data-label="End of life">
              <EndOfLife date={version.endOfLifeDate} />
            </td>
          </>
        )}
      />
    </section>
  );
}

function CellWords({
  version,
  cell: { region, state, word, share, summary },
  sets,
}: {
  readonly version: string;
  readonly cell: Cell;
  readonly sets: readonly string[];
}) {
  if (summary === undefined)
    return (
      <StateWord state="absent">
        <span class="muted">{word}</span>
      </StateWord>
    );
  const keys = setsIn(summary, sets).join(", ");
  return (
    <span>
      <StateWord state={state} share={share}>
        {word}
      </StateWord>
      {share !== undefined && <Bar percent={share} label={`${version} in ${region}`} />}
      <small>
        {summary.regionalReplicaCount !== undefined && `${summary.regionalReplicaCount} × `}
        {summary.storageAccountType}
      </small>
      <small title={keys}>
        {ENCRYPTION_NAMES[summary.encryptionType] ?? summary.encryptionType}
        {keys !== "" && `: ${keys}`}
      </small>
    </span>
  );
}
