import type { Schemas } from "@sigil/client";
import { FilterForm, SearchField } from "../components/filters.js";
import { Crumbs, Head } from "../components/head.js";
import { LiveState, ReadAgain } from "../components/live.js";
import { EndOfLife } from "../components/time.js";
import { WindowTable } from "../components/window-table.js";
import { Command } from "../components/command.js";
import { shellWord } from "../command-line.js";
import { useClient } from "../context.js";
import { ANEW, listOf } from "../galleries.js";
import { useLive } from "../live.js";
import { Link, replaceQuery, useQuery } from "../navigation.js";
import { galleryKey, type GalleryName } from "../routes.js";

type ImageDefinition = Schemas["ImageDefinition"];

const ROW_HEIGHT = 48;

/** The image definitions of one gallery. */
export function GalleryView({ gallery }: { readonly gallery: GalleryName }) {
  const client = useClient();
  const key = galleryKey(gallery);
  const live = useLive<Awaited<ReturnType<typeof listOf<ImageDefinition>>>>(
    `gallery ${key}`,
    (previous, signal) =>
      listOf((query) =>
        client.call("listImages", {
          path: { ...gallery },
          query,
          header: previous === undefined ? {} : ANEW,
          signal,
        }),
      ),
    ({ nextMs }) => nextMs,
  );
  return (
    <>
      <Head
        title={gallery.galleryName}
        crumbs={<Crumbs />}
        meta={
          <>
            {gallery.resourceGroupName}, {gallery.subscriptionId} · <ReadAgain live={live} />
          </>
        }
      />
      <LiveState live={live} />
      {live.value && <Definitions gallery={gallery} all={live.value.value} />}
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
    `${definition.name}\n${definition.description ?? ""}`.toLowerCase().includes(wanted),
  );
  if (all.length === 0)
    return (
      <section class="card">
        <div class="empty">
          <h2>No image definition yet</h2>
          <p>The gallery has no image definition. Make one with Azure's own tools:</p>
          <Command
            line={`az sig image-definition create -g ${shellWord(gallery.resourceGroupName)} -r ${shellWord(gallery.galleryName)} -i MyImage --publisher Me --offer MyOffer --sku MySku --os-type Linux`}
          />
        </div>
      </section>
    );
  return (
    <>
      <FilterForm label="Filter image definitions">
        <SearchField
          label="Name or description"
          value={text}
          onChange={(q) => replaceQuery({ q })}
        />
      </FilterForm>
      <p role="status" class="muted">
        {rows.length < all.length && `${rows.length} of `}
        {all.length} {all.length === 1 ? "definition" : "definitions"}
      </p>
      <section class="card">
        <WindowTable
          caption={`Image definitions of ${gallery.galleryName}`}
          columns={[
            "Image definition",
            "Operating system",
            "Generation",
            "Architecture",
            "Security type",
            "Region",
            "End of life",
          ]}
          rows={rows}
          rowHeight={ROW_HEIGHT}
          rowKey={({ name }) => name}
          cells={(definition) => (
            <>
              <th scope="row">
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
                <EndOfLife date={definition.endOfLifeDate} />
              </td>
            </>
          )}
        />
      </section>
    </>
  );
}
