import type { ImageVersionRequest } from "../contract.js";
import { keyAt } from "./table.js";

/**
 * The document with its lists in the order of `model`, items that `model` lacks last: a pointer
 * into the model is then a pointer into the document.
 */
export function inOrderOf(
  document: ImageVersionRequest,
  model: ImageVersionRequest | undefined,
): ImageVersionRequest {
  return ordered("", document, model) as ImageVersionRequest;
}

function ordered(path: string, value: unknown, model: unknown): unknown {
  const keyOf = keyAt(path);
  if (Array.isArray(value)) {
    if (keyOf === undefined || !Array.isArray(model)) return value;
    const items = value as Record<string, unknown>[];
    const models = model as Record<string, unknown>[];
    const place = (item: Record<string, unknown>): number => {
      const at = models.findIndex((other) => keyOf(other) === keyOf(item));
      return at === -1 ? models.length : at;
    };
    return [...items]
      .sort((a, b) => place(a) - place(b))
      .map((item) => ordered(`${path}/*`, item, models[place(item)]));
  }
  if (typeof value !== "object" || value === null) return value;
  const other = (model ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(value).map(([member, item]) => [
      member,
      ordered(`${path}/${member}`, item, other[member]),
    ]),
  );
}
