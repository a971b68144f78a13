import type { InvocationContext } from "@azure/functions";
import { ServiceError } from "../errors.js";
import { traceparentOf } from "../events/traceparent.js";
import type { StepMessage } from "../operation/steps.js";
import { consume } from "./consume.js";
import { parseJson } from "../json/parse-json.js";
import { incomingMessage } from "./incoming-message.js";
import { postponementOf, type PostponedRequest } from "./postponement.js";

interface StepHandlerDependencies {
  readonly takeStep: (message: StepMessage) => Promise<void>;
  /** Ends an operation Failed because its message can never be processed. */
  readonly failPoisoned: (message: Partial<StepMessage>, reason: string) => Promise<void>;
  /** Sends the message to its queue again, for later. */
  readonly postpone: (message: PostponedRequest) => Promise<void>;
  /** The queue's maxDeliveryCount, after which Service Bus dead-letters a message. */
  readonly maxDeliveryCount: number;
  readonly now: () => Date;
}

/**
 * Creates the handler of a queue that drives operations. It has the failure policy of our own
 * queues: an error abandons the message, so that it comes again. At the last delivery, an error
 * that no retry fixes ends the operation with that reason, and the message goes to the dead-letter
 * queue. A failure of a service that we depend on postpones the message, because ten immediate
 * deliveries would be over before the service is back.
 */
export function createStepHandler(
  deps: StepHandlerDependencies,
): (body: unknown, context: InvocationContext) => Promise<void> {
  return async (body, context) => {
    const message = incomingMessage(body, context);
    const { applicationProperties, deliveryCount } = message;
    const sent = applicationProperties["traceparent"];
    const traceparent = traceparentOf(
      typeof sent === "string" ? sent : undefined,
      context.traceContext?.traceParent,
    );
    const names = namesIn(message.bytes);
    await consume(context, message, traceparent, names, async ({ log }) => {
      try {
        await deps.takeStep(stepMessage(names));
      } catch (error) {
        if (error instanceof ServiceError && error.code === "StateTooNew") {
          // Completed without changes. The reconciler of the newer release sends the step again.
          log.warn(error.message, { ...names });
          return;
        }
        log.error(`delivery ${deliveryCount} of ${deps.maxDeliveryCount} failed`, error);
        if (error instanceof ServiceError && error.retryable) {
          const { operationId = "" } = names;
          const name = { source: context.functionName, id: operationId };
          const waitMs = error.retryAfterMs ?? 0;
          const later = postponementOf(message, name, waitMs, deps.now());
          // The reconciler also sends an overdue step again.
          if (later === undefined || later === "expired") throw error;
          await deps.postpone(later);
          log.warn(`postponed to ${later.enqueueTime}`, { ...names });
          return;
        }
        if (deliveryCount >= deps.maxDeliveryCount)
          await deps.failPoisoned(names, String(error).slice(0, 500));
        throw error;
      }
    });
  };
}

function stepMessage({ operationId, step }: Partial<StepMessage>): StepMessage {
  if (operationId === undefined || step === undefined) {
    throw new ServiceError(
      "PoisonMessage",
      `Sigil did not send this message: it needs operationId (a string) and step (an integer).`,
    );
  }
  return { operationId, step };
}

/** The readable parts of a message that may be anything. */
function namesIn(bytes: Uint8Array): Partial<StepMessage> {
  const body = valueOf(bytes);
  if (typeof body !== "object" || body === null) return {};
  const { operationId, step } = body as Record<string, unknown>;
  return {
    ...(typeof operationId === "string" && { operationId }),
    ...(typeof step === "number" && Number.isSafeInteger(step) && { step }),
  };
}

/** Undefined: it is not JSON, and names nothing. */
function valueOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
