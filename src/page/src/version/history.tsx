import { useState } from "preact/hooks";
import { read } from "../components/loaded.js";
import type { Client, Schemas } from "@sigil/client";
import { Card } from "../components/card.js";
import { tileOf } from "../components/state.js";
import { Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { Link } from "../navigation.js";
import { kindName, isRunning, statusText, type Operation } from "../operations.js";
import { parseResourceId, type ImageName } from "../routes.js";
import type { Version } from "../dialogs/action.js";
import type { TileState } from "../tile-state.js";
import type { Requester } from "../who-text.js";
import { ofCondition } from "./headline.js";

/** What was asked of the version, of the last hundred operations on its image definition. */
export async function operationsOf(
  client: Client,
  image: ImageName,
  name: string,
  signal: AbortSignal,
): Promise<readonly Operation[]> {
  const { subscriptionId, resourceGroupName, galleryName, imageName } = image;
  const body = await read(client, "listOperations", {
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

/** One thing that happened to the version. */
interface Happened {
  readonly time: string;
  readonly tile: TileState;
  readonly share?: number | undefined;
  readonly text: string;
  readonly operationId?: string;
  /** Absent of what nobody did. */
  readonly by?: Requester | undefined;
}

const SHOWN = 10;

/** Operations, tests, and since when its conditions hold, newest first. */
export function HistoryCard({
  version,
  operations,
  results,
}: {
  readonly version: Version;
  /** Undefined while they are read. */
  readonly operations: readonly Operation[] | undefined;
  readonly results: readonly Schemas["ReportedTestResult"][];
}) {
  const [isWhole, setWhole] = useState(false);
  const all = happenedTo(version, operations ?? [], results);
  const { operationId } = version.sigil;
  return (
    <Card
      id="history"
      title="History"
      aside={
        operationId !== undefined && (
          <Link to={{ view: "operation", operationId }} class="link small">
            Calls to Azure
          </Link>
        )
      }
    >
      {all.length === 0 ? (
        <p class="pad muted small">
          {operations === undefined ? "Reading…" : "Nothing was asked of it through Sigil."}
        </p>
      ) : (
        <ol class="events">
          {all.slice(0, isWhole ? all.length : SHOWN).map((one, index) => (
            <li key={index}>
              <Tile state={one.tile} share={one.share} />
              {one.operationId === undefined ? (
                one.text
              ) : (
                <Link to={{ view: "operation", operationId: one.operationId }}>{one.text}</Link>
              )}
              <p>
                <Time value={one.time} />
                {one.by && (
                  <>
                    , by <Who requester={one.by} />
                  </>
                )}
              </p>
            </li>
          ))}
        </ol>
      )}
      {all.length > SHOWN && !isWhole && (
        <p class="pad">
          <button type="button" class="small" onClick={() => setWhole(true)}>
            All {all.length}
          </button>
        </p>
      )}
    </Card>
  );
}

export function happenedTo(
  version: Version,
  operations: readonly Operation[],
  results: readonly Schemas["ReportedTestResult"][],
): readonly Happened[] {
  const { conditions = [], regions } = version.sigil;
  return [
    ...operations.map((one): Happened => ({
      time: one.endTime ?? one.createdTime,
      tile: tileOf(one.status),
      share: isRunning(one) ? one.percentComplete : undefined,
      text: `${kindName(one.kind)}: ${statusText(one)}`,
      operationId: one.id,
      by: one.requestedBy,
    })),
    ...conditions.flatMap((one): Happened[] =>
      one.since === undefined
        ? []
        : [
            {
              time: one.since,
              ...(({ tile, title }) => ({ tile, text: title }))(ofCondition(version, one)),
            },
          ],
    ),
    ...results.map((one): Happened => ({
      time: one.time,
      tile: one.result === "passed" ? "done" : tileOf(one.result),
      text: `${one.name}: ${one.result} in ${one.region}`,
      by: one.reportedBy,
    })),
    ...regions.flatMap(({ name, attempts, completedTime }): Happened[] =>
      attempts > 1 && completedTime !== undefined
        ? [{ time: completedTime, tile: "done", text: `${name}: ready after ${attempts} attempts` }]
        : [],
    ),
  ].sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
}
