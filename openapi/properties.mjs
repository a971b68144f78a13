/**
 * The properties of an image version as a request writes them, of the OpenAPI document alone: a tree of kinds, in which what a
 * request may have and the service ignores is `readOnly`, and an array is the values of a text.
 */
export function propertiesOf(document) {
  const find = (schema) =>
    schema.$ref === undefined
      ? schema
      : find(document.components.schemas[schema.$ref.replace("#/components/schemas/", "")]);
  const partsOf = (schema) => {
    const found = find(schema);
    return [found, ...(found.allOf ?? []).flatMap(partsOf)];
  };
  const treeOf = (schema) => {
    const parts = partsOf(schema);
    const first = (name) => parts.map((part) => part[name]).find((value) => value !== undefined);
    const members = parts.flatMap(({ properties = {} }) => Object.entries(properties));
    const each = first("additionalProperties");
    if (first("items")) return { items: treeOf(first("items")) };
    if (members.length > 0)
      return {
        members: Object.fromEntries([
          ...members.map(([name, member]) => [name, treeOf(member)]),
          ...(first("x-read-only-properties") ?? []).map((name) => [name, "readOnly"]),
        ]),
      };
    if (each) return { each: treeOf(each) };
    const values = first("enum") ?? first("x-extensible-enum");
    if (values) return values;
    if (first("oneOf") ?? first("anyOf")) return "any";
    return KINDS[[first("type")].flat()[0]] ?? "any";
  };
  return treeOf({ $ref: "#/components/schemas/GalleryImageVersion" });
}

const KINDS = { string: "text", integer: "number", number: "number", boolean: "boolean" };
