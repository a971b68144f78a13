import { useEffect, useState } from "preact/hooks";
import type { Client } from "@sigil/client";
import { useTitle } from "../components/image-heading.js";
import { Problem } from "../components/problem.js";
import { useClient, useMay } from "../context.js";
import { Link } from "../navigation.js";
import { imageKey, type ImageName } from "../routes.js";
import { readSummary } from "../summaries.js";
import { formOf } from "./model/form.js";
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
  useTitle(title);
  const mayWrite = useMay("Write");
  return (
    <>
      <nav aria-label="Place" class="crumbs">
        <Link to={{ view: "home" }}>Images</Link>
        <span>{image.subscriptionId}</span>
        <span>{image.resourceGroupName}</span>
        <span>{image.galleryName}</span>
        <Link to={{ view: "image", image }}>{image.imageName}</Link>
        {version !== undefined && (
          <Link to={{ view: "version", image, version }}>{version}</Link>
        )}
      </nav>
      <h1>{title}</h1>
      {mayWrite ? (
        <Loaded
          key={`${imageKey(image)}/${version ?? ""}`}
          image={image}
          version={version}
        />
      ) : (
        <p role="alert">
          You may not create or change versions: that takes the role
          ImageVersions.Write.
        </p>
      )}
    </>
  );
}

interface Read {
  readonly names: readonly string[];
  readonly base?: Base;
}

function Loaded({
  image,
  version,
}: {
  readonly image: ImageName;
  readonly version: string | undefined;
}) {
  const client = useClient();
  const [read, setRead] = useState<Read>();
  const [error, setError] = useState<Error>();
  const [count, setCount] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    setError(undefined);
    (version === undefined
      ? readNames(client, image, signal)
      : readBase(client, image, version, signal).then((base) => ({
          names: [],
          base,
        }))
    ).then(setRead, (reason: unknown) => {
      if (signal.aborted) return;
      setError(reason instanceof Error ? reason : new Error(String(reason)));
    });
    return () => controller.abort();
  }, [client, imageKey(image), version, count]);
  if (error !== undefined)
    return (
      <div role="alert" class="bar error">
        <Problem error={error} />
        <button type="button" onClick={() => setCount((n) => n + 1)}>
          Try again
        </button>
      </div>
    );
  if (read === undefined) return <p role="status">Loading…</p>;
  return (
    <VersionForm
      image={image}
      names={read.names}
      {...(version !== undefined &&
        read.base && {
          change: {
            version,
            base: read.base,
            read: () => readBase(client, image, version),
          },
        })}
    />
  );
}

async function readNames(
  client: Client,
  image: ImageName,
  signal: AbortSignal,
): Promise<Read> {
  const { body } = await readSummary(client, image, undefined, signal);
  return { names: body.versions.map(({ name }) => name) };
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
