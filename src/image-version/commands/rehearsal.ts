/** What an acceptance stores of its command, and how it is answered where nothing is stored. */
import type { Decision } from "../../operation/accepting.js";
import type { OperationRecord } from "../../operation/records.js";
import type { Accepting } from "../state/accepting.js";
import type { ImageVersionRecord } from "../state/record.js";
import type { Command } from "./command.js";

/** The answer as it would be accepted. */
export function rehearsed<Answer extends object>(
  decided: Decision<ImageVersionRecord, Answer>,
): OperationRecord | Answer {
  if ("answer" in decided) return decided.answer;
  return "record" in decided ? (decided.accepted ?? decided.operation) : decided;
}

type Origin = Pick<Accepting, "requestedBy" | "traceparent" | "requestKey" | "event" | "parent">;

/** Who requested the operation, and how. */
export function originOf(
  { requestedBy, traceparent, event, parent }: Command,
  requestKey: string | undefined,
): Origin {
  return {
    requestedBy,
    traceparent,
    ...(requestKey !== undefined && { requestKey }),
    ...(event !== undefined && { event }),
    ...(parent !== undefined && { parent }),
  };
}
