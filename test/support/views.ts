import { KINDS } from "../../src/kinds.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { viewOperation as view } from "../../src/operation/views.js";

/** An operation of any kind, as the API shows it. */
export function viewOperation(
  operation: OperationRecord,
  ...how: [expand?: "calls", showsOutput?: boolean]
): ReturnType<typeof view> {
  return view({ kinds: KINDS }, operation, ...how);
}
