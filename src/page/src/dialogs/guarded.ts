import { useState } from "preact/hooks";
import { useClient, useRequestKey } from "../context.js";
import type { VersionActionProps } from "./action.js";

/** How a request is sent that is of the version as it was when its dialog was opened. */
export function useGuarded({
  image,
  version,
  etag,
}: Pick<VersionActionProps, "image" | "version" | "etag">) {
  const client = useClient();
  const keyOf = useRequestKey();
  const [seen] = useState(etag);
  return {
    client,
    path: { ...image, versionName: version.name },
    /** `asked`: what tells this request from another. */
    header: (asked: unknown) => ({
      "If-Match": seen,
      "Idempotency-Key": keyOf(asked),
    }),
  };
}
