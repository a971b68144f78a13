import { useEffect, useState } from "preact/hooks";
import { entries, NotFoundError, type Client, type Schemas } from "@sigil/client";
import { useNow } from "../clock.js";
import { seenSpan } from "../times.js";
import { Note } from "../components/box.js";
import { Card } from "../components/card.js";
import { Fix } from "../components/command.js";
import { kindIn, Kinds, Select, type Kind } from "../components/filters.js";
import { Head } from "../components/head.js";
import { Loading, useLoaded } from "../components/loaded.js";
import { Table } from "../components/table.js";
import { Tile } from "../components/tile.js";
import { Ago, Time } from "../components/time.js";
import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { Link, navigate, replaceAddress } from "../navigation.js";
import { imagesOf, readGalleries } from "../galleries.js";
import { keyText } from "../key-text.js";
import {
  coverOf,
  countTexts,
  setRows,
  statesIn,
  type SetRow,
  type SetState,
  type Use,
} from "../keys/set-rows.js";
import { imageKey, pathOf, type GalleryName, type ImageName } from "../routes.js";
import { IDLE_MS } from "../retry.js";
import { ENCRYPTION_NAMES, nameIn, readSummary } from "../summaries.js";

/** Image definitions whose versions are looked through, and versions of them that are opened so that their sets are seen. */
const MOST_IMAGES = 10;
const MOST_OPENED = 10;

interface Keys {
  readonly rows: readonly SetRow[];
  readonly images: readonly ImageName[];
  /** Those of `images` whose versions could not be read, or not all of them yet. */
  readonly unread: readonly ImageName[];
  readonly subscriptions: readonly string[];
  /** When the first of the summaries has news. */
  readonly nextMs: number;
}

/** The disk encryption sets of a subscription, what is broken first, and which versions have each. */
export function KeysView({ subscriptionId }: { readonly subscriptionId: string | undefined }) {
  return subscriptionId === undefined ? (
    <>
      <Head title="Keys" />
      <FirstSubscription />
    </>
  ) : (
    <Sets subscriptionId={subscriptionId} />
  );
}

const FILTERS: readonly Kind<SetRow>[] = [
  ["", "All", () => true],
  ["risk", "At risk", ({ tile }) => tile === "risk"],
  ["unseen", "Not seen yet", ({ tile }) => tile === "unseen"],
];

function Sets({ subscriptionId }: { readonly subscriptionId: string }) {
  const client = useClient();
  const [filter, setFilter] = useState("");
  const live = useLive<Keys>(
    `keys ${subscriptionId}`,
    (_, signal, refresh) => readKeys(client, subscriptionId, refresh, signal),
    (keys) => keys.nextMs,
  );
  const { rows = [], images = [], unread = [], subscriptions = [] } = live.value ?? {};
  return (
    <>
      <Head title="Keys" live={live} meta={live.value && <Summed rows={rows} />}>
        <Select
          label="Subscription"
          value={subscriptionId.toLowerCase()}
          options={[...new Set([subscriptionId.toLowerCase(), ...subscriptions])]}
          onChange={(id) => navigate({ view: "keys", subscriptionId: id })}
        />
        <button type="button" class="no-print" onClick={live.refresh}>
          Refresh
        </button>
      </Head>
      {unread.length > 0 && (
        <Note tone="warning" role="status">
          Not all versions of {namesOf(unread)} could be read: more may use a set than is shown.
        </Note>
      )}
      {live.value && (
        <Card
          id="sets"
          title="Disk encryption sets"
          aside={
            <Kinds
              label="Filter sets"
              kinds={FILTERS}
              rows={rows}
              value={filter}
              onChange={setFilter}
            />
          }
        >
          {rows.length === 0 && <p class="pad muted">There are no disk encryption sets.</p>}
          {rows.length > 0 && (
            <Table
              caption="Disk encryption sets"
              columns={[
                ...["Set", "Key", "State", "Seen", "Used by"],
                { title: "Fix", hidden: true },
              ]}
            >
              {rows.filter(kindIn(FILTERS, filter)).map((row) => (
                <SetLine key={row.set.id} row={row} complete={unread.length === 0} />
              ))}
            </Table>
          )}
          {images.length > 0 && (
            <p class="pad muted small">Used by: versions of {namesOf(images)}.</p>
          )}
        </Card>
      )}
    </>
  );
}

function Summed({ rows }: Pick<Keys, "rows">) {
  const [risk, ...others] = countTexts(rows);
  const seen = seenSpan(
    rows.map(({ seenTime }) => seenTime),
    useNow(),
  );
  return (
    <>
      {" · "}
      <b class={risk?.startsWith("0 ") === true ? undefined : "error-text"}>{risk}</b>
      {[...others, ...(seen === "" ? [] : [seen])].map((text) => ` · ${text}`).join("")}
    </>
  );
}

function SetLine({ row, complete }: { readonly row: SetRow; readonly complete: boolean }) {
  const { set, tile, title, details, fixes, seenTime, expiresTime, uses } = row;
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <tr class={["ready", "absent"].includes(tile) ? "quiet" : undefined}>
        <th scope="row" title={set.id}>
          <span class="state">
            <Tile state={tile} />
            <span>{nameIn(set.id)}</span>
          </span>
          <small>
            {set.region}, {ENCRYPTION_NAMES[set.encryptionType] ?? set.encryptionType}
          </small>
        </th>
        <td data-label="Key">
          <span>
            <span title={set.keyUrl}>{keyText(set)}</span>
            <small class="muted">
              {set.rotationToLatestKeyVersionEnabled ? "Rotates automatically" : "Rotated manually"}
            </small>
          </span>
        </td>
        <td data-label="State" class="kept">
          <span>
            {title}
            {tile === "ready" &&
              (expiresTime === undefined ? (
                ", no expiry"
              ) : (
                <>
                  , expires <Time value={expiresTime} show="date" />
                </>
              ))}
            {details.map((text) => (
              <small key={text} class={tile === "risk" ? "error-text" : "muted"}>
                {text}
              </small>
            ))}
          </span>
        </td>
        <td data-label="Seen" class="nowrap">
          {seenTime !== undefined ? <Ago value={seenTime} /> : tile === "absent" ? "–" : "never"}
        </td>
        <td data-label="Used by">
          <span>
            {uses.length === 0 && <span class="muted">{complete ? "none" : "not known"}</span>}
            {uses.map((use) => (
              <Used key={imageKey(use.image)} use={use} setId={set.id} />
            ))}
          </span>
        </td>
        <td class="end">
          {fixes.length > 0 && (
            <button
              type="button"
              class="small no-print"
              aria-expanded={isOpen}
              onClick={() => setOpen(!isOpen)}
            >
              Show the fix<span class="visually-hidden"> {nameIn(set.id)}</span>
            </button>
          )}
        </td>
      </tr>
      {isOpen && (
        <tr>
          <td colSpan={6}>
            {fixes.map((text) => (
              <Fix key={text} text={text} label={nameIn(set.id)} />
            ))}
          </td>
        </tr>
      )}
    </>
  );
}

function Used({
  use: { image, versions, latest },
  setId,
}: {
  readonly use: Use;
  readonly setId: string;
}) {
  return (
    <div>
      <Link to={{ view: "image", image }} query={`?q=${encodeURIComponent(nameIn(setId))}`}>
        {versions.length} of {image.imageName}
      </Link>
      {latest > 0 && `, latest in ${latest}`}
    </div>
  );
}

/** Goes to the first of the galleries' subscriptions; any of them can then be chosen. */
function FirstSubscription() {
  const client = useClient();
  const listed = useLoaded("galleries", (signal) => readGalleries(client, false, signal));
  const [first] = subscriptionsOf(listed.value?.galleries ?? []);
  useEffect(() => {
    if (first !== undefined) replaceAddress(pathOf({ view: "keys", subscriptionId: first }));
  }, [first]);
  return <Loading of={listed}>{() => <p role="status">Sigil sees no gallery.</p>}</Loading>;
}

function subscriptionsOf(galleries: readonly GalleryName[]): readonly string[] {
  return [...new Set(galleries.map(({ subscriptionId }) => subscriptionId.toLowerCase()))];
}

function namesOf(images: readonly ImageName[]): string {
  return images.map(({ galleryName, imageName }) => `${galleryName}/${imageName}`).join(", ");
}

async function readKeys(
  client: Client,
  subscriptionId: string,
  refresh: boolean,
  signal: AbortSignal,
): Promise<Keys> {
  const sets: Schemas["DiskEncryptionSet"][] = [];
  for await (const set of entries(client, "listDiskEncryptionSets", {
    path: { subscriptionId },
    query: {},
    signal,
  }))
    sets.push(set);
  const { images, subscriptions } = await imagesIn(client, subscriptionId, signal);
  const uses = new Map<string, Use[]>();
  const states = new Map<string, SetState>();
  const see = (id: string, state: SetState): void => {
    if ((state.seenTime ?? "") >= (states.get(id)?.seenTime ?? "")) states.set(id, state);
  };
  const unread: ImageName[] = [];
  const nextMs: number[] = [];
  await Promise.all(
    images.map(async (image) => {
      try {
        const summary = await readSummary(client, image, undefined, signal);
        const { body } = summary;
        nextMs.push(summary.nextMs);
        if (!body.complete) unread.push(image);
        body.diskEncryptionSets.forEach((id, index) => {
          const has = (region: Schemas["RegionSummary"]): boolean =>
            region.diskEncryptionSets.includes(index);
          const those = body.versions.filter(({ regions }) => regions.some(has));
          const latest = those.filter(({ regions }) =>
            regions.some((region) => region.latest && has(region)),
          );
          const key = id.toLowerCase();
          const use = { image, versions: those.map(({ name }) => name), latest: latest.length };
          uses.set(key, [...(uses.get(key) ?? []), use]);
          const state = body.keys?.find(({ diskEncryptionSet }) => diskEncryptionSet === index);
          if (state) see(key, state);
        });
        const opened = await openEach(client, image, coverOf(body), refresh, signal);
        for (const keys of opened) for (const [id, state] of statesIn(keys)) see(id, state);
      } catch (error) {
        signal.throwIfAborted();
        // An image definition that is gone has no versions.
        if (!(error instanceof NotFoundError)) unread.push(image);
      }
    }),
  );
  const rows = setRows(sets, uses, states);
  const next = nextMs.length === 0 ? IDLE_MS : Math.min(...nextMs);
  return { rows, images, unread, subscriptions, nextMs: next };
}

/** Of versions that are opened: their sets are then seen. What cannot be read stays as it was seen last. */
async function openEach(
  client: Client,
  image: ImageName,
  versions: readonly string[],
  refresh: boolean,
  signal: AbortSignal,
): Promise<readonly Schemas["VersionKeys"][]> {
  const answers = await Promise.allSettled(
    versions.slice(0, MOST_OPENED).map((versionName) =>
      client.call("getImageVersion", {
        path: { ...image, versionName },
        query: { expand: "keys", ...(refresh && { refresh }) },
        signal,
      }),
    ),
  );
  return answers.flatMap((answer) =>
    answer.status === "fulfilled" ? (answer.value.body.sigil.keys ?? []) : [],
  );
}

/** Of this subscription: those that were worked on lately and opened here, before those that are only listed. */
async function imagesIn(
  client: Client,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<Pick<Keys, "images" | "subscriptions">> {
  const [{ body }, listed] = await Promise.all([
    client.call("listOperations", {
      query: { subscriptionId, top: 100 },
      signal,
    }),
    readGalleries(client, false, signal).catch(() => undefined), // Then those that are known otherwise.
  ]);
  const images = imagesOf(body.value, listed?.images ?? [])
    .filter((image) => image.subscriptionId.toLowerCase() === subscriptionId.toLowerCase())
    .slice(0, MOST_IMAGES);
  return { images, subscriptions: subscriptionsOf(listed?.galleries ?? []) };
}
