/** How the AsyncAPI document refers to a schema of the OpenAPI document that lies beside it. */
const SHARED = /^openapi\.yaml#\/components\/schemas\/(\w+)$/u;
const OWN = /^#\/components\/schemas\/(\w+)$/u;

/**
 * Copies into the AsyncAPI document the schemas that it shares with the OpenAPI document, and those that these need; a
 * TypeError where one is missing, or its name is taken.
 */
export function bundle(document, shared) {
  const schemas = {};
  const share = (name) => {
    if (name in document.components.schemas)
      throw new TypeError(`Both documents have a schema ${name}.`);
    const schema = shared[name];
    if (schema === undefined) throw new TypeError(`The OpenAPI document has no schema ${name}.`);
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
  });
  return {
    ...own,
    components: {
      ...own.components,
      schemas: { ...own.components.schemas, ...schemas },
    },
  };
}

function withReferences(value, change) {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      name,
      name === "$ref" && typeof child === "string" ? change(child) : withReferences(child, change),
    ]),
  );
}
