/**
 * Sends a DELETE or a restore: stored before it is sent, as a PUT (write.ts), whose invariants
 * apply here. Pure.
 */
import { omit } from "../../objects.js";
import { pollDelayMs } from "../../operation/waiting.js";
import type { Time } from "./confirmed.js";
import type { Outcome } from "./happened.js";
import type { ImageVersionRecord } from "./record.js";
import { answered } from "./write.js";

const REQUESTS = {
  Deleting: { kind: "deleting", does: "delete", is: { deletes: true } },
  Restoring: { kind: "restoring", does: "restore", is: { restores: true } },
} as const;

/** Whoever stores this may then send the operation's request. */
export function beginSending(
  record: ImageVersionRecord,
  state: keyof typeof REQUESTS,
  id: string,
  { now, pace }: Time,
): Outcome {
  const { kind, does, is } = REQUESTS[state];
  const isAgain = record.state === state;
  const isOneOfSeveral = Object.keys(record.requests).length > 1;
  return {
    record: {
      ...omit(record, "armOperationUrl"),
      state,
      write: {
        changes: {},
        sentTime: now.toISOString(),
        answer: "none",
        sentFor: [id],
        ...is,
      },
      ticks: isAgain ? record.ticks + 1 : 0,
    },
    happened: isAgain ? [] : [{ kind, ids: [id], isOneOfSeveral }],
    waitMs: pace.putTimeoutMs * 2,
    ...(isAgain && {
      waits: `Azure Resource Manager does not ${does} the version: the ${does} request is sent again.`,
    }),
  };
}

/** ARM accepted the request. */
export function sendingTaken(
  before: ImageVersionRecord,
  state: keyof typeof REQUESTS,
  armOperationUrl: string | undefined,
  { pace }: Time,
): Outcome {
  const record = { ...answered(before, armOperationUrl), state };
  return {
    record,
    happened: [],
    waits: `Azure Resource Manager has accepted the ${REQUESTS[state].does} request.`,
    waitMs: pollDelayMs(record.ticks, pace),
  };
}
