import { fileURLToPath } from "node:url";

/** The folder of host.json and package.json, as seen from this package's src and from its dist. */
export const APPLICATION_ROOT = fileURLToPath(new URL("../../..", import.meta.url));
