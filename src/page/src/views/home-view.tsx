import { useEffect, useState } from "preact/hooks";
import type { Client } from "@sigil/client";
import { Command } from "../components/command.js";
import { Head } from "../components/head.js";
import { LiveDot, LiveState } from "../components/live.js";
import { tileOf } from "../components/state.js";
import { Table } from "../components/table.js";
import { Bar, Strip, Tile } from "../components/tile.js";
import { Time } from "../components/time.js";
import { useClient, useMay } from "../context.js";
import { regionCount } from "../geography.js";
import { ageText, latestCounts, matrixOf } from "../image/cells.js";
import { useLive } from "../live.js";
import { Link, navigate } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import {
  attentionOf,
  type Attention,
  type Known,
} from "../overview/attention.js";
import { recentGalleries, recentImages } from "../recent.js";
import { BUSY_MS, IDLE_MS } from "../retry.js";
import {
  galleryKey,
  imageKey,
  parseResourceId,
  routeTo,
  type GalleryName,
  type ImageName,
} from "../routes.js";
import { readSummary, type Summary } from "../summaries.js";

/** Summaries that are read for the overview; of more image definitions the names are shown. */
const MOST_SUMMARIES = 20;
const ENDED_SHOWN = 6;

interface Shown {
  readonly operations: readonly Operation[];
  readonly stuck: readonly Operation[];
  readonly images: readonly ImageName[];
}

/** What needs attention, what runs, what has ended; then the image definitions. */
export function HomeView() {
  const client = useClient();
  const mayWrite = useMay("Write");
  const live = useLive<Shown>(
    "home",
    (_, signal) => readShown(client, signal),
    ({ operations }) =>
      operations.some(isRunning) ? BUSY_MS * 2 : IDLE_MS * 2,
  );
  const images = live.value?.images ?? [];
  const known = useSummaries(images);
  const { operations = [], stuck = [] } = live.value ?? {};
  const attention = attentionOf(known, stuck, Date.now());
  const [first] = images;
  return (
    <>
      <Head
        title="Overview"
        meta={
          <>
            <LiveDot live={live} />
            {live.value &&
              ` · ${images.length} ${images.length === 1 ? "image" : "images"} opened here or worked on lately`}
          </>
        }
      >
        {mayWrite && images.length === 1 && first !== undefined && (
          <Link
            to={{ view: "create", image: first }}
            class="button primary no-print"
          >
            New version
          </Link>
        )}
      </Head>
      <LiveState live={live} />
      {live.value && (
        <>
          <div class="columns">
            <NeedsAttention attention={attention} known={known} />
            <div class="stack">
              <UnderWay operations={operations.filter(isRunning)} />
              <EndedLately
                operations={operations
                  .filter((operation) => !isRunning(operation))
                  .slice(0, ENDED_SHOWN)}
              />
            </div>
          </div>
          <Images known={known} images={images} />
        </>
      )}
      <OpenForm />
    </>
  );
}

async function readShown(client: Client, signal: AbortSignal): Promise<Shown> {
  const list = async (needsAttention: boolean) => {
    const { body } = await client.call("listOperations", {
      query: {
        top: 100,
        ...(needsAttention && { needsAttention: true }),
      },
      signal,
    });
    return body.value;
  };
  const [operations, stuck] = await Promise.all([list(false), list(true)]);
  return { operations, stuck, images: imagesOf(operations) };
}

/** Those that were worked on lately, and those that were opened here, by gallery and name. */
function imagesOf(operations: readonly Operation[]): readonly ImageName[] {
  const found = new Map<string, ImageName>();
  for (const image of [
    ...operations.map(({ resourceId }) => parseResourceId(resourceId)?.image),
    ...recentImages(),
  ])
    if (image !== undefined && !found.has(imageKey(image)))
      found.set(imageKey(image), image);
  return [...found.values()].sort((a, b) =>
    imageKey(a).localeCompare(imageKey(b)),
  );
}

/** The summary of each, one after the other: none is waited for. */
function useSummaries(images: readonly ImageName[]): readonly Known[] {
  const client = useClient();
  const [summaries, setSummaries] = useState<ReadonlyMap<string, Summary>>(
    new Map(),
  );
  const read = images.slice(0, MOST_SUMMARIES);
  const key = read.map(imageKey).join("\n");
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const known = new Map(summaries);
    const readAll = async (): Promise<void> => {
      for (const image of read) {
        try {
          const summary = await readSummary(
            client,
            image,
            known.get(imageKey(image)),
            ended.signal,
          );
          if (known.get(imageKey(image)) === summary) continue;
          known.set(imageKey(image), summary);
          setSummaries(new Map(known));
        } catch {
          // One that is gone or cannot be read has no line of its own; the image definition's view says why.
        }
        if (ended.signal.aborted) return;
      }
      timer = setTimeout(() => void readAll(), IDLE_MS * 2);
    };
    void readAll();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, client]);
  return images.map((image) => ({
    image,
    summary: summaries.get(imageKey(image)),
  }));
}

function NeedsAttention({
  attention,
  known,
}: {
  readonly attention: readonly Attention[];
  readonly known: readonly Known[];
}) {
  const unread = known.filter(({ summary }) => summary === undefined).length;
  return (
    <section class="card" aria-labelledby="attention">
      <header>
        <h2 id="attention">Needs attention</h2>
        {attention.length > 0 && (
          <span class="muted small">
            {attention.length}, the most urgent first
          </span>
        )}
      </header>
      {attention.length === 0 ? (
        <div class="say">
          <Tile state="done" big />
          <div>
            <h2>Nothing needs attention</h2>
            <p>
              {unread > 0
                ? `${unread} of ${known.length} images are still being read.`
                : `Of ${known.length} ${known.length === 1 ? "image" : "images"}.`}
            </p>
          </div>
        </div>
      ) : (
        attention.map(({ tile, title, text, to }) => (
          <div key={`${title} ${text}`} class="item">
            <Tile state={tile} />
            <div>
              <b>{title}</b>
              <p>{text}</p>
            </div>
            <Link to={to} class="button small">
              Open<span class="visually-hidden"> {title}</span>
            </Link>
          </div>
        ))
      )}
    </section>
  );
}

function titleOf({ kind, resourceId }: Operation): string {
  const place = parseResourceId(resourceId);
  return [
    kindName(kind),
    place?.image.imageName ?? resourceId.split("/")[2] ?? "",
    place?.version ?? "",
  ]
    .join(" ")
    .trim();
}

function UnderWay({
  operations,
}: {
  readonly operations: readonly Operation[];
}) {
  return (
    <section class="card" aria-labelledby="under-way">
      <header>
        <h2 id="under-way">Under way</h2>
        <Link to={{ view: "operations" }} class="link small">
          All operations
        </Link>
      </header>
      {operations.length === 0 && (
        <p class="pad muted small">Nothing is under way.</p>
      )}
      {operations.map((operation) => {
        const { id, percentComplete, regions, expectedEndTime, waitReason } =
          operation;
        const ready = regions.filter(({ state }) => state === "Completed");
        return (
          <div key={id} class="item">
            <Tile state="replicating" share={percentComplete} />
            <div>
              <Link to={{ view: "operation", operationId: id }}>
                <b>{titleOf(operation)}</b>
              </Link>
              <Bar percent={percentComplete} label={titleOf(operation)} />
              <p>
                {regions.length > 0 &&
                  `${ready.length} of ${regionCount(regions.length)} ready. `}
                {expectedEndTime === undefined ? (
                  waitReason
                ) : (
                  <>
                    Ends about <Time value={expectedEndTime} lower />.
                  </>
                )}
              </p>
            </div>
            <span class="muted small">{percentComplete} %</span>
          </div>
        );
      })}
    </section>
  );
}

function EndedLately({
  operations,
}: {
  readonly operations: readonly Operation[];
}) {
  return (
    <section class="card" aria-labelledby="ended">
      <header>
        <h2 id="ended">Ended lately</h2>
      </header>
      {operations.length === 0 && (
        <p class="pad muted small">No operation has ended yet.</p>
      )}
      {operations.map((operation) => (
        <div key={operation.id} class="item low">
          <Tile state={tileOf(operation.status)} label={operation.status} />
          <Link
            to={{ view: "operation", operationId: operation.id }}
            class="one-line"
          >
            {titleOf(operation)}
          </Link>
          <span class="muted small nowrap">
            <Time value={operation.endTime ?? operation.createdTime} />
          </span>
        </div>
      ))}
    </section>
  );
}

function Images({
  known,
  images,
}: {
  readonly known: readonly Known[];
  readonly images: readonly ImageName[];
}) {
  const galleries = new Map<string, GalleryName>();
  for (const gallery of [...images, ...recentGalleries()])
    if (!galleries.has(galleryKey(gallery)))
      galleries.set(galleryKey(gallery), gallery);
  if (galleries.size === 0)
    return (
      <section class="card below">
        <div class="empty">
          <h2>No image yet</h2>
          <p>
            No operation has been asked for yet. Open a gallery or an image
            definition by its resource id, or publish a first version:
          </p>
          <Command line="sigil image-version create -g MyResourceGroup -r MyGallery -i MyImage -e 1.0.0" />
        </div>
      </section>
    );
  return (
    <section class="card below" aria-labelledby="images">
      <header>
        <h2 id="images">Images</h2>
      </header>
      <Table
        caption="Image definitions"
        class="cards hover"
        columns={[
          "Image definition",
          "Latest",
          "Published",
          "Newest version, by region",
          "Ready",
          "Versions",
          "Health",
        ]}
      >
        {[...galleries.values()].map((gallery) => (
          <>
            <tr key={galleryKey(gallery)} class="group">
              <th colSpan={7} scope="rowgroup">
                <Link to={{ view: "gallery", gallery }}>
                  {gallery.galleryName}
                </Link>{" "}
                <span class="muted">{gallery.resourceGroupName}</span>
              </th>
            </tr>
            {known
              .filter(({ image }) => galleryKey(image) === galleryKey(gallery))
              .map((one) => (
                <ImageRow key={imageKey(one.image)} known={one} />
              ))}
          </>
        ))}
      </Table>
    </section>
  );
}

const TONES = {
  bad: "error-text",
  warn: "warn-text",
  run: "run-text",
  plain: "muted",
} as const;

function ImageRow({ known: { image, summary } }: { readonly known: Known }) {
  const body = summary?.body;
  const nowMs = Date.now();
  const rows = body === undefined ? [] : matrixOf(body, nowMs).rows;
  const [newest] = rows;
  const counts = latestCounts(body?.versions ?? []);
  const worst = ["bad", "warn", "run"]
    .map((tone) => rows.find((row) => row.tone === tone))
    .find((row) => row !== undefined);
  return (
    <tr>
      <th scope="row">
        <Link to={{ view: "image", image }}>{image.imageName}</Link>
      </th>
      <td data-label="Latest">
        <span>
          {counts.slice(0, 2).map(({ name, count }, index) => (
            <span key={name}>
              {index > 0 && ", "}
              {name}{" "}
              {counts.length > 1 && <span class="muted">in {count}</span>}
            </span>
          ))}
          {counts.length > 2 && `, ${counts.length - 2} others`}
          {body && counts.length === 0 && <span class="muted">none</span>}
        </span>
      </td>
      <td class="muted wide-only">
        {newest?.version.publishedDate !== undefined &&
          `${ageText(newest.version.publishedDate, nowMs)} ago`}
      </td>
      <td>
        {newest && (
          <Strip
            label={`${newest.version.name}: ready in ${newest.ready} of ${regionCount(newest.version.regions.length)}`}
            tiles={newest.cells}
          />
        )}
      </td>
      <td data-label="Ready">
        {newest && `${newest.ready} of ${newest.version.regions.length}`}
      </td>
      <td class="wide-only">{body?.versions.length}</td>
      <td class={worst ? TONES[worst.tone] : "muted"}>
        {body === undefined
          ? ""
          : worst === undefined
            ? rows.length === 0
              ? "No version yet"
              : "Nothing to do"
            : `${worst.version.name}: ${worst.standsOut}`}
      </td>
    </tr>
  );
}

function OpenForm() {
  const [id, setId] = useState("");
  const [error, setError] = useState("");
  return (
    <form
      class="filters below no-print"
      onSubmit={(event) => {
        event.preventDefault();
        const route = routeTo(id);
        if (route === undefined)
          setError(
            "This is not the resource id of a gallery, an image definition or an image version.",
          );
        else navigate(route);
      }}
    >
      <label class="grow">
        Resource id of a gallery, an image definition or an image version
        <input
          value={id}
          spellcheck={false}
          aria-invalid={error !== ""}
          aria-describedby="open-error"
          onInput={(event) => setId(event.currentTarget.value)}
          placeholder="/subscriptions/…/galleries/…"
        />
      </label>
      <button type="submit">Open</button>
      <p id="open-error" class="error-text" role="alert">
        {error}
      </p>
    </form>
  );
}
