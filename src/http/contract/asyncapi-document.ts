import { readFileSync } from "node:fs";
import type { OpenAPIV3 } from "openapi-types";

/** As much of an AsyncAPI 3.0 document as is looked into here; it has the rest as well. */
export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly channels: Readonly<
    Record<
      string,
      {
        readonly address: string;
        readonly messages: Readonly<Record<string, Reference>>;
      }
    >
  >;
  readonly components: {
    readonly messages: Readonly<
      Record<
        string,
        {
          readonly title: string;
          readonly payload: Reference;
          readonly examples: readonly {
            readonly name: string;
            readonly headers?: Readonly<Record<string, unknown>>;
            readonly payload: unknown;
          }[];
        }
      >
    >;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

interface Reference {
  readonly $ref: string;
}

/** How the AsyncAPI document refers to a schema of the OpenAPI document that lies beside it. */
const SHARED = /^openapi\.yaml#\/components\/schemas\/(\w+)$/u;
const OWN = /^#\/components\/schemas\/(\w+)$/u;

/** Reads the AsyncAPI document, which the build has made JSON, with every schema in it that it shares with `openApi`. */
export function loadAsyncApiDocument(
  file: URL,
  openApi: OpenAPIV3.Document,
): AsyncApiDocument {
  return bundle(
    JSON.parse(readFileSync(file, "utf8")) as AsyncApiDocument,
    openApi.components?.schemas ?? {},
  );
}

/** Copies the shared schemas that are needed; a TypeError where one is missing, or its name is taken. */
export function bundle(
  document: AsyncApiDocument,
  shared: Readonly<Record<string, object>>,
): AsyncApiDocument {
  const schemas: Record<string, unknown> = {};
  const share = (name: string): string => {
    if (name in document.components.schemas)
      throw new TypeError(`Both documents have a schema ${name}.`);
    const schema = shared[name];
    if (schema === undefined)
      throw new TypeError(`The OpenAPI document has no schema ${name}.`);
    if (!(name in schemas)) {
      schemas[name] = undefined; // Its place is taken before it is looked into: schemas may refer to each other.
      schemas[name] = withReferences(schema, (reference) =>
        share(OWN.exec(reference)?.[1] ?? reference),
      );
    }
    return `#/components/schemas/${name}`;
  };
  const own = withReferences(document, (reference) => {
    const name = SHARED.exec(reference)?.[1];
    return name === undefined ? reference : share(name);
  }) as AsyncApiDocument;
  return {
    ...own,
    components: {
      ...own.components,
      schemas: { ...own.components.schemas, ...schemas } as Readonly<
        Record<string, object>
      >,
    },
  };
}

function withReferences(
  value: unknown,
  change: (reference: string) => string,
): unknown {
  if (Array.isArray(value))
    return value.map((item) => withReferences(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]: [string, unknown]) => [
      name,
      name === "$ref" && typeof child === "string"
        ? change(child)
        : withReferences(child, change),
    ]),
  );
}
