import { useState } from "preact/hooks";
import { useTitle } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import { State } from "../components/state.js";
import { Table } from "../components/table.js";
import { Time } from "../components/time.js";
import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { BUSY_MS, IDLE_MS } from "../retry.js";
import { Link, navigate } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { recentGalleries, recentImages } from "../recent.js";
import {
  galleryKey,
  imageKey,
  parseResourceId,
  routeTo,
  type GalleryName,
  type ImageName,
} from "../routes.js";

/** Galleries and image definitions: those that Sigil worked on lately, and those that were opened here. */
export function HomeView() {
  useTitle("Images");
  const client = useClient();
  const live = useLive<readonly Operation[]>(
    "home",
    async (_, signal) => {
      const { body } = await client.call("listOperations", {
        query: { top: 100 },
        signal,
      });
      return body.value;
    },
    (operations) => (operations.some(isRunning) ? BUSY_MS * 2 : IDLE_MS * 2),
  );
  const images = live.value && imagesOf(live.value);
  const galleries = images ? galleriesOf(images) : [];
  return (
    <>
      <h1>Images</h1>
      <OpenForm />
      <LiveBar live={live} />
      {images && images.length === 0 && galleries.length === 0 && (
        <p>
          No operation has been asked for yet. Open a gallery or an image
          definition by its resource id.
        </p>
      )}
      {galleries.length > 0 && (
        <>
          <h2>Galleries</h2>
          <Table
            caption="Galleries"
            columns={["Gallery", "Resource group", "Subscription"]}
          >
            {galleries.map((gallery) => (
              <tr key={galleryKey(gallery)}>
                <th scope="row">
                  <Link to={{ view: "gallery", gallery }}>
                    {gallery.galleryName}
                  </Link>
                </th>
                <td>{gallery.resourceGroupName}</td>
                <td>{gallery.subscriptionId}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {images && images.length > 0 && (
        <>
          <h2>Image definitions opened or worked on lately</h2>
          <Table
            caption="Image definitions"
            columns={[
              "Image definition",
              "Gallery",
              "Under way",
              "Last operation",
            ]}
          >
            {images.map(({ image, running, last }) => (
              <tr key={imageKey(image)}>
                <th scope="row">
                  <Link to={{ view: "image", image }}>{image.imageName}</Link>
                </th>
                <td>
                  <Link to={{ view: "gallery", gallery: image }}>
                    {image.galleryName}
                  </Link>
                  <div class="sub">
                    {image.resourceGroupName}, {image.subscriptionId}
                  </div>
                </td>
                <td>{running}</td>
                <td>
                  {last && (
                    <>
                      <State state={last.status} text={kindName(last.kind)} />
                      <div class="sub">
                        <Time value={last.createdTime} />
                      </div>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}

interface ListedImage {
  readonly image: ImageName;
  readonly running: number;
  /** Absent: none of the last hundred. */
  readonly last?: Operation;
}

/** Newest first, as the operations are. */
function imagesOf(operations: readonly Operation[]): readonly ListedImage[] {
  const found = new Map<string, ListedImage>();
  for (const operation of operations) {
    const image = parseResourceId(operation.resourceId)?.image;
    if (image === undefined) continue;
    const key = imageKey(image);
    const { running = 0, last = operation } = found.get(key) ?? {};
    found.set(key, {
      image,
      last,
      running: running + (isRunning(operation) ? 1 : 0),
    });
  }
  for (const image of recentImages())
    if (!found.has(imageKey(image)))
      found.set(imageKey(image), { image, running: 0 });
  return [...found.values()];
}

/** Those of the image definitions, and those that were opened, by name. */
function galleriesOf(images: readonly ListedImage[]): readonly GalleryName[] {
  const found = new Map<string, GalleryName>();
  for (const each of [
    ...recentGalleries(),
    ...images.map(({ image }) => image),
  ])
    if (!found.has(galleryKey(each))) found.set(galleryKey(each), each);
  return [...found.values()].sort((a, b) =>
    galleryKey(a).localeCompare(galleryKey(b)),
  );
}

function OpenForm() {
  const [id, setId] = useState("");
  const [error, setError] = useState("");
  return (
    <form
      class="open no-print"
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
      <label for="open-id">
        Resource id of a gallery, an image definition or an image version
      </label>
      <input
        id="open-id"
        value={id}
        spellcheck={false}
        aria-invalid={error !== ""}
        aria-describedby="open-error"
        onInput={(event) => setId(event.currentTarget.value)}
        placeholder="/subscriptions/…/galleries/…"
      />
      <button type="submit" class="primary">
        Open
      </button>
      <p id="open-error" class="error-text" role="alert">
        {error}
      </p>
    </form>
  );
}
