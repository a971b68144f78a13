import { useEffect, useState } from "preact/hooks";
import { NotFoundError, type Client } from "@sigil/client";
import { Changes } from "../components/changes.js";
import { Command, SameWithSigil } from "../components/command.js";
import { Crumbs, Head } from "../components/head.js";
import { LiveDot, LiveState } from "../components/live.js";
import { useLoaded } from "../components/loaded.js";
import { Findings } from "../components/problem.js";
import { Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { UseDetails } from "../components/use-details.js";
import { Who } from "../components/who.js";
import { versionWords } from "../command-line.js";
import { useClient, useMay } from "../context.js";
import type { ActionProps, Version } from "../dialogs/action.js";
import { RestoreDialog } from "../dialogs/restore.js";
import { useLive } from "../live.js";
import { Link } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { BUSY_MS, IDLE_MS } from "../retry.js";
import { imageKey, parseResourceId, type ImageName } from "../routes.js";
import { isOpen, readSummary, type Summary } from "../summaries.js";
import { Actions, Headlines } from "../version/actions.js";
import { Deleted } from "../version/deleted.js";
import { Facts } from "../version/facts.js";
import { HistoryCard } from "../version/history.js";
import { KeysCard } from "../version/keys.js";
import { MachineCard } from "../version/machine.js";
import { Regions } from "../version/regions.js";
import { TestsCard } from "../version/tests.js";
import { Waves } from "../version/waves.js";

/** What is there, or that it was deleted. */
type Shown =
  | {
      readonly kind: "there";
      readonly version: Version;
      readonly etag: string;
      /** The last one; absent where Sigil was never asked for one. */
      readonly operation: Operation | undefined;
    }
  | { readonly kind: "deleted"; readonly deletion: Operation };

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
    (_, signal) => readShown(client, image, name, signal),
    (shown) => (isBusy(shown) ? BUSY_MS : IDLE_MS),
  );
  const [accepted, setAccepted] = useState<Operation>();
  const onAccepted = (begun: Operation): void => {
    setAccepted(begun);
    live.refresh();
  };
  const shown = live.value;
  const title = `${image.imageName} ${name}`;
  const published =
    shown?.kind === "there"
      ? shown.version.properties.publishingProfile.publishedDate
      : undefined;
  return (
    <>
      <Head
        title={title}
        crumbs={<Crumbs gallery={image} image={image} />}
        meta={
          <>
            <LiveDot live={live} />
            {published !== undefined && (
              <>
                {" · Published "}
                <Time value={published} lower />
              </>
            )}
          </>
        }
      >
        {shown?.kind === "there" && (
          <Actions
            image={image}
            version={shown.version}
            etag={shown.etag}
            operation={shown.operation}
            onAccepted={onAccepted}
          />
        )}
      </Head>
      <LiveState live={live} />
      <div role="status">
        {accepted && shown?.kind === "there" && (
          <p class="banner">
            <span>
              Accepted:{" "}
              <Link to={{ view: "operation", operationId: accepted.id }}>
                {kindName(accepted.kind)}
              </Link>
            </span>
          </p>
        )}
      </div>
      {shown?.kind === "deleted" && (
        <DeletedVersion
          image={image}
          version={name}
          deletion={shown.deletion}
          onAccepted={onAccepted}
        />
      )}
      {shown?.kind === "there" && (
        <Details
          image={image}
          shown={shown}
          accepted={accepted}
          onAccepted={onAccepted}
        />
      )}
    </>
  );
}

function isBusy(shown: Shown): boolean {
  return shown.kind === "deleted"
    ? isRunning(shown.deletion)
    : isOpen(shown.version.sigil.state) ||
        (shown.operation !== undefined && isRunning(shown.operation));
}

/** Of a version that is gone, the deletion that has led to it. */
async function readShown(
  client: Client,
  image: ImageName,
  name: string,
  signal: AbortSignal,
): Promise<Shown> {
  try {
    const { headers, body } = await client.call("getImageVersion", {
      path: { ...image, versionName: name },
      query: { expand: "keys" },
      signal,
    });
    const { operationId } = body.sigil;
    const operation =
      operationId === undefined
        ? undefined
        : await client.call("getOperation", { path: { operationId }, signal });
    return {
      kind: "there",
      version: body,
      etag: headers.get("etag") ?? "",
      operation: operation?.body,
    };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const [last] = await operationsOf(client, image, name, signal);
    if (
      last?.kind === "DeleteImageVersion" &&
      (last.status === "Succeeded" || isRunning(last))
    )
      return { kind: "deleted", deletion: last };
    throw error;
  }
}

/** What was asked of the version, of the last hundred operations on its image definition. */
async function operationsOf(
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

function DeletedVersion({
  image,
  version,
  deletion,
  onAccepted,
}: {
  readonly image: ImageName;
  readonly version: string;
  readonly deletion: Operation;
  readonly onAccepted: ActionProps["onAccepted"];
}) {
  const mayWrite = useMay("Write");
  const [restoring, setRestoring] = useState(false);
  const canBeRestored = deletion.softDelete?.isSoftDeleteEnabled === true;
  return (
    <>
      <Deleted
        image={image}
        version={version}
        deletion={deletion}
        onRestore={
          canBeRestored && mayWrite ? () => setRestoring(true) : undefined
        }
      />
      {restoring && (
        <RestoreDialog
          image={image}
          version={version}
          onClose={() => setRestoring(false)}
          onAccepted={(begun) => {
            setRestoring(false);
            onAccepted(begun);
          }}
        />
      )}
    </>
  );
}

interface DetailsProps {
  readonly image: ImageName;
  readonly shown: Extract<Shown, { readonly kind: "there" }>;
  readonly accepted: Operation | undefined;
  readonly onAccepted: ActionProps["onAccepted"];
}

function Details({ image, shown, accepted, onAccepted }: DetailsProps) {
  const { version, etag, operation } = shown;
  const { sigil, properties } = version;
  const client = useClient();
  const summary = useLive<Summary>(
    `latest of ${imageKey(image)}`,
    (previous, signal) => readSummary(client, image, previous, signal),
    () => IDLE_MS,
  );
  const operations = useLive<readonly Operation[]>(
    `operations ${version.id.toLowerCase()} ${sigil.operationId ?? ""}`,
    (_, signal) => operationsOf(client, image, version.name, signal),
    (all) => (all.some(isRunning) ? BUSY_MS : 60_000),
  );
  useEffect(() => {
    if (accepted !== undefined) operations.refresh();
  }, [accepted]);
  const results = useLoaded(
    `tests ${version.id} ${operations.value?.length ?? 0}`,
    async (signal) => {
      const { body } = await client.call("getTestResults", {
        path: { ...image, versionName: version.name },
        signal,
      });
      return body.value;
    },
  );
  const tests = operations.value?.find((one) => one.tests)?.tests ?? [];
  return (
    <>
      <section class="card" aria-label="State">
        <Headlines
          image={image}
          version={version}
          etag={etag}
          operation={operation}
          onAccepted={onAccepted}
        />
        <Waves version={version} />
        <Facts image={image} version={version} />
      </section>
      <LastFailure operation={operation} />
      <Findings findings={sigil.warnings ?? []} />
      <div class="columns below">
        <div class="stack">
          <Regions version={version} latestIn={latestByRegion(summary.value)} />
          <KeysCard version={version} />
          <TestsCard
            results={results.kind === "loaded" ? results.value : []}
            tests={tests}
          />
          {(sigil.pending ?? []).length > 0 && (
            <section class="card" aria-labelledby="pending">
              <header>
                <h2 id="pending">Requested, not in Azure yet</h2>
              </header>
              <Changes changes={sigil.pending ?? []} />
            </section>
          )}
          {properties.validationsProfile !== undefined && (
            <section class="card" aria-labelledby="validations">
              <header>
                <h2 id="validations">Azure's validations</h2>
              </header>
              <pre tabIndex={0}>
                {JSON.stringify(properties.validationsProfile, null, 2)}
              </pre>
            </section>
          )}
        </div>
        <div class="stack">
          <HistoryCard operations={operations.value ?? []} />
          <More image={image} version={version} />
          <section class="card" aria-labelledby="sigil-line">
            <header>
              <h2 id="sigil-line">The same with sigil</h2>
            </header>
            <div class="pad">
              <Command
                line={[
                  "sigil image-version show",
                  ...versionWords(image, version.name),
                ].join(" ")}
              />
            </div>
          </section>
        </div>
      </div>
    </>
  );
}

function latestByRegion(
  summary: Summary | undefined,
): ReadonlyMap<string, string> {
  return new Map(
    (summary?.body.versions ?? []).flatMap(({ name, regions }) =>
      regions
        .filter(({ latest }) => latest)
        .map((region) => [region.name, name] as const),
    ),
  );
}

/** Why the last operation has failed, with each error: of one that was put right since there is another. */
function LastFailure({
  operation,
}: {
  readonly operation: Operation | undefined;
}) {
  if (operation?.error === undefined) return null;
  const { error, kind, endTime, requestedBy } = operation;
  return (
    <section class="card below" aria-label="Why it failed">
      <div class="say">
        <Tile state="failed" big />
        <div>
          <h2>
            {kindName(kind)} failed{" "}
            {endTime !== undefined && <Time value={endTime} lower />}
          </h2>
          <p>
            {error.message} Asked for by <Who requester={requestedBy} />.
          </p>
        </div>
      </div>
      {error.errors.length > 0 && (
        <div class="pad">
          <Findings findings={error.errors} />
        </div>
      )}
    </section>
  );
}

/** What one asks for now and then: read when it is opened. */
function More({
  image,
  version,
}: {
  readonly image: ImageName;
  readonly version: Version;
}) {
  const [open, setOpen] = useState<"use" | "machine">();
  const regions = version.sigil.regions
    .filter(({ state }) => state === "Completed")
    .map(({ name }) => name);
  return (
    <>
      {open === "machine" ? (
        <MachineCard image={image} version={version.name} regions={regions} />
      ) : (
        regions.length > 0 && (
          <button type="button" onClick={() => setOpen("machine")}>
            Machine commands
          </button>
        )
      )}
      {open === "use" ? (
        <section class="card" aria-label="Who uses it">
          <div class="pad">
            <UseDetails image={image} version={version.name} />
          </div>
          <SameWithSigil
            words={[
              "image-version",
              "use",
              ...versionWords(image, version.name),
            ]}
          />
        </section>
      ) : (
        <button type="button" onClick={() => setOpen("use")}>
          Who uses it
        </button>
      )}
    </>
  );
}
