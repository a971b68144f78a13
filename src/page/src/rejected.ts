import type { Client, Schemas } from "@sigil/client";
import { read } from "./components/loaded.js";

/** Messages from Service Bus that Sigil could not accept: the oldest hundred. For an Admin. */
export async function readRejected(
  client: Client,
  signal: AbortSignal,
): Promise<Schemas["RejectedRequestList"]> {
  const body = await read(client, "listRejectedRequests", {
    query: { top: 100 },
    signal,
  });
  return body;
}
