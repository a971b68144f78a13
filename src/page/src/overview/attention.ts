import type { Client, Schemas } from "@sigil/client";
import { ageText } from "../image/cells.js";
import { isUnchanged } from "../retry.js";
import { parseResourceId, routeTo, type Route } from "../routes.js";
import type { TileState } from "../tile-state.js";

/** The service decides what needs a person, and in which order. */
export interface Attention {
  readonly etag: string;
  readonly body: Schemas["AttentionList"];
}
type Row = Schemas["Attention"];

/** The most urgent, or `previous` while nothing has changed. */
export async function readAttention(
  client: Client,
  previous: Attention | undefined,
  signal: AbortSignal,
): Promise<Attention> {
  try {
    const { headers, body } = await client.call("getAttention", {
      header: { ...(previous && { "If-None-Match": previous.etag }) },
      signal,
    });
    return { etag: headers.get("etag") ?? "", body };
  } catch (error) {
    if (previous !== undefined && isUnchanged(error)) return previous;
    throw error;
  }
}

/** Where the verb of a row is done. */
export function routeOf({ about }: Row): Route {
  const { diskEncryptionSetId, versions = [], operationId } = about;
  const [version = ""] = versions;
  if (diskEncryptionSetId !== undefined) {
    const subscriptionId = parseResourceId(version)?.image.subscriptionId;
    return { view: "keys", ...(subscriptionId !== undefined && { subscriptionId }) };
  }
  if (operationId !== undefined) return { view: "operation", operationId };
  return routeTo(version) ?? { view: "rejected" };
}

export function tileOf({ severity, about }: Row): TileState {
  if (about.diskEncryptionSetId !== undefined) return "risk";
  return severity === "error" ? "failed" : "held";
}

/** How much of it Sigil has seen. */
export function seenText({ seen, complete }: Attention["body"], nowMs: number): string {
  const { newest, oldest, versions, neverVersions, sets, neverSets } = seen;
  return [
    newest !== undefined && oldest !== undefined
      ? [`Newest seen ${ageText(newest, nowMs)} ago, oldest ${ageText(oldest, nowMs)} ago`]
      : [],
    neverVersions > 0 ? [`${neverVersions} of ${versions} versions not seen yet`] : [],
    neverSets > 0 ? [`${neverSets} of ${sets} sets not in the last two hours`] : [],
    complete ? [] : ["some image definitions are still being read"],
  ]
    .flat()
    .join(" · ");
}
