import { statusOf, type Operation } from "@sigil/client";
import type { Result } from "../command.js";
import type { Column } from "../output.js";
import { versionOf, wordsOf } from "../progress.js";

/** The columns of `--output table` for an operation. */
export const OPERATION_COLUMNS: readonly Column[] = [
  { title: "Id", of: ({ id }: Operation) => id },
  { title: "What", of: wordsOf },
  { title: "Of", of: versionOf },
  { title: "Status", of: statusOf },
  { title: "%", of: ({ percentComplete }: Operation) => percentComplete },
  {
    title: "Created",
    of: ({ createdTime }: Operation) => createdTime.slice(0, 16),
  },
  {
    title: "By",
    of: ({ requestedBy: by }: Operation) => by?.name ?? by?.source ?? by?.appId,
  },
];

/** The result of a command that did not wait. */
export function accepted(operation: Operation): Result {
  return {
    data: operation,
    columns: OPERATION_COLUMNS,
    rows: (data) => [data],
  };
}
