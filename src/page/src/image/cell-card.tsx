import { Note } from "../components/box.js";
import { Tile } from "../components/tile.js";
import { EndOfLife, Time } from "../components/time.js";
import { Link } from "../navigation.js";
import type { ImageName } from "../routes.js";
import { dueText } from "../times.js";
import { setsIn, type Cell, type Row } from "./cells.js";

/** What is known of the tile that one looks at: beside the map, on a phone as a sheet at the foot. */
export function CellCard({
  image,
  row,
  cell,
  latest,
  sets,
  onClose,
}: {
  readonly image: ImageName;
  readonly row: Row | undefined;
  readonly cell: Cell | undefined;
  /** Which version is the latest in its region. */
  readonly latest: string | undefined;
  readonly sets: readonly string[];
  readonly onClose: () => void;
}) {
  if (row === undefined || cell === undefined)
    return (
      <aside class="card side wide-only" aria-label="Details">
        <p class="pad muted small">
          Point at a tile, or go to the map and use the arrow keys. Enter opens the version.
        </p>
      </aside>
    );
  const { version } = row;
  const { summary } = cell;
  return (
    <aside class="card side sheet" aria-label="Details">
      <div class="pad">
        <p class="muted small">{version.name} in</p>
        <h2>{cell.region}</h2>
        <p class="state">
          <Tile state={cell.state} share={cell.share} />
          <b>{cell.word}</b>
        </p>
        {summary?.stalledTime !== undefined && (
          <Note tone="warning">
            No progress since <Time value={summary.stalledTime} lower />.
          </Note>
        )}
        {summary?.nextAttemptTime !== undefined && (
          <Note tone="error">
            Sigil tries again at <Time value={summary.nextAttemptTime} lower />.
          </Note>
        )}
        <dl class="pairs wide-only">
          <dt>Latest here</dt>
          <dd>{latest ?? "none"}</dd>
          {summary && (
            <>
              <dt>Replicas</dt>
              <dd>
                {summary.regionalReplicaCount ?? 1}, {summary.storageAccountType}
              </dd>
              <dt>Keys</dt>
              <dd>{setsIn(summary, sets).join(", ") || "Azure's own"}</dd>
            </>
          )}
          {summary?.expectedEndTime !== undefined && (
            <>
              <dt>Ready</dt>
              <dd>{dueText(summary.expectedEndTime)}</dd>
            </>
          )}
          {version.publishedDate !== undefined && (
            <>
              <dt>Published</dt>
              <dd>
                <Time value={version.publishedDate} />
              </dd>
            </>
          )}
          {version.endOfLifeDate !== undefined && (
            <>
              <dt>End of life</dt>
              <dd>
                <EndOfLife date={version.endOfLifeDate} />
              </dd>
            </>
          )}
        </dl>
        <p class="row">
          <Link to={{ view: "version", image, version: version.name }} class="button small">
            Open the version
          </Link>
          <button type="button" class="small phone-only" onClick={onClose}>
            Close
          </button>
        </p>
        <p class="muted small wide-only">Arrow keys move. Enter opens.</p>
      </div>
    </aside>
  );
}
