// Writes src/generated/: the types of the contracts' schemas. AsyncAPI is not what `openapi-typescript` knows, but both have
// JSON Schema: it is shown an OpenAPI document of those schemas without paths.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString, UNKNOWN } from "openapi-typescript";
import { parse } from "yaml";

const openApi = new URL("openapi/openapi.yaml", import.meta.url);
const asyncApi = new URL("openapi/asyncapi.yaml", import.meta.url);
const generated = new URL("src/generated/", import.meta.url);

const { info, components } = parse(await readFile(asyncApi, "utf8"));
const { schemas } = components;
const events = {
  openapi: "3.1.0",
  info,
  paths: {},
  components: { schemas },
};
await mkdir(generated, { recursive: true });
await write("openapi.ts", await openapiTS(openApi));
await write(
  "events.ts",
  await openapiTS(events, {
    cwd: asyncApi, // Where references to openapi.yaml start from.
    immutable: true,
    // The envelope's `data` is any object: as `unknown`, an event that is this envelope and more has its own data alone.
    transform: ({ type, properties, additionalProperties }) =>
      type === "object" && !properties && additionalProperties === undefined
        ? UNKNOWN
        : undefined,
  }),
);

async function write(name, types) {
  await writeFile(new URL(name, generated), astToString(types));
}
