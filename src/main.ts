/**
 * The app of this process. Node.js reads the source map of a module when it loads it, so the others
 * are imported after this call.
 */
process.setSourceMapsEnabled(true);
const { createApp } = await import("./app.js");
const { readConfig } = await import("./config/config.js");

/** The build puts the folder next to its other files. */
export const app = await createApp(readConfig(process.env), new URL("../", import.meta.url));
