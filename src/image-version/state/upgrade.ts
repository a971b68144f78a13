/** What 0.2.0 has stored of a version (schema 4), as it is stored now. Pure. Goes with the last of such tables. */
import { operationIn } from "../../operation/records.js";
import { mapped, type ImageVersionPair, type ImageVersionRecord } from "./record.js";

/** A request did not say what it is about: its operation did, and the record's state said that it restores. */
export function upgrade(pair: ImageVersionPair): ImageVersionRecord {
  const { record } = pair;
  const restores = record.state === "RestoreRequested" || record.state === "Restoring";
  return {
    ...record,
    requests: mapped(record.requests, (request, id) => {
      const regions = operationIn(pair, id)?.regions.map(({ name }) => name) ?? [];
      return {
        ...request,
        ...(regions.length > 0 && { regions }),
        ...(restores && { restores }),
      };
    }),
  };
}
