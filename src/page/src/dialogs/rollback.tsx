import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Dialog } from "../components/dialog.js";
import { Select } from "../components/filters.js";
import { Findings, Problem } from "../components/problem.js";
import { NoLatestTick } from "../components/tick.js";
import { imageWords } from "../command-line.js";
import { useClient, useRequestKey } from "../context.js";
import { read } from "../components/loaded.js";
import { useLive } from "../live.js";
import { BUSY_MS } from "../retry.js";
import type { ImageName } from "../routes.js";
import { allowNoLatest, isNoLatest, type ActionProps } from "./action.js";
import { LatestTable } from "./latest-table.js";

/** To go back to an older version, open its own view. */
const MOST_CHOICES = 200;

/** Rolls back to an earlier version: a dry run first, then the same request. */
export function RollbackDialog({
  image,
  to,
  versions,
  onAccepted,
  onClose,
}: ActionProps & {
  readonly image: ImageName;
  readonly to?: string;
  /** Names to choose from, highest first. */
  readonly versions: readonly string[];
}) {
  const client = useClient();
  const keyOf = useRequestKey();
  const [target, setTarget] = useState(to ?? "");
  const [allowed, setAllowed] = useState(false);
  const named = target === "" ? {} : { to: target };
  const { value: dryRun, error } = useLive<Schemas["Rollback"]>(
    `rollback ${target} ${allowed}`,
    (_, signal) =>
      read(client, "planRollback", {
        path: { ...image },
        query: allowNoLatest(allowed),
        body: named,
        signal,
      }),
    () => BUSY_MS,
    false,
  );
  return (
    <Dialog
      title={`Roll back ${image.imageName}?`}
      lead="An earlier version becomes the latest again. Nothing is deleted."
      confirm="Roll back"
      disabled={dryRun === undefined || error !== undefined}
      onClose={onClose}
      onConfirm={async () => {
        if (dryRun === undefined) return;
        const { body } = await client.call("rollBackImage", {
          path: { ...image },
          query: allowNoLatest(allowed),
          header: { "Idempotency-Key": keyOf([dryRun.to, allowed]) },
          // The target of the dry run, even if the latest has changed since.
          body: { to: dryRun.to },
        });
        onAccepted(body);
      }}
      sigil={[
        "image-version",
        "roll-back",
        ...imageWords(image),
        ...(target === "" ? [] : ["--to", target]),
        ...(allowed ? ["--allow-no-latest"] : []),
      ]}
    >
      <label>
        Roll back to
        <Select
          value={target}
          options={[["", "the version before the latest"], ...versions.slice(0, MOST_CHOICES)]}
          onChange={setTarget}
        />
      </label>
      {(allowed || isNoLatest(error)) && <NoLatestTick allowed={allowed} onAllow={setAllowed} />}
      <div role="status">
        {error !== undefined ? (
          <Problem error={error} />
        ) : dryRun === undefined ? (
          <p>Checking what would change…</p>
        ) : (
          <RollbackDetails rollback={dryRun} />
        )}
      </div>
    </Dialog>
  );
}

export function RollbackDetails({ rollback }: { readonly rollback: Schemas["Rollback"] }) {
  return (
    <>
      <p>
        From {rollback.from} to {rollback.to}.
      </p>
      <Findings findings={rollback.warnings ?? []} />
      <LatestTable
        regions={rollback.regions.map(({ name, from, to }) => ({
          region: name,
          from,
          to,
        }))}
      />
    </>
  );
}
