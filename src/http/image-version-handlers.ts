import type { Finding } from "../errors.js";
import type { Dependencies, WaitsOf } from "../image-version/index.js";
import type { Revocations } from "../revocation/record.js";
import type { Endpoint } from "./endpoint.js";
import { imageVersionReadHandlers } from "./image-version-read-handlers.js";
import { imageVersionWriteHandlers } from "./image-version-write-handlers.js";
import { versionCommands } from "./version-commands.js";

/**
 * `validate` finds every error in a whole image version; `waitsOf` returns what keeps one out of
 * latest.
 */
export function imageVersionHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  validate: (version: unknown) => readonly Finding[],
  waitsOf: WaitsOf,
  revocations: Revocations,
) {
  return {
    ...imageVersionReadHandlers(endpoint, deps, waitsOf, revocations),
    ...imageVersionWriteHandlers(
      endpoint,
      deps,
      versionCommands({ imageVersions: deps, revocations }, validate),
    ),
  };
}
