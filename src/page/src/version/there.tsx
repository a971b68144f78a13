import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Card } from "../components/card.js";
import { Changes } from "../components/changes.js";
import { SameWithSigil } from "../components/command.js";
import { Crumbs, Head } from "../components/head.js";
import { useRead } from "../components/loaded.js";
import { Failure, Findings } from "../components/problem.js";
import { Ago, Time } from "../components/time.js";
import { UseDetails } from "../components/use-details.js";
import { Who } from "../components/who.js";
import { versionWords } from "../command-line.js";
import { canonicalRegion } from "../geography.js";
import { useClient } from "../context.js";
import { useLive, type Live } from "../live.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { BUSY_MS } from "../retry.js";
import { readyIn } from "../region-state.js";
import { imageKey } from "../routes.js";
import { paceOf, readSummary, type Summary } from "../summaries.js";
import { useActions, type VersionProps } from "./actions.js";
import { Facts } from "./facts.js";
import { HistoryCard, operationsOf } from "./history.js";
import { KeysCard } from "./keys.js";
import { MachineCard } from "./machine.js";
import { Regions } from "./regions.js";
import { TestsCard } from "./tests.js";
import { Waves } from "./waves.js";

/** A version that is there. */
export function There({
  live,
  above,
  asked,
  ...props
}: VersionProps & {
  readonly live: Live<unknown>;
  readonly above: ComponentChildren;
  /** How many requests were sent from here. */
  readonly asked: number;
}) {
  const { image, version, operation } = props;
  const { sigil, properties } = version;
  const { publishedDate } = properties.publishingProfile;
  const { buttons, headlines, dialog } = useActions(props);
  const { history, results, latest } = useBeside(props, asked);
  const creation = history?.find(({ kind }) => kind === "CreateImageVersion");
  return (
    <>
      <Head
        title={`${image.imageName} ${version.name}`}
        crumbs={<Crumbs gallery={image} image={image} />}
        live={live}
        meta={
          <>
            <Time before=" · Published " value={publishedDate} lower />
            {creation && (
              <>
                {" by "}
                <Who requester={creation.requestedBy} />
              </>
            )}
            {" · "}
            <Seen version={version} />{" "}
            <button type="button" class="subtle small no-print" onClick={props.refresh}>
              Refresh
            </button>
          </>
        }
      >
        {buttons}
      </Head>
      {above}
      <section class="card" aria-label="State">
        {headlines}
        <Waves version={version} />
        <Facts image={image} version={version} />
      </section>
      {dialog}
      {operation?.error && (
        <Failure
          class="card below"
          title={
            <>
              {kindName(operation.kind)} failed <Time value={operation.endTime} lower />
            </>
          }
          errors={operation.error.errors}
        >
          {operation.error.message} Asked for by <Who requester={operation.requestedBy} />.
        </Failure>
      )}
      <Findings findings={sigil.warnings ?? []} />
      <div class="columns below">
        <div class="stack">
          <Regions version={version} latestIn={latest && latestByRegion(latest)} />
          <KeysCard version={version} />
          <TestsCard results={results} tests={history?.find((one) => one.tests)?.tests ?? []} />
          {(sigil.pending ?? []).length > 0 && (
            <Card id="pending" title="Requested, not in Azure yet">
              <div class="pad">
                <Changes
                  changes={sigil.pending ?? []}
                  regions={(properties.publishingProfile.targetRegions ?? []).map(({ name }) =>
                    canonicalRegion(name),
                  )}
                />
              </div>
            </Card>
          )}
          {properties.validationsProfile !== undefined && (
            <Card id="validations" title="Azure's validations">
              <pre tabIndex={0}>{JSON.stringify(properties.validationsProfile, null, 2)}</pre>
            </Card>
          )}
        </div>
        <div class="stack">
          <HistoryCard version={version} operations={history} results={results} />
          <More {...props} />
        </div>
      </div>
    </>
  );
}

/** How old it is what is shown of the regions and the keys. */
function Seen({ version: { sigil } }: Pick<VersionProps, "version">) {
  const times = sigil.regions.flatMap(({ seenTime }) => seenTime ?? []);
  const [oldest] = times.sort((a, b) => Date.parse(a) - Date.parse(b));
  const age = (time: string | undefined) =>
    time === undefined ? (
      "not seen yet"
    ) : (
      <>
        seen <Ago value={time} />
      </>
    );
  return (
    <>
      regions {age(oldest)}
      {sigil.keys && <>, keys {age(sigil.keys.seenTime)}</>}
    </>
  );
}

/** What is read beside the version: again, where something was asked of it. */
function useBeside({ image, version }: VersionProps, asked: number) {
  const client = useClient();
  const summary = useLive<Summary>(
    `latest of ${imageKey(image)}`,
    (previous, signal) => readSummary(client, image, previous, signal),
    paceOf,
  );
  const operations = useLive<readonly Operation[]>(
    `operations of ${version.id.toLowerCase()} ${version.sigil.operationId ?? ""}`,
    (_, signal) => operationsOf(client, image, version.name, signal),
    (all) => (all.some(isRunning) ? BUSY_MS : 60_000),
  );
  const { refresh } = operations;
  useEffect(() => {
    if (asked > 0) refresh();
  }, [asked, refresh]);
  const results = useRead(
    "getTestResults",
    { path: { ...image, versionName: version.name } },
    `${operations.value?.length ?? 0} ${asked}`,
  );
  return {
    history: operations.value,
    results: results.value?.value ?? [],
    latest: summary.value,
  };
}

function latestByRegion(summary: Summary): ReadonlyMap<string, string> {
  return new Map(
    summary.body.versions.flatMap(({ name, regions }) =>
      regions.filter(({ latest }) => latest).map((region) => [region.name, name] as const),
    ),
  );
}

/** What one asks for now and then: read when it is opened. */
function More({ image, version: { name, sigil } }: VersionProps) {
  const [open, setOpen] = useState<"use" | "machine">();
  const regions = readyIn(sigil.regions).map((region) => region.name);
  return (
    <>
      <Card id="more" title="With this version">
        <div class="pad">
          <div class="row">
            {regions.length > 0 && open !== "machine" && (
              <button type="button" onClick={() => setOpen("machine")}>
                Machine commands
              </button>
            )}
            {open !== "use" && (
              <button type="button" onClick={() => setOpen("use")}>
                Who uses it
              </button>
            )}
          </div>
          {open === "use" && <UseDetails image={image} version={name} />}
        </div>
        <SameWithSigil
          words={["image-version", open === "use" ? "use" : "show", ...versionWords(image, name)]}
        />
      </Card>
      {open === "machine" && <MachineCard image={image} version={name} regions={regions} />}
    </>
  );
}
