/** The errors of items, short enough for a record of 500. */
import type { ErrorCode, Finding, ServiceError } from "../errors.js";
import type { BatchItem } from "./record.js";

const MOST_ERRORS = 3;
const LONGEST_TEXT = 400;
/** The items whose errors the batch's own error lists. */
const MOST_ITEMS = 10;

export function shortText(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
}

export function shortErrors(errors: readonly Finding[]): readonly Finding[] {
  return errors.slice(0, MOST_ERRORS).map(({ code, pointer, message, remediation }) => ({
    ...{ code, pointer, message: shortText(message) },
    ...(remediation !== undefined && { remediation: shortText(remediation) }),
  }));
}

/** These say no more than that there are findings. */
const OF_FINDINGS: readonly ErrorCode[] = ["InvalidRequest", "PreflightFailed"];

export function refusedBy(item: BatchItem, { code, message, findings }: ServiceError): BatchItem {
  const errors = findings.filter(({ severity = "error" }) => severity === "error");
  const isTold = errors.length > 0 && OF_FINDINGS.includes(code);
  const given = isTold ? errors : [{ code, pointer: "", message }, ...errors];
  return { ...item, state: "Refused", errors: shortErrors(given) };
}

/** The first error of each item that has any. */
export function errorsOf(items: readonly BatchItem[]): readonly Finding[] {
  return items
    .flatMap(({ id, errors = [] }, index) =>
      errors.slice(0, 1).map((one) => ({
        ...one,
        pointer: `/items/${index}`,
        message: `${id}: ${one.message}`,
      })),
    )
    .slice(0, MOST_ITEMS);
}
