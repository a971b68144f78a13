// Makes of the contracts what the code needs: src/generated/, the types of their schemas, and the same for @sigil/client; dist/openapi/, the documents as
// JSON, each whole, which a service that starts reads a hundred times faster than YAML; and dist/docs/, the files of the page
// that shows them: of Swagger UI three, with its licences, a sixth of that package.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString, UNKNOWN } from "openapi-typescript";
import { parse } from "yaml";
import { bundle } from "./bundle.mjs";
import { propertiesOf } from "./properties.mjs";
import { withTitles } from "./titles.mjs";

const openApi = await read("openapi");
const asyncApi = await read("asyncapi");
const bundled = bundle(asyncApi, openApi.components.schemas);
// First: what has made types of a document has changed it.
await write("dist/openapi/openapi.json", JSON.stringify(openApi));
await write("dist/openapi/asyncapi.json", JSON.stringify(withTitles(bundled)));

// A list of what an operation is called with: its method, its path, and whether it takes an Idempotency-Key.
const operations = Object.entries(openApi.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([, operation]) => operation.operationId !== undefined)
    .map(([method, { operationId, parameters = [] }]) => {
      const hasKey = parameters.some(
        ({ $ref }) => $ref === "#/components/parameters/IdempotencyKey",
      );
      return `  ${operationId}: [${JSON.stringify(method.toUpperCase())}, ${JSON.stringify(path)}, ${hasKey}],`;
    }),
);
const properties = propertiesOf(openApi);
const openApiTypes = astToString(await openapiTS(openApi));
await write("src/generated/openapi.ts", openApiTypes);
// The client is a package of its own, and has its own copy.
await write("src/client/src/generated/openapi.ts", openApiTypes);
await write(
  "src/client/src/generated/operations.ts",
  `export const OPERATIONS = {\n${operations.join("\n")}\n} as const;\n`,
);

await write(
  "src/page/src/generated/properties.ts",
  `export const PROPERTIES = ${JSON.stringify(properties)} as const;\n`,
);

// AsyncAPI is not what `openapi-typescript` knows, but both have JSON Schema: it is shown an OpenAPI document of the schemas.
const { schemas } = asyncApi.components;
const { info } = asyncApi;
const types = await openapiTS(
  { openapi: "3.1.0", info, paths: {}, components: { schemas } },
  {
    cwd: fileOf("asyncapi"), // Where references to openapi.yaml start from.
    immutable: true,
    // The envelope's `data` is any object: as `unknown`, an event that is this envelope and more has its own data alone.
    transform: ({ type, properties, additionalProperties }) =>
      type === "object" && !properties && additionalProperties === undefined ? UNKNOWN : undefined,
  },
);
const eventTypes = astToString(types);
await write("src/generated/events.ts", eventTypes);
await write("src/client/src/generated/events.ts", eventTypes);
const messages = Object.keys(asyncApi.channels.imageVersionEvents.messages).map(
  (name) => asyncApi.components.messages[name],
);
const events = messages.map(({ title, payload }) => {
  const schema = payload.$ref.replace("#/components/schemas/", "");
  return `  readonly "${title}": components["schemas"]["${schema}"];`;
});
const names = messages.map(({ title }) => `  "${title}",`);
await write(
  "src/client/src/generated/events-by-type.ts",
  `import type { components } from "./events.js";\n\nexport interface EventsByType {\n${events.join("\n")}\n}\n\nexport const EVENT_TYPES = [\n${names.join("\n")}\n] as const;\n`,
);

await mkdir(new URL("../dist/docs/", import.meta.url), { recursive: true });
for (const file of [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "favicon-32x32.png",
  "LICENSE",
  "NOTICE",
  "swagger-ui-bundle.js.LICENSE.txt",
])
  await copyFile(
    new URL(import.meta.resolve(`swagger-ui-dist/${file}`)),
    new URL(`../dist/docs/${file}`, import.meta.url),
  );

// In the clothes of the page for people: its tokens, then what Swagger UI takes of them.
const styles = await Promise.all(
  ["../src/page/src/styles/tokens.css", "../src/http/docs/page.css"].map((file) =>
    readFile(new URL(file, import.meta.url), "utf8"),
  ),
);
await write("dist/docs/page.css", styles.join(""));
for (const file of ["index.html", "start.js"])
  await copyFile(
    new URL(`../src/http/docs/${file}`, import.meta.url),
    new URL(`../dist/docs/${file}`, import.meta.url),
  );

function fileOf(name) {
  return new URL(`${name}.yaml`, import.meta.url);
}

async function read(name) {
  return parse(await readFile(fileOf(name), "utf8"));
}

async function write(path, text) {
  const file = new URL(`../${path}`, import.meta.url);
  await mkdir(new URL(".", file), { recursive: true });
  await writeFile(file, text);
}
