/** Turns a version's record of 0.2.0 (schema 4) into the present form. Pure. */
import { operationIn } from "../../operation/records.js";
import {
  mapped,
  type Ending,
  type ImageVersionPair,
  type ImageVersionRecord,
  type RolloutRecord,
  type VersionRequest,
} from "./record.js";

/**
 * In schema 4 the operation had the regions of its request, only the record's state marked a
 * restore, `ending` was `decided`, and the rollout's `waitsEventId` was `told`.
 */
export function upgrade(pair: ImageVersionPair): ImageVersionRecord {
  const { record } = pair;
  const restores = record.state === "RestoreRequested" || record.state === "Restoring";
  const before: Readonly<Record<string, VersionRequest & { readonly decided?: Ending }>> =
    record.requests;
  const { told, ...rollout }: RolloutRecord & { readonly told?: string } = record.rollout ?? {};
  return {
    ...record,
    ...(record.rollout && { rollout: { ...rollout, ...(told && { waitsEventId: told }) } }),
    requests: mapped(before, ({ decided, ...request }, id) => {
      const regions = operationIn(pair, id)?.regions.map(({ name }) => name) ?? [];
      return {
        ...request,
        ...(decided && { ending: decided }),
        ...(regions.length > 0 && { regions }),
        ...(restores && { restores }),
      };
    }),
  };
}
