import { Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { regionCount } from "../geography.js";
import { Link } from "../navigation.js";
import type { Operation } from "../operations.js";
import type { ImageName } from "../routes.js";

/** A deletion that has succeeded: what was done, when and by whom, and the way back. */
export function Deleted({
  image,
  version,
  deletion,
  onRestore,
}: {
  readonly image: ImageName;
  readonly version: string;
  readonly deletion: Operation;
  /** Absent where it cannot be restored, or one may not. */
  readonly onRestore?: (() => void) | undefined;
}) {
  const { endTime, requestedBy, regions, softDelete, id } = deletion;
  const until = softDelete?.hardDeletionTargetTime;
  return (
    <section class="card" role="status">
      <div class="say">
        <Tile state={endTime === undefined ? "replicating" : "done"} big />
        <div>
          <h2>
            {endTime === undefined ? (
              `${version} is being deleted`
            ) : (
              <>
                {version} was deleted at <Time value={endTime} lower />
              </>
            )}{" "}
            by <Who requester={requestedBy} />
          </h2>
          <p>
            {regions.length > 0 && `In ${regionCount(regions.length)}. `}
            {softDelete?.isSoftDeleteEnabled === true ? (
              <>
                It can be restored
                {until !== undefined && (
                  <>
                    {" until "}
                    <Time value={until} lower />
                  </>
                )}
                .
              </>
            ) : (
              "It cannot be restored."
            )}
          </p>
          <p class="row">
            <Link to={{ view: "image", image }} class="button small">
              Back to {image.imageName}
            </Link>
            {onRestore && endTime !== undefined && (
              <button type="button" class="small" onClick={onRestore}>
                Restore…
              </button>
            )}
            <Link to={{ view: "operation", operationId: id }}>Operation</Link>
          </p>
        </div>
      </div>
    </section>
  );
}
