import { useState } from "preact/hooks";
import { NotFoundError, type Client } from "@sigil/client";
import { Accepted } from "../components/accepted.js";
import { Crumbs, Head } from "../components/head.js";
import { useClient } from "../context.js";
import type { ActionProps, Version } from "../dialogs/action.js";
import { useLive } from "../live.js";
import { isRunning, readOperation, type Operation } from "../operations.js";
import { IDLE_MS, nextMs } from "../retry.js";
import { imageKey, type ImageName } from "../routes.js";
import { Deleted } from "../version/deleted.js";
import { operationsOf } from "../version/history.js";
import { There } from "../version/there.js";

/** What is there, or that it was deleted. */
type Shown =
  | {
      readonly kind: "there";
      readonly version: Version;
      readonly etag: string;
      /** The last one; absent where Sigil was never asked for one. */
      readonly operation: Operation | undefined;
      readonly nextMs: number;
    }
  | {
      readonly kind: "deleted";
      readonly deletion: Operation;
      readonly isRestoring: boolean;
      readonly nextMs: number;
    };

/** One version: what it waits for, each region, each disk's key, what was done, and what may be. */
export function VersionView({
  image,
  version: name,
}: {
  readonly image: ImageName;
  readonly version: string;
}) {
  const client = useClient();
  const live = useLive<Shown>(
    `${imageKey(image)} ${name}`,
    (_, signal, refresh) => readShown(client, image, name, refresh, signal),
    (shown) => shown.nextMs,
  );
  const [done, setDone] = useState<readonly Parameters<ActionProps["onAccepted"]>[0][]>([]);
  const onAccepted: ActionProps["onAccepted"] = (operation) => {
    setDone((before) => [...before, operation]);
    live.refresh();
  };
  const shown = live.value;
  const above = <Accepted operation={done.at(-1)} />;
  return shown?.kind === "there" ? (
    <There
      image={image}
      {...shown}
      live={live}
      refresh={live.refresh}
      above={above}
      asked={done.length}
      onAccepted={onAccepted}
    />
  ) : (
    <>
      <Head
        title={`${image.imageName} ${name}`}
        crumbs={<Crumbs gallery={image} image={image} />}
        live={live}
      />
      {above}
      {shown && (
        <Deleted
          image={image}
          version={name}
          deletion={shown.deletion}
          isRestoring={shown.isRestoring}
          onAccepted={onAccepted}
        />
      )}
    </>
  );
}

/** Of a version that is gone, the deletion that has led to it. */
async function readShown(
  client: Client,
  image: ImageName,
  name: string,
  refresh: boolean,
  signal: AbortSignal,
): Promise<Shown> {
  try {
    const { headers, body } = await client.call("getImageVersion", {
      path: { ...image, versionName: name },
      query: { expand: "keys", ...(refresh && { refresh }) },
      signal,
    });
    const { operationId } = body.sigil;
    const last =
      operationId === undefined ? undefined : await readOperation(client, operationId, signal);
    return {
      kind: "there",
      version: body,
      etag: headers.get("etag") ?? "",
      operation: last?.operation,
      nextMs: nextMs(headers),
    };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const operations = await operationsOf(client, image, name, signal);
    const [last] = operations;
    const isRestoring = last?.kind === "RestoreImageVersion" && isRunning(last);
    const deletion = isRestoring
      ? operations.find(({ kind }) => kind === "DeleteImageVersion")
      : last;
    if (
      deletion?.kind === "DeleteImageVersion" &&
      (deletion.status === "Succeeded" || isRunning(deletion))
    ) {
      // Unlike the list, it says whether the version can still be restored.
      const read = await readOperation(client, deletion.id, signal);
      const followed = isRestoring ? await readOperation(client, last.id, signal) : read;
      return {
        kind: "deleted",
        deletion: read.operation,
        isRestoring,
        nextMs: isRunning(followed.operation) ? followed.nextMs : IDLE_MS,
      };
    }
    throw error;
  }
}
