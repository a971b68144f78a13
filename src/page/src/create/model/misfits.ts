/** Members of a pasted body that have another type than the contract says. */
import { isObject, segment } from "./json.js";
import { BODY, within, type Property } from "./properties.js";

/** A sentence for each member of another kind, by its JSON Pointer. What is null is not there. */
export function misfitsOf(
  value: unknown,
  property: Property | undefined = BODY,
  pointer = "",
): readonly string[] {
  if (value === null && pointer !== "") return [];
  const wrong = (wanted: string): readonly string[] => [
    `${pointer || "The request"} is ${kindOf(value)}. It must be ${wanted}.`,
  ];
  if (property === "any" || property === "readOnly") return [];
  if (property === "boolean") return typeof value === "boolean" ? [] : wrong("true or false");
  if (typeof property === "string" || Array.isArray(property))
    return typeof value === "string" || typeof value === "number"
      ? []
      : wrong(property === "number" ? "a number" : "text");
  if ("items" in property)
    return Array.isArray(value)
      ? value.flatMap((item: unknown, i) =>
          item === null
            ? [`${pointer}/${i} is null.`]
            : misfitsOf(item, property.items, `${pointer}/${i}`),
        )
      : wrong("an array");
  if (!isObject(value)) return wrong("an object");
  return Object.entries(value).flatMap(([name, member]) => {
    const of = within(property, name);
    return of === undefined ? [] : misfitsOf(member, of, `${pointer}/${segment(name)}`);
  });
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (isObject(value)) return "an object";
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}
