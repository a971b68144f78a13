import { Note } from "../components/box.js";
import { Card } from "../components/card.js";
import { Command } from "../components/command.js";
import { ReadAgain } from "../components/live.js";
import { Problem } from "../components/problem.js";
import { Table } from "../components/table.js";
import { Strip } from "../components/tile.js";
import type { Galleries } from "../galleries.js";
import { regionCount } from "../geography.js";
import { ageText, latestCounts, TONES, matrixOf, unseenText } from "../image/cells.js";
import { MapKey } from "../image/map.js";
import type { Live } from "../live.js";
import { Link } from "../navigation.js";
import { galleryKey, imageKey, type GalleryName } from "../routes.js";
import type { Known } from "./use-summaries.js";

/** The image definitions of the galleries that there are, each with its latest, its age and its health. */
export function Images({
  known,
  listed,
}: {
  readonly known: readonly Known[];
  readonly listed: Live<Galleries>;
}) {
  const galleries = new Map<string, GalleryName>();
  for (const gallery of [...(listed.value?.galleries ?? []), ...known.map(({ image }) => image)])
    if (!galleries.has(galleryKey(gallery))) galleries.set(galleryKey(gallery), gallery);
  const sorted = [...galleries.entries()].sort(([a], [b]) => a.localeCompare(b));
  const unread = known.filter(({ summary }) => summary === undefined).length;
  return (
    <Card
      id="images"
      title="Images"
      aside={
        <>
          <span class="wide-only">
            <MapKey />
          </span>
          <ReadAgain live={listed} />
        </>
      }
      class="card below"
    >
      {listed.error !== undefined && (
        <Note tone="warning" role="alert" title="The galleries could not be listed">
          <Problem error={listed.error} />
          <p>Shown is what was worked on lately, and what was opened here.</p>
        </Note>
      )}
      {sorted.length === 0 ? (
        listed.value && <NoGallery />
      ) : (
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
          {sorted.map(([key, gallery]) => (
            <>
              <tr key={key} class="group">
                <th colSpan={7} scope="rowgroup">
                  <Link to={{ view: "gallery", gallery }}>{gallery.galleryName}</Link>{" "}
                  <span class="muted">{gallery.resourceGroupName}</span>
                </th>
              </tr>
              {known
                .filter(({ image }) => galleryKey(image) === key)
                .map((one) => (
                  <ImageRow key={imageKey(one.image)} known={one} />
                ))}
            </>
          ))}
        </Table>
      )}
      {unread > 0 && listed.value && (
        <p class="pad muted small">
          Of {unread} of {known.length}, only the names were read: open one to see it.
        </p>
      )}
    </Card>
  );
}

function NoGallery() {
  return (
    <div class="empty">
      <h2>No gallery yet</h2>
      <p>
        Sigil sees no gallery. Make one with Azure's own tools, and an image definition in it; then
        read the list again:
      </p>
      <Command line="az sig create -g MyResourceGroup -r MyGallery" />
    </div>
  );
}

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
              {name} {counts.length > 1 && <span class="muted">in {count}</span>}
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
            label={`${newest.version.name}: ready in ${newest.ready} of ${regionCount(newest.version.regions.length)}${newest.unseen > 0 ? `, ${newest.unseen} not seen yet` : ""}`}
            tiles={newest.cells}
          />
        )}
      </td>
      <td data-label="Ready">{newest && `${newest.ready} of ${newest.version.regions.length}`}</td>
      <td class="wide-only">{body?.versions.length}</td>
      <td class={worst ? TONES[worst.tone] : "muted"}>
        {body === undefined
          ? ""
          : worst === undefined
            ? rows.length === 0
              ? "No version yet"
              : unseenText(rows) || "Nothing to do"
            : `${worst.version.name}: ${worst.standsOut}`}
      </td>
    </tr>
  );
}
