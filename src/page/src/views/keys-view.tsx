import { useEffect, useState } from "preact/hooks";
import { entries, NotFoundError, type Client, type Schemas } from "@sigil/client";
import { Card } from "../components/card.js";
import { Head } from "../components/head.js";
import { LiveDot, LiveState } from "../components/live.js";
import { useLoaded } from "../components/loaded.js";
import { State } from "../components/state.js";
import { Table } from "../components/table.js";
import { Expires, Time } from "../components/time.js";
import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { Link, navigate, replaceAddress } from "../navigation.js";
import { imagesOf, readGalleries } from "../galleries.js";
import { keyText } from "../key-text.js";
import { imageKey, pathOf, type ImageName } from "../routes.js";
import { ENCRYPTION_NAMES, nameIn, readSummary } from "../summaries.js";

type DiskEncryptionSet = Schemas["DiskEncryptionSet"];
type KeySummary = Schemas["KeySummary"];

const EVERY_MS = 60_000;
/** Image definitions whose versions are looked through. */
const MOST_IMAGES = 10;

interface Keys {
  readonly sets: readonly DiskEncryptionSet[];
  /** By id in lower case. */
  readonly uses: ReadonlyMap<string, readonly Use[]>;
  /** The same, of those that were looked at. */
  readonly states: ReadonlyMap<string, KeySummary>;
  readonly images: readonly ImageName[];
  /** Those of `images` whose versions could not be read, or not all of them yet. */
  readonly unread: readonly ImageName[];
}

/** Versions of one image definition that a set holds the key of. */
interface Use {
  readonly image: ImageName;
  readonly versions: readonly string[];
}

/** The disk encryption sets of a subscription, by region, and which versions hang on each. */
export function KeysView({ subscriptionId }: { readonly subscriptionId: string | undefined }) {
  return subscriptionId === undefined ? (
    <>
      <Head title="Keys" />
      <ChooseSubscription />
    </>
  ) : (
    <Sets subscriptionId={subscriptionId} />
  );
}

function Sets({ subscriptionId }: { readonly subscriptionId: string }) {
  const client = useClient();
  const live = useLive<Keys>(
    `keys ${subscriptionId}`,
    (_, signal) => readKeys(client, subscriptionId, signal),
    () => EVERY_MS,
  );
  const head = (
    <>
      <Head
        title="Keys"
        meta={
          <>
            <LiveDot live={live} /> · {subscriptionId}
          </>
        }
      />
      <LiveState live={live} />
    </>
  );
  if (live.value === undefined) return head;
  const { sets, uses, states, images, unread } = live.value;
  const regions = [...new Set(sets.map(({ region }) => region))].sort();
  return (
    <>
      {head}
      {sets.length === 0 && <p>There are no disk encryption sets.</p>}
      {images.length > 0 && (
        <p class="muted small count">Versions were looked for in {namesOf(images)}.</p>
      )}
      {unread.length > 0 && (
        <p class="note warning" role="status">
          The versions of {namesOf(unread)} could not all be read: more may hang on a set than is
          shown.
        </p>
      )}
      {regions.map((region) => (
        <Card key={region} id={region} title={region}>
          <Table
            caption={`Disk encryption sets in ${region}`}
            columns={[...["Set", "Type", "Provisioning", "Key", "Rotation"], "Versions"]}
          >
            {sets
              .filter((set) => set.region === region)
              .map((set) => (
                <SetRow
                  key={set.id}
                  set={set}
                  uses={uses.get(set.id.toLowerCase()) ?? []}
                  state={states.get(set.id.toLowerCase())}
                  complete={unread.length === 0}
                />
              ))}
          </Table>
        </Card>
      ))}
    </>
  );
}

/** It was seen, and nothing is wrong with it. */
function isWell({ problems, notSeen }: KeySummary): boolean {
  return problems.length + notSeen.length === 0;
}

function SetRow({
  set,
  uses,
  state,
  complete,
}: {
  readonly set: DiskEncryptionSet;
  readonly uses: readonly Use[];
  /** Of one that was looked at. */
  readonly state: KeySummary | undefined;
  readonly complete: boolean;
}) {
  return (
    <tr>
      <th scope="row" title={set.id}>
        {nameIn(set.id)}
        <div class="sub">{set.id.split("/")[4]}</div>
      </th>
      <td data-label="Type">{ENCRYPTION_NAMES[set.encryptionType] ?? set.encryptionType}</td>
      <td data-label="Provisioning">
        <State state={set.provisioningState} />
      </td>
      <td data-label="Key">
        <span>
          <span title={set.keyUrl}>{keyText(set)}</span>
          {state && (state.expiresTime !== undefined || isWell(state)) && (
            <div class="sub">
              <Expires value={state.expiresTime ?? null} />
            </div>
          )}
          {state?.problems.map(({ code, message, remediation }) => (
            <div key={code} class="error-text" title={remediation}>
              {message}
            </div>
          ))}
          {state?.notSeen.map(({ code, message }) => (
            <div key={code} class="sub">
              Not seen: {message}
            </div>
          ))}
          {state === undefined && <div class="sub">Nobody has looked at it.</div>}
        </span>
      </td>
      <td data-label="Rotation">
        {set.rotationToLatestKeyVersionEnabled ? "By itself" : "By hand"}
        {set.lastKeyRotationTime !== undefined && (
          <div class="sub">
            Last <Time value={set.lastKeyRotationTime} />
          </div>
        )}
        {set.autoKeyRotationError && (
          <div class="error-text wrap">
            {set.autoKeyRotationError.code}: {set.autoKeyRotationError.message}
          </div>
        )}
      </td>
      <td data-label="Versions">
        {uses.length === 0 && <span class="muted">{complete ? "none found" : "not known"}</span>}
        {uses.map(({ image, versions }) => (
          <div key={imageKey(image)}>
            <Link to={{ view: "image", image }} query={`?q=${encodeURIComponent(nameIn(set.id))}`}>
              {versions.length} of {image.imageName}
            </Link>
          </div>
        ))}
      </td>
    </tr>
  );
}

/** Those of the galleries; where there is one, it needs no choice. */
function ChooseSubscription() {
  const client = useClient();
  const listed = useLoaded("galleries", (signal) => readGalleries(client, false, signal));
  const [typed, setTyped] = useState("");
  const known = [
    ...new Set(
      (listed.kind === "loaded" ? listed.value.galleries : []).map(({ subscriptionId }) =>
        subscriptionId.toLowerCase(),
      ),
    ),
  ];
  const [first, ...others] = known;
  useEffect(() => {
    if (first !== undefined && others.length === 0)
      replaceAddress(pathOf({ view: "keys", subscriptionId: first }));
  }, [first, others.length]);
  if (listed.kind === "loading") return <p role="status">Loading…</p>;
  return (
    <section class="card">
      <ul class="pad">
        {known.map((subscriptionId) => (
          <li key={subscriptionId}>
            <Link to={{ view: "keys", subscriptionId }}>{subscriptionId}</Link>
          </li>
        ))}
      </ul>
      <form
        class="pad row"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== "") navigate({ view: "keys", subscriptionId: typed.trim() });
        }}
      >
        <label for="keys-subscription">Another subscription</label>
        <input
          id="keys-subscription"
          value={typed}
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit">Show</button>
      </form>
    </section>
  );
}

function namesOf(images: readonly ImageName[]): string {
  return images.map(({ galleryName, imageName }) => `${galleryName}/${imageName}`).join(", ");
}

async function readKeys(
  client: Client,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<Keys> {
  const sets: DiskEncryptionSet[] = [];
  for await (const set of entries(client, "listDiskEncryptionSets", {
    path: { subscriptionId },
    query: {},
    signal,
  }))
    sets.push(set);
  const images = await imagesIn(client, subscriptionId, signal);
  const uses = new Map<string, Use[]>();
  const states = new Map<string, KeySummary>();
  const unread: ImageName[] = [];
  await Promise.all(
    images.map(async (image) => {
      try {
        const { body } = await readSummary(client, image, undefined, signal);
        if (!body.complete) unread.push(image);
        body.diskEncryptionSets.forEach((id, index) => {
          const versions = body.versions
            .filter(({ regions }) =>
              regions.some(({ diskEncryptionSets }) => diskEncryptionSets.includes(index)),
            )
            .map(({ name }) => name);
          const key = id.toLowerCase();
          uses.set(key, [...(uses.get(key) ?? []), { image, versions }]);
          const state = body.keys?.find(({ diskEncryptionSet }) => diskEncryptionSet === index);
          if (state) states.set(key, state);
        });
      } catch (error) {
        signal.throwIfAborted();
        // An image definition that is gone has no versions.
        if (!(error instanceof NotFoundError)) unread.push(image);
      }
    }),
  );
  return { sets, uses, states, images, unread };
}

/** Of this subscription: those that were worked on lately and opened here, before those that are only listed. */
async function imagesIn(
  client: Client,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<readonly ImageName[]> {
  const [{ body }, listed] = await Promise.all([
    client.call("listOperations", {
      query: { subscriptionId, top: 100 },
      signal,
    }),
    readGalleries(client, false, signal).catch(() => undefined), // Then those that are known otherwise.
  ]);
  return imagesOf(body.value, listed?.images ?? [])
    .filter((image) => image.subscriptionId.toLowerCase() === subscriptionId.toLowerCase())
    .slice(0, MOST_IMAGES);
}
