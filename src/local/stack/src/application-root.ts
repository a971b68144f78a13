import { fileURLToPath } from "node:url";

/** The folder of host.json and package.json, as seen from dist/src/local/stack/src. */
export const APPLICATION_ROOT = fileURLToPath(
  new URL("../../../../..", import.meta.url),
);
