import { useState } from "preact/hooks";
import { useTitle } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import { State } from "../components/state.js";
import { Time } from "../components/time.js";
import { useClient } from "../context.js";
import { BUSY_MS, IDLE_MS, useLive } from "../live.js";
import { Link, navigate } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { recentImages } from "../recent-images.js";
import { imageKey, parseResourceId, type ImageName } from "../routes.js";

/** Image definitions: those that Sigil worked on lately, and those that were opened here. */
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
  return (
    <>
      <h1>Images</h1>
      <OpenForm />
      <LiveBar live={live} />
      {images && images.length === 0 && (
        <p>
          No operation has been asked for yet. Open an image definition by its
          resource id.
        </p>
      )}
      {images && images.length > 0 && (
        <div
          class="table-scroll"
          tabIndex={0}
          role="region"
          aria-label="Image definitions"
        >
          <table>
            <caption class="visually-hidden">Image definitions</caption>
            <thead>
              <tr>
                <th scope="col">Image definition</th>
                <th scope="col">Gallery</th>
                <th scope="col">Under way</th>
                <th scope="col">Last operation</th>
              </tr>
            </thead>
            <tbody>
              {images.map(({ image, running, last }) => (
                <tr key={imageKey(image)}>
                  <th scope="row">
                    <Link to={{ view: "image", image }}>{image.imageName}</Link>
                  </th>
                  <td>
                    {image.galleryName}
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
            </tbody>
          </table>
        </div>
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

function OpenForm() {
  const [id, setId] = useState("");
  const [error, setError] = useState("");
  return (
    <form
      class="open no-print"
      onSubmit={(event) => {
        event.preventDefault();
        const found = parseResourceId(id);
        if (found === undefined)
          setError(
            "This is not the resource id of an image definition or an image version.",
          );
        else if (found.version === undefined)
          navigate({ view: "image", image: found.image });
        else
          navigate({
            view: "version",
            image: found.image,
            version: found.version,
          });
      }}
    >
      <label for="open-id">
        Resource id of an image definition or an image version
      </label>
      <input
        id="open-id"
        value={id}
        spellcheck={false}
        aria-invalid={error !== ""}
        aria-describedby="open-error"
        onInput={(event) => setId(event.currentTarget.value)}
        placeholder="/subscriptions/…/galleries/…/images/…"
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
