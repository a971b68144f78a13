import { fileURLToPath } from "node:url";

/** The folder of host.json and package.json, as seen from dist/src/local. */
export const APPLICATION_ROOT = fileURLToPath(
  new URL("../../..", import.meta.url),
);
