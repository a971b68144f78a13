/** A DELETE, or the request that restores: stored before it is sent, as a PUT is (write.ts), whose invariants hold here. Pure. */
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import { operationIn } from "../../operation/records.js";
import { pollDelayMs } from "../../operation/waiting.js";
import type { ImageVersionPair } from "./record.js";
import { answered } from "./write.js";

const REQUESTS = {
  Deleting: {
    does: "delete",
    is: { deletes: true },
    type: IMAGE_VERSION_EVENT.deleting,
  },
  Restoring: {
    does: "restore",
    is: { restores: true },
    type: IMAGE_VERSION_EVENT.restoring,
  },
} as const;

/** The request of that operation may be sent once this is stored, by whoever stored it. */
export function beginSending(
  pair: ImageVersionPair,
  state: keyof typeof REQUESTS,
  operationId: string,
  context: TransitionContext,
): ImageVersionPair {
  const { armOperationUrl: _, ...record } = pair.record;
  const { does, is, type } = REQUESTS[state];
  const isAgain = record.state === state;
  const operation = operationIn(pair, operationId);
  const whose = record.members.length > 0 ? ` of operation ${operationId}` : "";
  return advance({ ...pair, record }, context, {
    patch: {
      state,
      write: {
        changes: {},
        sentTime: context.now.toISOString(),
        answer: "none",
        sentFor: [operationId],
        ...is,
      },
      ticks: isAgain ? record.ticks + 1 : 0,
    },
    ...(isAgain
      ? {
          waits: `Azure Resource Manager does not ${does} the version: the ${does} request is sent again.`,
        }
      : {
          message: `The ${does} request${whose} is sent to Azure Resource Manager.`,
        }),
    waitMs: context.pace.putTimeoutMs * 2,
    effects:
      isAgain || operation === undefined
        ? []
        : [event(operation, context, type, state.toLowerCase(), {})],
  });
}

/** ARM has taken the request. */
export function sendingTaken(
  pair: ImageVersionPair,
  state: keyof typeof REQUESTS,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const record = answered(pair.record, armOperationUrl);
  return advance({ ...pair, record }, context, {
    patch: { state },
    waits: `Azure Resource Manager has accepted the ${REQUESTS[state].does} request.`,
    waitMs: pollDelayMs(record.ticks, context.pace),
  });
}
