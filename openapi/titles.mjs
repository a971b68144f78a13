/**
 * Gives each schema of a document that a generator makes a type of (an object, a choice of words) a title, so that the type has a
 * name: the schema's own among the components, elsewhere the names of those around it. Some generators number them otherwise.
 */
export function withTitles(document) {
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => [
    name,
    titled(schema, name),
  ]);
  return {
    ...document,
    components: {
      ...document.components,
      schemas: Object.fromEntries(schemas),
    },
  };
}

function titled(schema, name, isBranch = false) {
  if (typeof schema !== "object" || schema === null || "$ref" in schema) return schema;
  const { properties, items, additionalProperties } = schema;
  const isType = !isBranch && Boolean(properties ?? schema.enum ?? schema.allOf);
  return {
    ...(isType && { title: name }),
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, value]) => [
          key,
          titled(value, `${name}${capital(key)}`),
        ]),
      ),
    }),
    ...(items && { items: titled(items, `${name}Item`) }),
    ...(additionalProperties && {
      additionalProperties: titled(additionalProperties, `${name}Value`),
    }),
    // What is put together has the name of the whole.
    ...Object.fromEntries(
      ["allOf", "anyOf", "oneOf"].flatMap((word) =>
        schema[word] === undefined
          ? []
          : [[word, schema[word].map((each) => titled(each, name, true))]],
      ),
    ),
  };
}

function capital(name) {
  return name
    .split(/[^A-Za-z0-9]+/u)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}
