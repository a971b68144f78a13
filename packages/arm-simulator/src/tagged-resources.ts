import { invalidParameter } from "./arm-error.js";
import { page, type ArmAnswer, type ArmRequest } from "./arm-request.js";
import { resourceGroupKey } from "./resource-id.js";
import type { Store } from "./store.js";

/*
 * `GET …/resourceGroups/{group}/resources?$filter=tagName eq 'a' and tagValue eq 'b'`. Documented: filtered by a tag, the
 * resources are answered without their tags.
 */

const BY_TAG = /^\s*tagName eq '((?:[^']|'')+)'(?:\s+and\s+tagValue eq '((?:[^']|'')*)')?\s*$/iu;

export function listTagged(
  store: Store,
  names: { subscriptionId: string; resourceGroup: string },
  request: ArmRequest,
): ArmAnswer {
  store.requireResourceGroup(names);
  const filter = request.query.get("$filter") ?? "";
  const [, name, value] = BY_TAG.exec(filter) ?? [];
  if (name === undefined)
    throw invalidParameter(
      "$filter",
      `The simulator lists resources by a tag alone, as "tagName eq 'a'", not by '${filter}'.`,
    );
  const tag = unquoted(name);
  const within = `${resourceGroupKey(names)}/`;
  return page(
    request,
    Object.entries(store.state.resources)
      .filter(([key, { tags }]) => {
        const found = tags?.[tag];
        return (
          key.startsWith(within) &&
          found !== undefined &&
          (value === undefined || found === unquoted(value))
        );
      })
      .map(([, { id, type, location, name: ofResource }]) => ({
        id,
        name: ofResource,
        type,
        location,
      })),
  );
}

function unquoted(text: string): string {
  return text.replaceAll("''", "'");
}
