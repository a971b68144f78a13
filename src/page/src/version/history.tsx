import type { Client } from "@sigil/client";
import { Card } from "../components/card.js";
import { tileOf } from "../components/state.js";
import { Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { Link } from "../navigation.js";
import { kindName, isRunning, statusText, type Operation } from "../operations.js";
import { parseResourceId, type ImageName } from "../routes.js";

/** What was asked of the version, of the last hundred operations on its image definition. */
export async function operationsOf(
  client: Client,
  image: ImageName,
  name: string,
  signal: AbortSignal,
): Promise<readonly Operation[]> {
  const { subscriptionId, resourceGroupName, galleryName, imageName } = image;
  const { body } = await client.call("listOperations", {
    query: {
      imageDefinition: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Compute/galleries/${galleryName}/images/${imageName}`,
      top: 100,
    },
    signal,
  });
  return body.value.filter(
    ({ resourceId, rollback }) =>
      parseResourceId(resourceId)?.version === name ||
      rollback?.to === name ||
      rollback?.from === name,
  );
}

/** What was asked of the version, newest first. */
export function HistoryCard({
  operations,
}: {
  /** Undefined while they are read. */
  readonly operations: readonly Operation[] | undefined;
}) {
  return (
    <Card id="history" title="History">
      {operations === undefined ? (
        <p class="pad muted small">Reading…</p>
      ) : operations.length === 0 ? (
        <p class="pad muted small">Nothing was asked of it through Sigil.</p>
      ) : (
        <ol class="events">
          {operations.map((operation) => (
            <li key={operation.id}>
              <Tile
                state={tileOf(operation.status)}
                share={isRunning(operation) ? operation.percentComplete : undefined}
              />
              <Link to={{ view: "operation", operationId: operation.id }}>
                {kindName(operation.kind)}: {statusText(operation)}
              </Link>
              <p>
                <Time value={operation.endTime ?? operation.createdTime} />, by{" "}
                <Who requester={operation.requestedBy} />
              </p>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
