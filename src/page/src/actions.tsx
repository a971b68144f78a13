import { useState } from "preact/hooks";
import { ProblemError, type Schemas } from "@sigil/client";
import { Dialog } from "./components/dialog.js";
import { useLoaded } from "./components/loaded.js";
import { Findings, Problem } from "./components/problem.js";
import { Table } from "./components/table.js";
import { useClient, useRequestKey } from "./context.js";
import { latestChanges, type LatestChange } from "./latest.js";
import { useLive } from "./live.js";
import { BUSY_MS, IDLE_MS } from "./retry.js";
import { kindName, type Operation } from "./operations.js";
import { imageKey, type ImageName } from "./routes.js";
import { readSummary, type Summary } from "./summaries.js";

export type Version = Schemas["ImageVersion"];

/** What is asked for in a dialog, and what an accepted request has led to. */
export interface ActionProps {
  readonly onAccepted: (operation: Operation) => void;
  readonly onClose: () => void;
}

interface VersionActionProps extends ActionProps {
  readonly image: ImageName;
  readonly version: Version;
  /** As it is seen. What has changed since the dialog was opened is refused: it says what happens to what was seen then. */
  readonly etag: string;
}

/** Includes a version in latest, or excludes it. */
export function PromotionDialog({
  image,
  version,
  etag,
  promote,
  onAccepted,
  onClose,
}: VersionActionProps & { readonly promote: boolean }) {
  const client = useClient();
  const keyOf = useRequestKey();
  const [seen] = useState(etag);
  const [allowed, setAllowed] = useState(false);
  const path = { ...image, versionName: version.name };
  return (
    <Dialog
      title={
        promote
          ? `Promote ${version.name}`
          : `Exclude ${version.name} from latest`
      }
      confirm={promote ? "Promote" : "Exclude"}
      onClose={onClose}
      onConfirm={async () => {
        const header = {
          "If-Match": seen,
          "Idempotency-Key": keyOf([promote, allowed]),
        };
        const { body } = promote
          ? await client.call("promoteImageVersion", { path, header })
          : await client.call("demoteImageVersion", {
              path,
              header,
              query: allowNoLatest(allowed),
            });
        onAccepted(body);
      }}
    >
      <p>
        {promote
          ? "Virtual machines made without a version number get it where it is then the highest that is ready. In waves it is promoted in the next one."
          : "Virtual machines made without a version number do not get it any more. Those that were made from it stay as they are. Its promotion rule ends."}
      </p>
      <LatestEffect
        image={image}
        version={version.name}
        becomes={promote ? "included" : "excluded"}
        {...(!promote && { allowed, onAllow: setAllowed })}
      />
    </Dialog>
  );
}

export function DeleteDialog({
  image,
  version,
  etag,
  onAccepted,
  onClose,
}: VersionActionProps) {
  const client = useClient();
  const [seen] = useState(etag);
  const [typed, setTyped] = useState("");
  const [allowed, setAllowed] = useState(false);
  const regions = version.sigil.regions.map(({ name }) => name);
  return (
    <Dialog
      title={`Delete ${version.name}`}
      confirm="Delete"
      danger
      disabled={typed !== version.name}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("deleteImageVersion", {
          path: { ...image, versionName: version.name },
          query: allowNoLatest(allowed),
          header: { "If-Match": seen },
        });
        onAccepted(body);
      }}
    >
      <p>
        The version is deleted in Azure, in {regions.join(", ") || "no region"}.
        It can be restored only where its gallery has soft delete. The DELETE is
        sent once Azure works on nothing else of the version; what works on it
        is given up then. Virtual machines that were made from it stay as they
        are.
        {version.sigil.managedBy === "Others" &&
          " Sigil has not created this version."}
      </p>
      <LatestEffect
        image={image}
        version={version.name}
        becomes="deleted"
        allowed={allowed}
        onAllow={setAllowed}
      />
      <label>
        Type {version.name} to confirm{" "}
        <input
          value={typed}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
    </Dialog>
  );
}

export function RetryDialog({
  image,
  version,
  onAccepted,
  onClose,
}: Omit<VersionActionProps, "etag">) {
  const client = useClient();
  const keyOf = useRequestKey();
  const failed = version.sigil.regions
    .filter(({ state }) => state === "Failed")
    .map(({ name }) => name);
  const [chosen, setChosen] = useState<readonly string[]>(failed);
  return (
    <Dialog
      title={`Retry failed regions of ${version.name}`}
      confirm="Retry"
      disabled={chosen.length === 0}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("retryImageVersion", {
          path: { ...image, versionName: version.name },
          header: { "Idempotency-Key": keyOf(chosen) },
          body: { regions: [...chosen] },
        });
        onAccepted(body);
      }}
    >
      <p>
        Each chosen region is removed from the version and added back with the
        same keys, which is Azure's own way to repair it. Regions that are ready
        are not touched.
      </p>
      <fieldset>
        <legend>Failed regions</legend>
        {failed.map((name) => (
          <label key={name} class="choice">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(event) =>
                setChosen(
                  event.currentTarget.checked
                    ? [...chosen, name]
                    : chosen.filter((each) => each !== name),
                )
              }
            />
            {name}
          </label>
        ))}
      </fieldset>
    </Dialog>
  );
}

/** Makes a machine in each region, proves that it starts with its keys, and deletes it. */
export function TestDialog({
  image,
  version,
  onAccepted,
  onClose,
}: Omit<VersionActionProps, "etag">) {
  const client = useClient();
  const keyOf = useRequestKey();
  const path = { ...image, versionName: version.name };
  const plan = useLoaded("test plan", async (signal) => {
    const { body } = await client.call("planTest", { path, signal });
    return body.regions;
  });
  const [excluded, setExcluded] = useState<readonly string[]>([]);
  const possible = plan.kind === "loaded" ? plan.value : [];
  const chosen = possible.filter(({ name }) => !excluded.includes(name));
  return (
    <Dialog
      title={`Test ${version.name}`}
      confirm="Test"
      disabled={chosen.length === 0}
      onClose={onClose}
      onConfirm={async () => {
        const regions = chosen.map(({ name }) => name);
        const { body } = await client.call("testImageVersion", {
          path,
          header: { "Idempotency-Key": keyOf(regions) },
          body: { regions },
        });
        onAccepted(body);
      }}
    >
      {plan.kind === "loading" && <p role="status">Reading what it takes…</p>}
      {plan.kind === "failed" && <Problem error={plan.error} />}
      {plan.kind === "loaded" && (
        <>
          <p>
            In each chosen region a virtual machine is made from {version.name}.
            It is proven that it starts and that its disks have the keys of the
            version; then it is deleted. Azure bills the machines while they are
            there.
          </p>
          <fieldset>
            <legend>Regions</legend>
            {possible.map(
              ({
                name,
                machineSize,
                resourceGroupName,
                disks,
                atMostMinutes,
                hindrance,
                cost,
              }) => (
                <label key={name} class="choice">
                  <input
                    type="checkbox"
                    checked={!excluded.includes(name)}
                    onChange={(event) =>
                      setExcluded(
                        event.currentTarget.checked
                          ? excluded.filter((each) => each !== name)
                          : [...excluded, name],
                      )
                    }
                  />
                  {name}: {machineSize} in {resourceGroupName}, with{" "}
                  {disks.length === 1 ? "one disk" : `${disks.length} disks`},
                  deleted after {atMostMinutes} minutes at most. Cost:{" "}
                  {cost.message}
                  {hindrance !== undefined &&
                    ` No machine would be made now: ${hindrance.message}`}
                </label>
              ),
            )}
          </fieldset>
        </>
      )}
    </Dialog>
  );
}

export function CancelDialog({
  operation,
  onAccepted,
  onClose,
}: ActionProps & { readonly operation: Operation }) {
  const client = useClient();
  return (
    <Dialog
      title={`Cancel: ${kindName(operation.kind)}`}
      confirm="Cancel the operation"
      danger
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("cancelOperation", {
          path: { operationId: operation.id },
        });
        onAccepted(body);
      }}
    >
      <p>
        {operation.status === "NotStarted"
          ? "It has not begun: unless it begins meanwhile, nothing is changed for it."
          : cancelEffect(operation)}
      </p>
    </Dialog>
  );
}

/** What becomes of what an operation of this kind has begun. */
function cancelEffect({ kind, regions }: Operation): string {
  const ready = regions.filter(({ state }) => state === "Completed").length;
  const goesOn = `Sigil stops working on it. What Azure has begun is not undone: ${ready} of ${regions.length} regions are ready, and Azure may go on with the others.`;
  switch (kind) {
    case "CreateImageVersion":
      return `${goesOn} A version that was just created stays, excluded from latest, until somebody promotes or deletes it.`;
    case "RetryImageVersion":
      return `${goesOn} A region that was taken away is added back before it ends.`;
    case "DeleteImageVersion":
      return "Where Azure was not asked yet, nothing is deleted. Else Azure may carry the deletion out, and Sigil no longer follows it.";
    case "RollBackImage":
      return "What was promoted or demoted already stays. What is being done to a version goes on; nothing further is changed.";
    case "TestImageVersion":
      return "The machines that were made for it are deleted before it ends, and no more are made.";
    case "PrepareSubscription":
      return "Azure goes on registering what was requested. Sigil requests nothing more.";
    case "PromoteImageVersion":
    case "DemoteImageVersion":
      return "Sigil stops working on it. What was sent to Azure may still be carried out: the version shows whether.";
    default:
      return goesOn;
  }
}

/** An older one is gone back to from its own view. */
const MOST_CHOICES = 200;

/** Goes back to an earlier version: first a dry run, and the very request that it was made for then. */
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
  const { value: plan, error } = useLive<Schemas["Rollback"]>(
    `rollback ${target} ${allowed}`,
    async (_, signal) => {
      const { body } = await client.call("planRollback", {
        path: { ...image },
        query: allowNoLatest(allowed),
        body: named,
        signal,
      });
      return body;
    },
    () => IDLE_MS,
  );
  return (
    <Dialog
      title={`Roll back ${image.imageName}`}
      confirm="Roll back"
      danger
      disabled={plan === undefined || error !== undefined}
      onClose={onClose}
      onConfirm={async () => {
        if (plan === undefined) return;
        const { body } = await client.call("rollBackImage", {
          path: { ...image },
          query: allowNoLatest(allowed),
          header: { "Idempotency-Key": keyOf([plan.to, allowed]) },
          // What the plan has said, whatever is the latest by now.
          body: { to: plan.to },
        });
        onAccepted(body);
      }}
    >
      <label>
        Go back to{" "}
        <select
          value={target}
          onChange={(event) => setTarget(event.currentTarget.value)}
        >
          <option value="">the version before the latest</option>
          {versions.slice(0, MOST_CHOICES).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {(allowed || isNoLatest(error)) && (
        <NoLatestTick allowed={allowed} onAllow={setAllowed} />
      )}
      <div role="status">
        {error !== undefined ? (
          <Problem error={error} />
        ) : plan === undefined ? (
          <p>Asking what would change…</p>
        ) : (
          <RollbackDetails rollback={plan} />
        )}
      </div>
    </Dialog>
  );
}

export function RollbackDetails({
  rollback,
}: {
  readonly rollback: Schemas["Rollback"];
}) {
  return (
    <>
      <p>
        From {rollback.from} to {rollback.to}. Nothing is deleted.
      </p>
      <Findings findings={rollback.warnings ?? []} />
      <LatestTable
        changes={rollback.regions.map(({ name, from, to }) => ({
          region: name,
          from,
          to,
        }))}
      />
    </>
  );
}

function allowNoLatest(allowed: boolean): { allowNoLatest?: true } {
  return allowed ? { allowNoLatest: true } : {};
}

export const NO_LATEST = "RegionWouldLoseLatest";

function isNoLatest(error: unknown): boolean {
  return error instanceof ProblemError && error.code === NO_LATEST;
}

interface NoLatestProps {
  readonly allowed: boolean;
  readonly onAllow: (allowed: boolean) => void;
}

export function NoLatestTick({ allowed, onAllow }: NoLatestProps) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={allowed}
        onChange={(event) => onAllow(event.currentTarget.checked)}
      />
      Leave regions without a latest version
    </label>
  );
}

function LatestEffect({
  image,
  version,
  becomes,
  allowed = false,
  onAllow,
}: Partial<NoLatestProps> & {
  readonly image: ImageName;
  readonly version: string;
  readonly becomes: "included" | "excluded" | "deleted";
}) {
  const client = useClient();
  // Others change versions while one reads the dialog.
  const { value, error } = useLive<Summary>(
    `latest of ${imageKey(image)}`,
    (previous, signal) => readSummary(client, image, previous, signal),
    () => BUSY_MS,
  );
  if (error !== undefined) return <Problem error={error} />;
  if (value === undefined) return <p role="status">Reading versions…</p>;
  const changes = latestChanges(value.body.versions, version, becomes);
  return changes.length === 0 ? (
    <p>In no region another version becomes the latest.</p>
  ) : (
    <>
      <LatestTable changes={changes} />
      {onAllow !== undefined && changes.some(({ to }) => to === undefined) && (
        <NoLatestTick allowed={allowed} onAllow={onAllow} />
      )}
    </>
  );
}

function LatestTable({
  changes,
}: {
  readonly changes: readonly LatestChange[];
}) {
  return (
    <Table
      caption="Latest version in each region"
      columns={["Region", "Latest now", "Latest after"]}
    >
      {changes.map(({ region, from, to }) => (
        <tr key={region}>
          <th scope="row">{region}</th>
          <td>{from ?? "none"}</td>
          <td>{to ?? "none"}</td>
        </tr>
      ))}
    </Table>
  );
}
