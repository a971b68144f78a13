import { useEffect, useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { useClient } from "../context.js";
import { Link } from "../navigation.js";
import { imageKey, type ImageName } from "../routes.js";

/** The versions of one image definition. */
export function ImageView({ image }: { readonly image: ImageName }) {
  const client = useClient();
  const [versions, setVersions] =
    useState<readonly Schemas["ImageVersion"][]>();
  const [error, setError] = useState("");
  useEffect(() => {
    const controller = new AbortController();
    client
      .call("listImageVersions", {
        path: { ...image },
        query: {},
        signal: controller.signal,
      })
      .then(
        ({ body }) => setVersions(body.value),
        (cause: unknown) => {
          if (!controller.signal.aborted) setError(String(cause));
        },
      );
    return () => controller.abort();
  }, [client, imageKey(image)]);
  return (
    <>
      <h1>{image.imageName}</h1>
      <p class="error-text" role="alert">
        {error}
      </p>
      <table>
        <caption>Versions</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">State</th>
            <th scope="col">Regions</th>
          </tr>
        </thead>
        <tbody>
          {versions?.map((version) => (
            <tr key={version.name}>
              <th scope="row">
                <Link to={{ view: "version", image, version: version.name }}>
                  {version.name}
                </Link>
              </th>
              <td>
                {version.sigil.state ?? version.properties.provisioningState}
              </td>
              <td>
                {version.sigil.regions
                  .map(({ name, state }) => `${name}: ${state}`)
                  .join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
