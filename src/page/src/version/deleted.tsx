import { Say } from "../components/box.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import type { ActionProps } from "../dialogs/action.js";
import { regionCount } from "../geography.js";
import { DeletedActions } from "./deleted-actions.js";
import { Link } from "../navigation.js";
import type { Operation } from "../operations.js";
import type { ImageName } from "../routes.js";

/** A deletion that has succeeded: what was done, when and by whom, and the way back. */
export function Deleted({
  image,
  version,
  deletion,
  isRestoring,
  onAccepted,
}: Pick<ActionProps, "onAccepted"> & {
  readonly image: ImageName;
  readonly version: string;
  readonly deletion: Operation;
  readonly isRestoring: boolean;
}) {
  const { endTime, requestedBy, regions, softDelete, id } = deletion;
  const canBeRestored = softDelete?.isSoftDeleteEnabled === true;
  const until = softDelete?.hardDeletionTargetTime;
  return (
    <section class="card" role="status">
      <Say
        tile={endTime === undefined || isRestoring ? "replicating" : "done"}
        title={
          <>
            {endTime === undefined ? (
              `${version} is being deleted`
            ) : (
              <>
                {version} was deleted at <Time value={endTime} lower />
              </>
            )}{" "}
            by <Who requester={requestedBy} />
          </>
        }
      >
        <p>
          {regions.length > 0 && `In ${regionCount(regions.length)}. `}
          {isRestoring ? (
            "It is being restored."
          ) : canBeRestored ? (
            <>
              It can be restored
              <Time before=" until " value={until} lower />.
            </>
          ) : (
            "It cannot be restored."
          )}
        </p>
        <div class="row">
          <Link to={{ view: "image", image }} class="button small">
            Back to {image.imageName}
          </Link>
          {canBeRestored && !isRestoring && endTime !== undefined && (
            <DeletedActions
              image={image}
              version={version}
              onAccepted={onAccepted}
              onPurged={() => onAccepted(undefined)}
            />
          )}
          <p>
            <Link to={{ view: "operation", operationId: id }}>Operation</Link>
          </p>
        </div>
      </Say>
    </section>
  );
}
