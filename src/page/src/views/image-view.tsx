import { useEffect, useMemo, useState } from "preact/hooks";
import { RollbackDialog } from "../actions.js";
import { ImageHeading } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import { conditionName, Progress, State } from "../components/state.js";
import { EndOfLife, Relative, Time } from "../components/time.js";
import { WindowTable } from "../components/window-table.js";
import { useClient, useMay } from "../context.js";
import { useLive } from "../live.js";
import { Link, replaceQuery, useQuery } from "../navigation.js";
import { kindName, type Operation } from "../operations.js";
import { rememberImage } from "../recent.js";
import { imageKey, type ImageName } from "../routes.js";
import {
  ENCRYPTION_NAMES,
  filtered,
  isBusy,
  nameIn,
  paceOf,
  readSummary,
  VERSION_STATES,
  type Filters,
  type RegionSummary,
  type Summary,
  type VersionSummary,
} from "../summaries.js";

const ROW_HEIGHT = 66;

/** The versions of one image definition, each in each region. */
export function ImageView({ image }: { readonly image: ImageName }) {
  const client = useClient();
  const live = useLive<Summary>(
    imageKey(image),
    (previous, signal) => readSummary(client, image, previous, signal),
    paceOf,
  );
  const mayWrite = useMay("Write");
  const [rollingBack, setRollingBack] = useState(false);
  const [accepted, setAccepted] = useState<Operation>();
  const isThere = live.value !== undefined;
  useEffect(() => {
    if (isThere) rememberImage(image);
  }, [isThere, imageKey(image)]);
  return (
    <>
      <ImageHeading image={image} current="image">
        {mayWrite && live.value && (
          <button type="button" onClick={() => setRollingBack(true)}>
            Roll back
          </button>
        )}
      </ImageHeading>
      <div role="status">
        {accepted && (
          <p>
            Accepted:{" "}
            <Link to={{ view: "operation", operationId: accepted.id }}>
              {kindName(accepted.kind)}
            </Link>
          </p>
        )}
      </div>
      {rollingBack && live.value && (
        <RollbackDialog
          image={image}
          versions={live.value.body.versions.map(({ name }) => name)}
          onClose={() => setRollingBack(false)}
          onAccepted={(operation) => {
            setRollingBack(false);
            setAccepted(operation);
            live.refresh();
          }}
        />
      )}
      <LiveBar live={live} />
      {live.value && <Versions image={image} summary={live.value} />}
    </>
  );
}

function Versions({
  image,
  summary,
}: {
  readonly image: ImageName;
  readonly summary: Summary;
}) {
  const query = useQuery();
  const filters: Filters = {
    text: query.get("q") ?? "",
    state: query.get("state") ?? "",
    region: query.get("region") ?? "",
    managedBy: query.get("by") ?? "",
  };
  const { versions, complete } = summary.body;
  const regions = useMemo(
    () =>
      [
        ...new Set(
          versions.flatMap((version) =>
            version.regions.map(({ name }) => name),
          ),
        ),
      ].sort(),
    [versions],
  );
  const rows = useMemo(
    () => filtered(summary, filters),
    [summary, ...Object.values<string>({ ...filters })],
  );
  const columns = filters.region === "" ? regions : [filters.region];
  return (
    <>
      <FilterBar filters={filters} regions={regions} />
      <p role="status" class="muted">
        {rows.length < versions.length && `${rows.length} of `}
        {versions.length} {versions.length === 1 ? "version" : "versions"}
        {!complete && ", of which some are still being read"}
      </p>
      <WindowTable
        caption={`Versions of ${image.imageName}, by region`}
        columns={columns.length + 3}
        rows={rows}
        rowHeight={ROW_HEIGHT}
        rowKey={({ name }) => name}
        head={
          <>
            <th scope="col" class="sticky">
              Version
            </th>
            <th scope="col">State</th>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">End of life</th>
          </>
        }
        cells={(version) => (
          <>
            <th scope="row" class="sticky">
              <Link to={{ view: "version", image, version: version.name }}>
                {version.name}
              </Link>
              <div class="sub">
                {version.latest && <span class="badge good">latest</span>}{" "}
                {version.excludeFromLatest && (
                  <span class="badge">excluded</span>
                )}{" "}
                {version.conditions?.map(({ type }) => (
                  <>
                    <span key={type} class="badge warn">
                      {conditionName(type)}
                    </span>{" "}
                  </>
                ))}
                {version.managedBy === "Others" && (
                  <span class="badge" title="Not created by Sigil">
                    others'
                  </span>
                )}
              </div>
            </th>
            <td data-label="State">
              <State state={version.state ?? version.provisioningState} />
              {version.publishedDate !== undefined && (
                <div class="sub">
                  <Time value={version.publishedDate} show="date" />
                </div>
              )}
            </td>
            {columns.map((name) => (
              <td key={name} data-label={name}>
                <RegionCell
                  version={version}
                  region={version.regions.find((each) => each.name === name)}
                  sets={summary.body.diskEncryptionSets}
                />
              </td>
            ))}
            <td data-label="End of life">
              {version.endOfLifeDate !== undefined && (
                <EndOfLife date={version.endOfLifeDate} />
              )}
            </td>
          </>
        )}
      />
    </>
  );
}

function RegionCell({
  version,
  region,
  sets,
}: {
  readonly version: VersionSummary;
  readonly region: RegionSummary | undefined;
  readonly sets: readonly string[];
}) {
  if (region === undefined) return <span class="muted">–</span>;
  const keys = region.diskEncryptionSets
    .map((index) => nameIn(sets[index] ?? ""))
    .join(", ");
  return (
    <>
      <div>
        {region.state === "Replicating" ? (
          <>
            <State state={region.state} text={`${region.progress} %`} />{" "}
            <Progress
              percent={region.progress}
              label={`${version.name} in ${region.name}`}
            />
          </>
        ) : (
          <State {...regionState(version, region)} />
        )}{" "}
        {region.latest && <span class="badge good">latest</span>}
        {region.excludeFromLatest && !version.excludeFromLatest && (
          <span class="badge">excluded</span>
        )}
        {region.stalledTime !== undefined && (
          <span class="badge warn">stalled</span>
        )}
      </div>
      <div class="sub">
        {region.regionalReplicaCount !== undefined &&
          `${region.regionalReplicaCount} × `}
        {region.storageAccountType}
        {region.state === "Replicating" &&
          region.expectedEndTime !== undefined && (
            <>
              , expected <Relative value={region.expectedEndTime} />
            </>
          )}
      </div>
      <div class="sub" title={keys}>
        {ENCRYPTION_NAMES[region.encryptionType] ?? region.encryptionType}
        {keys !== "" && `: ${keys}`}
      </div>
    </>
  );
}

/** Of what others work on, Azure's list does not say how far a region is: only that it is the latest, and so ready. */
function regionState(
  version: VersionSummary,
  { state, latest }: RegionSummary,
): { readonly state: string; readonly text: string } {
  if (state === "Unknown" && version.managedBy === "Sigil" && isBusy(version))
    return { state, text: "Waiting" };
  return state === "Completed" || (state === "Unknown" && latest)
    ? { state: "Completed", text: "Ready" }
    : { state, text: state };
}

function FilterBar({
  filters,
  regions,
}: {
  readonly filters: Filters;
  readonly regions: readonly string[];
}) {
  const change = (changed: Partial<Filters>): void => {
    const { text, state, region, managedBy } = { ...filters, ...changed };
    replaceQuery({ q: text, state, region, by: managedBy });
  };
  return (
    <form
      class="filters no-print"
      role="search"
      aria-label="Filter versions"
      onSubmit={(event) => event.preventDefault()}
    >
      <label>
        Version or key
        <input
          type="search"
          value={filters.text}
          spellcheck={false}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
      </label>
      <label>
        State
        <select
          value={filters.state}
          onChange={(event) => change({ state: event.currentTarget.value })}
        >
          <option value="">All</option>
          {Object.entries(VERSION_STATES).map(([value, { text }]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        Region
        <select
          value={filters.region}
          onChange={(event) => change({ region: event.currentTarget.value })}
        >
          <option value="">All</option>
          {regions.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Made by
        <select
          value={filters.managedBy}
          onChange={(event) => change({ managedBy: event.currentTarget.value })}
        >
          <option value="">All</option>
          <option value="Sigil">Sigil</option>
          <option value="Others">Others</option>
        </select>
      </label>
    </form>
  );
}
