import { useEffect } from "preact/hooks";
import { entries, type Client, type Schemas } from "@sigil/client";
import { Crumbs, useTitle } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import { EndOfLife } from "../components/time.js";
import { WindowTable } from "../components/window-table.js";
import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { Link, replaceQuery, useQuery } from "../navigation.js";
import { rememberGallery } from "../recent.js";
import { galleryKey, type GalleryName } from "../routes.js";

type ImageDefinition = Schemas["ImageDefinition"];

/** The API's own list is as old as that. */
const EVERY_MS = 30_000;
const ROW_HEIGHT = 48;

/** The image definitions of one gallery. */
export function GalleryView({ gallery }: { readonly gallery: GalleryName }) {
  useTitle(gallery.galleryName);
  const client = useClient();
  const key = galleryKey(gallery);
  const live = useLive<readonly ImageDefinition[]>(
    `gallery ${key}`,
    (_, signal) => readImages(client, gallery, signal),
    () => EVERY_MS,
  );
  const isThere = live.value !== undefined;
  useEffect(() => {
    if (isThere) rememberGallery(gallery);
  }, [isThere, key]);
  return (
    <>
      <Crumbs gallery={gallery} />
      <h1>{gallery.galleryName}</h1>
      <LiveBar live={live} />
      {live.value && <Definitions gallery={gallery} all={live.value} />}
    </>
  );
}

function Definitions({
  gallery,
  all,
}: {
  readonly gallery: GalleryName;
  readonly all: readonly ImageDefinition[];
}) {
  const text = useQuery().get("q") ?? "";
  const wanted = text.trim().toLowerCase();
  const rows = all.filter((definition) =>
    `${definition.name}\n${definition.description ?? ""}`
      .toLowerCase()
      .includes(wanted),
  );
  if (all.length === 0) return <p>The gallery has no image definition.</p>;
  return (
    <>
      <form
        class="filters no-print"
        role="search"
        aria-label="Filter image definitions"
        onSubmit={(event) => event.preventDefault()}
      >
        <label>
          Name or description
          <input
            type="search"
            value={text}
            spellcheck={false}
            onInput={(event) => replaceQuery({ q: event.currentTarget.value })}
          />
        </label>
      </form>
      <p role="status" class="muted">
        {rows.length < all.length && `${rows.length} of `}
        {all.length} {all.length === 1 ? "definition" : "definitions"}
      </p>
      <WindowTable
        caption={`Image definitions of ${gallery.galleryName}`}
        columns={7}
        rows={rows}
        rowHeight={ROW_HEIGHT}
        rowKey={({ name }) => name}
        head={
          <>
            <th scope="col" class="sticky">
              Image definition
            </th>
            <th scope="col">Operating system</th>
            <th scope="col">Generation</th>
            <th scope="col">Architecture</th>
            <th scope="col">Security type</th>
            <th scope="col">Region</th>
            <th scope="col">End of life</th>
          </>
        }
        cells={(definition) => (
          <>
            <th scope="row" class="sticky">
              <Link
                to={{
                  view: "image",
                  image: { ...gallery, imageName: definition.name },
                }}
              >
                {definition.name}
              </Link>
              <div class="sub" title={definition.description}>
                {definition.description}
              </div>
            </th>
            <td data-label="Operating system">
              {definition.osType}
              <div class="sub">{definition.osState}</div>
            </td>
            <td data-label="Generation">{definition.hyperVGeneration}</td>
            <td data-label="Architecture">{definition.architecture}</td>
            <td data-label="Security type">{definition.securityType}</td>
            <td data-label="Region">{definition.region}</td>
            <td data-label="End of life">
              {definition.endOfLifeDate !== undefined && (
                <EndOfLife date={definition.endOfLifeDate} />
              )}
            </td>
          </>
        )}
      />
    </>
  );
}

async function readImages(
  client: Client,
  gallery: GalleryName,
  signal: AbortSignal,
): Promise<readonly ImageDefinition[]> {
  const found: ImageDefinition[] = [];
  for await (const definition of entries(client, "listImages", {
    path: { ...gallery },
    query: { top: 100 },
    signal,
  }))
    found.push(definition);
  return found;
}
