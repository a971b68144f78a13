/** The app of this process. Node.js reads a module's source map as it loads it: so what is to be loaded with its map comes after. */
process.setSourceMapsEnabled(true);
const { createApp } = await import("./app.js");
const { readConfig } = await import("./config/config.js");

/** The build has put this beside its other files. */
export const app = await createApp(readConfig(process.env), new URL("../", import.meta.url));
