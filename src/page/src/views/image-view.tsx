import { useEffect, useMemo, useState } from "preact/hooks";
import { Accepted } from "../components/accepted.js";
import { SameWithSigil } from "../components/command.js";
import {
  FilterForm,
  kindIn,
  Kinds,
  SearchField,
  Segments,
  Select,
  type Kind,
} from "../components/filters.js";
import { Crumbs, Head } from "../components/head.js";
import { Menu } from "../components/menu.js";
import { imageWords } from "../command-line.js";
import { useClient, useMay } from "../context.js";
import { RollbackDialog } from "../dialogs/rollback.js";
import { regionCount } from "../geography.js";
import { latestCounts, matrixOf, type Row } from "../image/cells.js";
import { DeletedVersions } from "../image/deleted-versions.js";
import { Compare } from "../image/compare.js";
import { MapKey, PHONE, VersionMap } from "../image/map.js";
import { VersionsTable } from "../image/versions-table.js";
import { useLive } from "../live.js";
import { Link, replaceQuery, useQuery } from "../navigation.js";
import type { Operation } from "../operations.js";
import { rememberImage } from "../recent.js";
import { imageKey, type ImageName } from "../routes.js";
import { filtered, paceOf, readSummary, type Summary } from "../summaries.js";

/** Up to so many regions the words are the default, else the map. */
const MOST_IN_WORDS = 4;

/** The versions of one image definition, each in each region. */
export function ImageView({ image }: { readonly image: ImageName }) {
  const client = useClient();
  const live = useLive<Summary>(
    imageKey(image),
    (previous, signal) => readSummary(client, image, previous, signal),
    paceOf,
  );
  const mayWrite = useMay("Write");
  const [open, setOpen] = useState<"rollback" | "deleted" | "compare">();
  const [accepted, setAccepted] = useState<Operation>();
  const isThere = live.value !== undefined;
  useEffect(() => {
    if (isThere) rememberImage(image);
  }, [isThere, image]);
  const versions = live.value?.body.versions ?? [];
  const names = versions.map(({ name }) => name);
  const latestAt = versions.findIndex(({ regions }) => regions.some(({ latest }) => latest));
  const props = {
    image,
    onClose: () => setOpen(undefined),
    onAccepted: (operation: Operation | undefined): void => {
      setOpen(undefined);
      setAccepted(operation);
      live.refresh();
    },
  };
  return (
    <>
      <Head
        title={image.imageName}
        crumbs={<Crumbs gallery={image} />}
        live={live}
        meta={<LatestLine summary={live.value} />}
      >
        {mayWrite && (
          <Link to={{ view: "create", image }} class="button primary no-print">
            New version
          </Link>
        )}
        <Menu label="More actions" text="⋯">
          {mayWrite && versions.length > 1 && (
            <button type="button" onClick={() => setOpen("rollback")}>
              Roll back…
            </button>
          )}
          {versions.length > 1 && (
            <button type="button" onClick={() => setOpen("compare")}>
              Compare two versions
            </button>
          )}
          <button type="button" onClick={() => setOpen("deleted")}>
            Deleted versions
          </button>
          <Link to={{ view: "retention", image }}>Retention</Link>
          <Link to={{ view: "keys", subscriptionId: image.subscriptionId }}>Keys</Link>
        </Menu>
      </Head>
      <Accepted operation={accepted} />
      {open === "rollback" && <RollbackDialog {...props} versions={names.slice(latestAt + 1)} />}
      {open === "deleted" && <DeletedVersions {...props} />}
      {open === "compare" && <Compare {...props} names={names} />}
      {live.value && <Versions image={image} summary={live.value} />}
    </>
  );
}

/** Which versions are the latest where. */
function LatestLine({ summary }: { readonly summary: Summary | undefined }) {
  if (summary === undefined) return null;
  const counts = latestCounts(summary.body.versions);
  if (counts.length === 0) return <> · No version is the latest anywhere</>;
  return (
    <>
      {" · Latest: "}
      {counts.slice(0, 3).map(({ name, count }, index) => (
        <span key={name}>
          {index > 0 && ", "}
          <b>{name}</b> in {regionCount(count)}
        </span>
      ))}
      {counts.length > 3 && `, ${counts.length - 3} others`}
    </>
  );
}

const KINDS: readonly Kind<Row>[] = [
  ["", "All", () => true],
  [
    "out",
    "Stands out",
    ({ tone, standsOut }) => tone !== "plain" || standsOut.startsWith("Not in"),
  ],
  ["latest", "Latest", ({ version }) => version.regions.some(({ latest }) => latest)],
  ["failed", "Failed", ({ standsOut }) => standsOut.startsWith("Failed")],
];

function Versions({ image, summary }: { readonly image: ImageName; readonly summary: Summary }) {
  const query = useQuery();
  const text = query.get("q") ?? "";
  const region = query.get("region") ?? "";
  const state = query.get("state") ?? "";
  const { versions, complete, diskEncryptionSets } = summary.body;
  const matrix = useMemo(() => matrixOf(summary.body, Date.now()), [summary]);
  const found = useMemo(
    () => new Set(filtered(summary, { text, region }).map(({ name }) => name)),
    [summary, text, region],
  );
  const rows = useMemo(
    () => matrix.rows.filter(({ version }) => found.has(version.name)).filter(kindIn(KINDS, state)),
    [matrix, found, state],
  );
  const asked = query.get("as");
  const inWords =
    asked === "table" ||
    (asked !== "map" && matrix.regions.length <= MOST_IN_WORDS && !matchMedia(PHONE).matches); // there words do not fit
  const change = (changed: Readonly<Record<string, string>>): void =>
    replaceQuery({
      q: text,
      region,
      state,
      as: asked ?? "",
      ...changed,
    });
  if (versions.length === 0) return <NoVersions image={image} />;
  return (
    <>
      <FilterForm label="Filter versions">
        <Kinds
          label="Which versions"
          kinds={KINDS}
          rows={matrix.rows}
          value={state}
          onChange={(chosen) => change({ state: chosen })}
        />
        <SearchField label="Version or key" value={text} onChange={(q) => change({ q })} />
        <Select
          label="Region"
          value={region}
          options={[["", "Region: all"], ...matrix.regions]}
          onChange={(region) => change({ region })}
        />
        <Segments
          label="Shown as"
          options={[
            ["map", "Map"],
            ["table", "Table"],
          ]}
          value={inWords ? "table" : "map"}
          onChange={(as) => change({ as })}
        />
      </FilterForm>
      <div class="count">
        <p role="status" class="muted small">
          {rows.length < versions.length && `${rows.length} of `}
          {versions.length} {versions.length === 1 ? "version" : "versions"}
          {!complete && ", of which some are still being read"}
        </p>
        {!inWords && <MapKey />}
      </div>
      {inWords ? (
        <VersionsTable
          image={image}
          regions={region === "" ? matrix.regions : [region]}
          rows={rows}
          sets={diskEncryptionSets}
        />
      ) : (
        <VersionMap image={image} matrix={matrix} rows={rows} sets={diskEncryptionSets} />
      )}
    </>
  );
}

function NoVersions({ image }: { readonly image: ImageName }) {
  const mayWrite = useMay("Write");
  return (
    <section class="card">
      <div class="empty">
        <h2>No versions yet</h2>
        <p>Nobody can use {image.imageName} until it has one.</p>
        {mayWrite && (
          <Link to={{ view: "create", image }} class="button primary">
            Create the first version
          </Link>
        )}
      </div>
      <SameWithSigil words={["image-version", "create", ...imageWords(image), "-e", "1.0.0"]} />
    </section>
  );
}
