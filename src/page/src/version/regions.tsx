import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Card } from "../components/card.js";
import { kindIn, Kinds, type Kind } from "../components/filters.js";
import { Table } from "../components/table.js";
import { StateWord, Strip, Bar } from "../components/tile.js";
import { Expected, Time } from "../components/time.js";
import type { Version } from "../dialogs/action.js";
import { canonicalRegion, geographiesOf } from "../geography.js";
import { readyText, regionStates } from "../region-state.js";

/** Of more regions, those that are well are folded by geography. */
const MOST_UNFOLDED = 4;

type Row = ReturnType<typeof regionStates>[number] & {
  readonly wave: number | undefined;
  readonly latestHere: string;
  readonly storage: string;
};

const FILTERS: readonly Kind<Row>[] = [
  ["", "All", () => true],
  ["risk", "At risk", ({ state }) => state === "risk"],
  ["unseen", "Not seen yet", ({ state }) => state === "unseen"],
  [
    "unready",
    "Not ready",
    ({ region, state }) => region.state !== "Completed" && state !== "unseen",
  ],
  ["held", "Held back", ({ state }) => state === "held"],
];

/** What stands out first, then by geography. */
export function Regions({
  version,
  latestIn,
}: {
  readonly version: Version;
  /** By canonical region, which version is the latest; undefined while that is read. */
  readonly latestIn: ReadonlyMap<string, string> | undefined;
}) {
  const [filter, setFilter] = useState("");
  const rows = rowsOf(version, latestIn);
  const shown = rows.filter(kindIn(FILTERS, filter));
  const isFolded = shown.length > MOST_UNFOLDED;
  const first = isFolded ? shown.filter(standsOut) : shown;
  return (
    <Card
      id="regions"
      title="Regions"
      aside={
        <>
          {isFolded && (
            <span class="muted small wide-only">what stands out first, then by geography</span>
          )}
          <Kinds
            label="Filter regions"
            kinds={FILTERS}
            rows={rows}
            value={filter}
            onChange={setFilter}
          />
        </>
      }
    >
      {first.length > 0 && <RegionTable rows={first} caption="Regions" />}
      {isFolded &&
        geographiesOf(shown.map(({ region }) => region.name)).map(({ name, regions }) => {
          const those = shown.filter(({ region }) => regions.includes(region.name));
          const quiet = those.filter((row) => !standsOut(row));
          return (
            <details key={name} class="fold">
              <summary>
                <b>{name}</b>
                <Strip label={sentence(those)} tiles={those} />
                <span class="muted small">{sentence(those)}</span>
              </summary>
              <RegionTable rows={quiet} caption={`Regions: ${name}`} />
            </details>
          );
        })}
    </Card>
  );
}

const standsOut = ({ state }: Row) => ["failed", "risk", "unseen"].includes(state);

function sentence(rows: readonly Row[]): string {
  const latest = rows.filter(({ state }) => state === "latest");
  const unseen = rows.filter(({ state }) => state === "unseen");
  return [
    readyText(rows.map(({ region }) => region)),
    ...(latest.length > 0 ? [`latest in ${latest.length}`] : []),
    ...(unseen.length > 0 ? [`${unseen.length} not seen yet`] : []),
  ].join(", ");
}

function rowsOf(
  version: Version,
  latestIn: ReadonlyMap<string, string> | undefined,
): readonly Row[] {
  const {
    targetRegions = [],
    replicaCount,
    storageAccountType,
  } = version.properties.publishingProfile;
  const { waves = [] } = version.sigil.promotion ?? {};
  return regionStates(version).map((one) => {
    const { region } = one;
    const target = targetRegions.find(({ name }) => canonicalRegion(name) === region.name);
    const wave = waves.findIndex(({ regions }) =>
      regions.map(canonicalRegion).includes(region.name),
    );
    return {
      ...one,
      wave: wave < 0 ? undefined : wave + 1,
      latestHere: latestHereOf(version, region.name, latestIn),
      storage: `${target?.regionalReplicaCount ?? replicaCount ?? 1} × ${target?.storageAccountType ?? storageAccountType ?? "Standard_LRS"}`,
    };
  });
}

/** What is known of all versions may be older than this one: it is not said against what this one shows. */
function latestHereOf(
  { name, sigil }: Version,
  region: string,
  latestIn: ReadonlyMap<string, string> | undefined,
): string {
  if (sigil.latestIn.includes(region)) return name;
  const latest = latestIn?.get(region);
  return latestIn === undefined || latest === name ? "…" : (latest ?? "none");
}

function RegionTable({
  rows,
  caption,
}: {
  readonly rows: readonly Row[];
  readonly caption: string;
}) {
  const hasWaves = rows.some(({ wave }) => wave !== undefined);
  return (
    <Table
      caption={caption}
      class="cards regions"
      columns={[
        ...["Region", "State", "Progress", "Latest here"],
        { title: "Replicas, storage", class: "wide-only" },
      ]}
    >
      {rows.map(({ region, state, share, word, wave, latestHere, storage }) => (
        <tr key={region.name}>
          <th scope="row">
            {region.name}
            {hasWaves && wave !== undefined && <small>Wave {wave}</small>}
          </th>
          <td data-label="State" class="nowrap">
            <StateWord state={state} share={share}>
              {word}
            </StateWord>
          </td>
          <td>{state !== "unseen" && <Progress region={region} />}</td>
          <td data-label="Latest here">{latestHere}</td>
          <td class="wide-only nowrap">{storage}</td>
        </tr>
      ))}
    </Table>
  );
}

/** One bar is progress: a region that is ready has all of it. */
export function Progress({ region }: { readonly region: Schemas["Region"] }) {
  const {
    name,
    state,
    progress,
    details,
    attempts,
    attemptsAllowed,
    nextAttemptTime,
    waitReason,
    completedTime,
    expectedEndTime,
    stalledTime,
  } = region;
  const isReady = state === "Completed";
  return (
    <>
      <Bar
        percent={isReady ? 100 : progress}
        label={`${name}: ${isReady ? 100 : progress} %`}
        tone={isReady ? "ready" : state === "Failed" ? "failed" : undefined}
      />
      <small>
        {isReady && <Time before="Ready since " value={completedTime} lower />}
        {!isReady && details !== undefined && <>{details} </>}
        {state === "Failed" && details === undefined && <>Azure gave no reason. </>}
        {!isReady && attempts > 1 && (
          <>
            Attempt {attempts}
            {attemptsAllowed !== undefined && ` of ${attemptsAllowed}`}.{" "}
          </>
        )}
        {!isReady && waitReason !== undefined && <>{waitReason} </>}
        <Time before="Next attempt " value={nextAttemptTime} lower after=". " />
        {stalledTime !== undefined && (
          <span class="warn-text">
            No progress since <Time value={stalledTime} lower />.{" "}
          </span>
        )}
        {!isReady && expectedEndTime !== undefined && (
          <Expected verb="Ready" value={expectedEndTime} />
        )}
      </small>
    </>
  );
}
