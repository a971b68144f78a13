import type { Client, Schemas } from "@sigil/client";
import { readTagged, type Tagged } from "../retry.js";
import { parseResourceId, routeTo, type Route } from "../routes.js";
import type { TileState } from "../tile-state.js";
import { seenSpan } from "../times.js";

/** A page of what needs a person. The service decides what does, and in which order. */
export type AttentionPage = Tagged<Schemas["AttentionList"]>;
export type Row = Schemas["Attention"];

/** The first pages, as many as `count`; of each the one in `previous` while it has not changed. */
export async function readAttention(
  client: Client,
  previous: readonly AttentionPage[],
  count: number,
  signal: AbortSignal,
): Promise<readonly AttentionPage[]> {
  const pages: AttentionPage[] = [];
  let token: string | undefined;
  do {
    const query = token === undefined ? {} : { continuationToken: token };
    const page: AttentionPage = await readTagged(previous[pages.length], (header) =>
      client.call("getAttention", { query, header, signal }),
    );
    pages.push(page);
    token = page.body.continuationToken;
  } while (token !== undefined && pages.length < count);
  return pages;
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
  const isOfKey = about.diskEncryptionSetId !== undefined;
  if (severity === "error") return isOfKey ? "risk" : "failed";
  return isOfKey || (about.versions ?? about.operationId) === undefined ? "note-mark" : "held";
}

/** How much of it Sigil has seen. */
export function seenText(
  { seen, complete }: Pick<AttentionPage["body"], "seen" | "complete">,
  nowMs: number,
): string {
  const { newest, oldest, versions, neverVersions, sets, neverSets } = seen;
  return [
    newest !== undefined && `Regions ${seenSpan([newest, oldest], nowMs)}`,
    neverVersions > 0 && `${neverVersions} of ${versions} versions not seen yet`,
    neverSets > 0 &&
      `keys of ${neverSets} of ${sets} sets not seen yet, or more than two hours ago`,
    !complete && "some image definitions are still being read",
  ]
    .filter(Boolean)
    .join(" · ");
}
