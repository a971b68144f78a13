/** Turns a version's record of 0.2.0 (schema 4) into the present form. Pure. */
import { operationIn } from "../../operation/records.js";
import { mapped, type ImageVersionPair, type ImageVersionRecord } from "./record.js";

/** In schema 4 the operation had the regions of its request, and only the record's state told a restore. */
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
