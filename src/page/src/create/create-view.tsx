import { useState } from "preact/hooks";
import type { Client } from "@sigil/client";
import { Crumbs, Head } from "../components/head.js";
import { LiveState } from "../components/live.js";
import { useLoaded } from "../components/loaded.js";
import { Problem } from "../components/problem.js";
import { useClient, useMay } from "../context.js";
import { useLive } from "../live.js";
import { replaceQuery, useQuery } from "../navigation.js";
import { imageKey, type ImageName } from "../routes.js";
import { paceOf, readSummary, type Summary } from "../summaries.js";
import { EMPTY_FORM } from "./model/form.js";
import { formOf } from "./model/read.js";
import { copied, usualStart } from "./model/regions.js";
import type { Base } from "./model/submission.js";
import { VersionForm } from "./version-form.js";

export interface CreateViewProps {
  readonly image: ImageName;
  /** The version to change; absent: a new one. */
  readonly version?: string | undefined;
}

/** Creates a version, or changes one. Loaded when it is opened. */
export function CreateView({ image, version }: CreateViewProps) {
  const from = useQuery().get("from") ?? undefined;
  const mayWrite = useMay("Write");
  return (
    <>
      <Head
        title={
          version === undefined
            ? `New version of ${image.imageName}`
            : `Change ${version} of ${image.imageName}`
        }
        crumbs={<Crumbs gallery={image} image={image} version={version} />}
      />
      {mayWrite ? (
        <Begun
          key={`${imageKey(image)}/${version}/${from}`}
          image={image}
          version={version}
          from={from}
        />
      ) : (
        <p role="alert">
          You may not create or change versions: that takes the role ImageVersions.Write.
        </p>
      )}
    </>
  );
}

/** With what the version to change has, or the one to begin with. */
function Begun({ image, version, from }: CreateViewProps & { readonly from: string | undefined }) {
  const client = useClient();
  const [attempt, setAttempt] = useState(0);
  // The next number is that of now: others make versions, too.
  const live = useLive<Summary>(
    imageKey(image),
    (previous, signal) => readSummary(client, image, previous, signal),
    paceOf,
  );
  const read = (name: string, signal?: AbortSignal): Promise<Base> =>
    readBase(client, image, name, signal);
  const { versions } = live.value?.body ?? {};
  const named = version ?? from;
  // Which one is usual does not change while the form is filled in.
  const isKnown = (named ?? versions) !== undefined;
  const loaded = useLoaded(`${attempt} ${isKnown}`, async (signal) => {
    const begin = named ?? usualStart(versions ?? []) ?? "none";
    if (begin === "none") return { start: EMPTY_FORM, begin, change: undefined };
    const base = await read(begin, signal);
    return version === undefined
      ? { start: copied(base.form, image), begin, change: undefined }
      : { start: base.form, begin, change: { version, base } };
  });
  if (loaded.error)
    return (
      <div role="alert" class="banner error">
        <Problem error={loaded.error} />
        <button type="button" onClick={() => setAttempt(attempt + 1)}>
          Try again
        </button>
        {version === undefined && (
          <button type="button" onClick={() => replaceQuery({ from: "none" })}>
            Start with an empty form
          </button>
        )}
      </div>
    );
  if (live.value === undefined) return <LiveState live={live} />;
  if (loaded.value === undefined) return <p role="status">Loading…</p>;
  return (
    <VersionForm
      image={image}
      versions={live.value.body.versions}
      read={read}
      from={from}
      {...loaded.value}
    />
  );
}

async function readBase(
  client: Client,
  image: ImageName,
  version: string,
  signal?: AbortSignal,
): Promise<Base> {
  const { body, headers } = await client.call("getImageVersion", {
    path: { ...image, versionName: version },
    signal,
  });
  const types = new Map(
    body.sigil.regions.flatMap(({ encryption }) =>
      [encryption.osDiskImage, ...encryption.dataDiskImages].flatMap(
        ({ type, diskEncryptionSetId }) =>
          diskEncryptionSetId === undefined
            ? []
            : [[diskEncryptionSetId.toLowerCase(), type] as const],
      ),
    ),
  );
  return {
    etag: headers.get("etag") ?? "*",
    form: formOf(body, {
      version,
      exists: true,
      typeOf: (id) => types.get(id.toLowerCase()),
    }),
  };
}
