import { useState } from "preact/hooks";
import type { Client } from "@sigil/client";
import { Crumbs, Head } from "../components/head.js";
import { LiveState } from "../components/live.js";
import { useLoaded } from "../components/loaded.js";
import { Problem } from "../components/problem.js";
import { useClient, useMay } from "../context.js";
import { useLive } from "../live.js";
import { IDLE_MS } from "../retry.js";
import { imageKey, type ImageName } from "../routes.js";
import { readSummary, type Summary } from "../summaries.js";
import { formOf } from "./model/read.js";
import type { Base } from "./model/submission.js";
import { VersionForm } from "./version-form.js";

export interface CreateViewProps {
  readonly image: ImageName;
  /** The version to change; absent: a new one. */
  readonly version?: string;
}

/** Creates a version, or changes one. Loaded when it is opened. */
export function CreateView({ image, version }: CreateViewProps) {
  const title =
    version === undefined
      ? `New version of ${image.imageName}`
      : `Change ${version} of ${image.imageName}`;
  const mayWrite = useMay("Write");
  return (
    <>
      <Head
        title={title}
        crumbs={<Crumbs gallery={image} image={image} version={version} />}
      />
      {!mayWrite ? (
        <p role="alert">
          You may not create or change versions: that takes the role
          ImageVersions.Write.
        </p>
      ) : version === undefined ? (
        <NewVersion key={imageKey(image)} image={image} />
      ) : (
        <ChangedVersion
          key={`${imageKey(image)}/${version}`}
          image={image}
          version={version}
        />
      )}
    </>
  );
}

function NewVersion({ image }: { readonly image: ImageName }) {
  const client = useClient();
  // The next number is that of now: others make versions, too.
  const live = useLive<Summary>(
    imageKey(image),
    (previous, signal) => readSummary(client, image, previous, signal),
    () => IDLE_MS,
  );
  if (live.value === undefined) return <LiveState live={live} />;
  const { versions } = live.value.body;
  return (
    <VersionForm
      image={image}
      names={versions.map(({ name }) => name)}
      regions={versions.flatMap((version) =>
        version.regions.map(({ name }) => name),
      )}
      read={(version) => readBase(client, image, version)}
    />
  );
}

function ChangedVersion({
  image,
  version,
}: {
  readonly image: ImageName;
  readonly version: string;
}) {
  const client = useClient();
  const [attempt, setAttempt] = useState(0);
  const base = useLoaded(`${attempt}`, (signal) =>
    readBase(client, image, version, signal),
  );
  switch (base.kind) {
    case "loading":
      return <p role="status">Loading…</p>;
    case "failed":
      return (
        <div role="alert" class="banner error">
          <Problem error={base.error} />
          <button type="button" onClick={() => setAttempt(attempt + 1)}>
            Try again
          </button>
        </div>
      );
    case "loaded":
      return (
        <VersionForm
          image={image}
          names={[]}
          regions={[]}
          read={(name) => readBase(client, image, name)}
          change={{ version, base: base.value }}
        />
      );
  }
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
