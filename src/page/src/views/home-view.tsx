import { useEffect, useState } from "preact/hooks";
import { useNow } from "../clock.js";
import { Head } from "../components/head.js";
import { Menu } from "../components/menu.js";
import { useClient, useMay } from "../context.js";
import { imagesOf, readGalleries, type Galleries } from "../galleries.js";
import { regionCount } from "../geography.js";
import { useLive } from "../live.js";
import { Link } from "../navigation.js";
import { isRunning, type Operation } from "../operations.js";
import { readAttention, seenText, type AttentionPage } from "../overview/attention.js";
import { Images } from "../overview/images.js";
import { NeedsAttention } from "../overview/needs-attention.js";
import { EndedLately, UnderWay } from "../overview/operations.js";
import { useSummaries } from "../overview/use-summaries.js";
import { nextMs } from "../retry.js";
import { imageKey, type ImageName } from "../routes.js";

const ENDED_SHOWN = 6;

interface Shown {
  readonly attention: readonly AttentionPage[];
  readonly operations: readonly Operation[];
  readonly nextMs: number;
}

/** What needs attention, what runs, what has ended; then the image definitions. */
export function HomeView() {
  const client = useClient();
  const mayWrite = useMay("Write");
  const [pages, setPages] = useState(1);
  const live = useLive<Shown>(
    "home",
    async (previous, signal) => {
      const [{ headers, body }, attention] = await Promise.all([
        client.call("listOperations", { query: { top: 100 }, signal }),
        readAttention(client, previous?.attention ?? [], pages, signal),
      ]);
      const next = [nextMs(headers), ...attention.map((page) => page.nextMs)];
      return { operations: body.value, attention, nextMs: Math.min(...next) };
    },
    (shown) => shown.nextMs,
  );
  const { refresh } = live;
  useEffect(() => {
    if (pages > 1) refresh();
  }, [pages, refresh]);
  const listed = useLive<Galleries>(
    "galleries",
    (previous, signal) => readGalleries(client, previous !== undefined, signal),
    (galleries) => galleries.nextMs,
  );
  const { operations = [] } = live.value ?? {};
  const images = imagesOf(operations, listed.value?.images ?? []);
  const known = useSummaries(images);
  const versions = live.value?.attention[0]?.body.seen.versions ?? 0;
  // Only where each was read: else there are more.
  const regions = known.every(({ summary }) => summary)
    ? new Set(
        known.flatMap(({ summary }) =>
          summary?.body.versions.flatMap((version) => version.regions.map(({ name }) => name)),
        ),
      ).size
    : 0;
  const sorted = [...known].sort((a, b) => imageKey(a.image).localeCompare(imageKey(b.image)));
  return (
    <>
      <Head
        title="Overview"
        live={live}
        meta={
          <>
            {listed.value &&
              ` · ${counted(listed.value.galleries.length, "gallery", "galleries")}, ${counted(images.length, "image", "images")}`}
            {versions > 0 &&
              `, ${counted(versions, "version", "versions")}${regions > 0 ? ` in ${regionCount(regions)}` : ""}`}
            {live.value?.attention[0] && <Seen body={live.value.attention[0].body} />}
          </>
        }
      >
        {mayWrite && <NewVersion images={sorted.map(({ image }) => image)} />}
      </Head>
      {live.value && (
        <>
          <div class="columns even">
            <NeedsAttention
              pages={live.value.attention}
              onMore={() => setPages((now) => now + 1)}
            />
            <div class="stack">
              <UnderWay operations={operations.filter(isRunning)} />
              <EndedLately
                operations={operations
                  .filter((operation) => !isRunning(operation))
                  .slice(0, ENDED_SHOWN)}
              />
            </div>
          </div>
          <Images known={sorted} listed={listed} />
        </>
      )}
    </>
  );
}

/** Of one image definition at once, of several after one is chosen. */
function NewVersion({ images }: { readonly images: readonly ImageName[] }) {
  const [first] = images;
  if (first === undefined) return null;
  if (images.length === 1)
    return (
      <Link to={{ view: "create", image: first }} class="button primary no-print">
        New version
      </Link>
    );
  return (
    <Menu label="New version" class="primary" text="New version ▾">
      {images.map((image) => (
        <Link key={imageKey(image)} to={{ view: "create", image }}>
          {image.imageName} <span class="muted">{image.galleryName}</span>
        </Link>
      ))}
    </Menu>
  );
}

function Seen({ body }: Pick<AttentionPage, "body">) {
  const text = seenText(body, useNow());
  return <>{text !== "" && ` · ${text}`}</>;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
