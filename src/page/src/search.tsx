import { useEffect, useId, useRef, useState } from "preact/hooks";
import { parseResourceId, type Client } from "@sigil/client";
import { useModal } from "./components/dialog.js";
import { tileOf } from "./components/state.js";
import { Tile } from "./components/tile.js";
import { useClient } from "./context.js";
import { imagesOf, readGalleries } from "./galleries.js";
import { matrixOf } from "./image/cells.js";
import { navigate } from "./navigation.js";
import { kindName } from "./operations.js";
import { bestFirst, type Hit } from "./palette-hits.js";
import { routeTo, type ImageName, type Route } from "./routes.js";
import { nameIn, readSummary } from "./summaries.js";

/** `missed`: how many of all `images` are too many to read, or cannot be read. */
interface Found {
  readonly hits: readonly Hit[];
  readonly missed: number;
  readonly images: number;
}

const NOTHING: Found = { hits: [], missed: 0, images: 0 };
const MOST_HITS = 12;
const MOST_IMAGES = 20;

/** One search over images, versions, regions, sets and operations: Ctrl-K. */
export function Search() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button type="button" class="find no-print" onClick={() => setOpen(true)}>
        Search<span class="wide-only"> versions, regions, keys…</span>
        <kbd>Ctrl K</kbd>
      </button>
      {open && <SearchDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function SearchDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useClient();
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [all, setAll] = useState<Found>();
  const [at, setAt] = useState(0);
  const listId = useId();
  const modal = useModal(dialog, onClose);
  useEffect(() => {
    const ended = new AbortController();
    readHits(client, ended.signal, setAll).catch(() => {
      if (!ended.signal.aborted) setAll((found) => found ?? NOTHING);
    });
    return () => ended.abort();
  }, [client]);
  const named = routeTo(text);
  const hits = [
    ...(named === undefined
      ? []
      : [
          {
            tile: "absent" as const,
            text: nameIn(text.trim()),
            hint: "by its resource id",
            to: named,
          },
        ]),
    ...bestFirst(all?.hits ?? [], text),
  ].slice(0, MOST_HITS);
  const go = (hit: Hit | undefined): void => {
    if (hit === undefined) return;
    onClose();
    navigate(hit.to);
  };
  return (
    <dialog ref={dialog} aria-label="Search" class="search" {...modal}>
      <input
        type="text"
        role="combobox"
        list={undefined}
        aria-label="Search"
        aria-expanded={hits.length > 0}
        aria-controls={listId}
        aria-activedescendant={hits.length > 0 ? `${listId}-${at}` : undefined}
        placeholder="4.12 westeurope"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(at + 1, hits.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
          else if (event.key === "Enter") go(hits[at]);
          else return;
          event.preventDefault();
        }}
      />
      <div id={listId} role="listbox" aria-label="Found" class="hits">
        {hits.map((hit, index) => (
          <div
            key={`${hit.text} ${hit.hint}`}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            onPointerMove={() => setAt(index)}
            onClick={() => go(hit)}
          >
            <Tile state={hit.tile} /> <b>{hit.text}</b> <span class="muted">{hit.hint}</span>
          </div>
        ))}
      </div>
      <p class="muted small" role="status">
        {all === undefined
          ? "Reading…"
          : [
              text.trim() !== "" &&
                hits.length === 0 &&
                "Nothing is found. A resource id leads to any gallery, image or version.",
              all.missed > 0 && `${all.missed} of ${all.images} images were not searched.`,
            ]
              .filter(Boolean)
              .join(" ")}
      </p>
    </dialog>
  );
}

/** Reports search results as they arrive. */
async function readHits(
  client: Client,
  signal: AbortSignal,
  tell: (found: Found) => void,
): Promise<void> {
  const [{ body }, listed] = await Promise.all([
    client.call("listOperations", { query: { top: 100 }, signal }),
    readGalleries(client, false, signal).catch(() => undefined), // If it fails, the other source still has results.
  ]);
  const images = imagesOf(body.value, listed?.images ?? []);
  const galleries = (listed?.galleries ?? []).map((gallery): Hit => ({
    tile: "absent",
    text: gallery.galleryName,
    hint: `Gallery in ${gallery.resourceGroupName}`,
    to: { view: "gallery", gallery },
  }));
  const operations = body.value.map(({ id, kind, resourceId, status }): Hit => ({
    tile: tileOf(status),
    text: `${kindName(kind)} ${nameIn(resourceId.replace(/\/versions\/([^/]+)$/u, " $1"))}`,
    hint: `Operation, ${status.toLowerCase()}, ${id.slice(0, 8)}`,
    to: { view: "operation", operationId: id },
  }));
  let hits: readonly Hit[] = [
    ...images.map((image): Hit => ({
      tile: "absent",
      text: image.imageName,
      hint: `Image definition in ${image.galleryName}`,
      to: { view: "image", image },
    })),
    ...galleries,
  ];
  let missed = Math.max(images.length - MOST_IMAGES, 0);
  const say = (): void => tell({ hits: [...hits, ...operations], missed, images: images.length });
  say();
  for (const image of images.slice(0, MOST_IMAGES)) {
    try {
      const summary = await readSummary(client, image, undefined, signal);
      hits = [...hits, ...hitsOf(image, summary.body)];
    } catch {
      signal.throwIfAborted();
      missed += 1;
    }
    say();
  }
}

function hitsOf(image: ImageName, body: Parameters<typeof matrixOf>[0]): readonly Hit[] {
  const versions = matrixOf(body, Date.now()).rows.flatMap(
    ({ version, cells, standsOut }): Hit[] => {
      const to: Route = { view: "version", image, version: version.name };
      const text = `${image.imageName} ${version.name}`;
      return [
        {
          tile: "ready",
          text,
          version: version.name,
          hint: [standsOut, image.galleryName].filter(Boolean).join(", "),
          to,
        },
        ...cells.map(({ region, state, word }) => ({
          tile: state,
          text: `${text} in ${region}`,
          hint: word,
          to,
        })),
      ];
    },
  );
  const sets = body.diskEncryptionSets.map((id): Hit => ({
    tile: "absent",
    text: nameIn(id),
    hint: "Disk encryption set",
    to: { view: "keys", subscriptionId: parseResourceId(id)?.subscriptionId ?? "" },
  }));
  return [...versions, ...sets];
}
