/** What Service Bus and the timer have Sigil do. */
import { InvocationContext } from "@azure/functions";
import { ServiceError } from "../../src/errors.js";
import type { StepDependencies } from "../../src/image-version/ports.js";
import { takeStep } from "../../src/image-version/steps/take-step.js";
import { createStepHandler } from "../../src/messaging/step-handler.js";
import { failPoisoned } from "../../src/operation/poison.js";
import { reconcile } from "../../src/operation/reconcile.js";
import type { WorkMessage } from "../../src/operation/records.js";
import { Killed } from "./process.js";
import {
  MAX_DELIVERY_COUNT,
  type QueuedMessage,
  type Queues,
} from "../support/fakes/service-bus.js";
import type { Task } from "./world.js";

/** A message comes once more; what becomes of it depends on how that ends. */
export function delivery(queues: Queues, queued: QueuedMessage): Task {
  const { operationId, step } = queued.message;
  queued.deliveries += 1;
  const { deliveries } = queued;
  return {
    name: `delivery ${deliveries} of step ${step} of ${operationId.slice(33)}`,
    run: (deps) => deliver(deps, { operationId, step }, deliveries),
    ended: (error) =>
      queues.settle(
        queued,
        error === undefined
          ? "completed"
          : error instanceof Killed
            ? "lock lost"
            : "abandoned",
      ),
  };
}

/** A message that was completed comes again. */
export function redelivery({ operationId, step }: WorkMessage): Task {
  return {
    name: `repeated delivery of step ${step} of ${operationId.slice(33)}`,
    run: (deps) => deliver(deps, { operationId, step }, 2),
  };
}

/** The last delivery of a message that names no step. */
export function poison(operationId: string): Task {
  return {
    name: `poison of ${operationId.slice(33)}`,
    run: (deps) => deliver(deps, { operationId }, MAX_DELIVERY_COUNT),
  };
}

export const reconciliation: Task = {
  name: "reconciler",
  async run(deps) {
    const { errors } = await reconcile(deps);
    for (const { error } of errors)
      if (!(error instanceof Killed) && !(error instanceof ServiceError))
        throw error;
  },
};

function deliver(
  deps: StepDependencies,
  body: unknown,
  deliveryCount: number,
): Promise<void> {
  return createStepHandler({
    takeStep: (message) => takeStep(deps, message),
    failPoisoned: (message, reason) => failPoisoned(deps, message, reason),
    // As if it were lost: the reconciler sends the step again.
    postpone: () => Promise.resolve(),
    maxDeliveryCount: MAX_DELIVERY_COUNT,
    now: deps.now,
  })(
    body,
    new InvocationContext({
      invocationId: "model",
      functionName: "model",
      logHandler: () => undefined,
      triggerMetadata: { deliveryCount },
    }),
  );
}
