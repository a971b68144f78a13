import type { Queues } from "../../support/fakes/service-bus.js";
import { hasEnded } from "../../../src/operation/kinds.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import type { StepMessage } from "../../../src/operation/steps.js";
import { keyOf } from "../../../src/resource-id.js";
import { subscription } from "@sigil-local/arm-simulator/world";
import type {
  PreparationDependencies,
  StoredPreparation,
} from "../../../src/subscription/ports.js";
import { takeStep } from "../../../src/operation/dispatch.js";
import { takePreparationStep } from "../../../src/subscription/preparation.js";
import { prepareSubscription } from "../../../src/subscription/prepare-subscription.js";
import { startInProcess, TRACEPARENT, type InProcess } from "../../support/dependencies.js";

export const PREPARATIONS = "subscription-preparations";
export const COMPUTE = "Microsoft.Compute";
export const FEATURE = "Microsoft.Compute/SIGEncryption";

/** A step message as it came from the queue. */
export interface DueMessage extends StepMessage {
  readonly messageId: string;
}

/** Preparations in a world of their own. */
export interface Preparations extends Pick<
  InProcess,
  "clock" | "simulator" | "takeEvents" | "close"
> {
  readonly queues: Queues;
  readonly deps: PreparationDependencies;
  prepare(subscriptionId: string, deps?: PreparationDependencies): Promise<OperationRecord>;
  takeDue(): Promise<DueMessage[]>;
  /** Answers a message as the product does; `deps` unless others are given. */
  handle(message: DueMessage, deps?: PreparationDependencies): Promise<void>;
  /** Handles due messages, none of those they cause later than now. */
  runDue(): Promise<DueMessage[]>;
  /** Handles due messages and moves the clock until the operation has ended. */
  finish(subscriptionId: string): Promise<OperationRecord>;
  read(subscriptionId: string): Promise<StoredPreparation>;
}

export function subscriptionId(number: number): string {
  return `5b8a0e2c-6d4f-4a3b-9c1d-${String(number).padStart(12, "0")}`;
}

/** Ids of events without the operation's, of one subscription, or of one operation of it. */
export function factsOf(
  events: Awaited<ReturnType<InProcess["takeEvents"]>>,
  id: string,
  operationId = keyOf(`/subscriptions/${id}`),
): string[] {
  return events
    .filter((event) => event.id.startsWith(operationId))
    .map((event) => event.id.replace(/^[^/]+\//u, ""));
}

/** `count` subscriptions, numbered from 1, each in the state that the options say. */
export async function startPreparations(
  count: number,
  options: Parameters<typeof subscription>[1],
): Promise<Preparations> {
  const world = await startInProcess({
    world: {
      subscriptions: Array.from({ length: count }, (_, i) =>
        subscription(subscriptionId(i + 1), options),
      ),
      resources: [],
    },
  });
  const deps: PreparationDependencies = {
    ...world.deps,
    store: world.deps.store as unknown as PreparationDependencies["store"],
    requiredRegistrations: [
      { namespace: COMPUTE },
      { namespace: COMPUTE, feature: "SIGEncryption" },
    ],
  };
  const takeDue = (): Promise<DueMessage[]> =>
    Promise.resolve(
      world.queues.take(PREPARATIONS).map(({ id, operationId, step }) => ({
        operationId,
        step,
        messageId: id,
      })),
    );

  const handle: Preparations["handle"] = (message, given = deps) =>
    takeStep(given, { PrepareSubscription: takePreparationStep.bind(undefined, given) }, message);

  const runDue = async (): Promise<DueMessage[]> => {
    const handled: DueMessage[] = [];
    for (;;) {
      const due = await takeDue();
      if (due.length === 0) return handled;
      for (const message of due) await handle(message);
      handled.push(...due);
    }
  };

  const read = async (id: string): Promise<StoredPreparation> => {
    const stored = await deps.store.read(keyOf(`/subscriptions/${id}`));
    if (stored === undefined) throw new Error(`${id} is not stored`);
    return stored;
  };

  return {
    clock: world.clock,
    queues: world.queues,
    simulator: world.simulator,
    takeEvents: () => world.takeEvents(),
    close: () => world.close(),
    deps,
    takeDue,
    handle,
    runDue,
    read,
    prepare: (id, given = deps) =>
      prepareSubscription(given, {
        subscriptionId: id,
        requestedBy: { appId: "build-system", objectId: "object" },
        traceparent: TRACEPARENT,
      }),
    async finish(id) {
      for (let steps = 0; steps < 500; steps += 1) {
        await runDue();
        const stored = await read(id);
        const { record, operation } = stored;
        if (hasEnded(deps, stored)) return operation;
        world.clock.advance(Math.max(1_000, Date.parse(record.dueTime) - world.clock.now()));
      }
      throw new Error(`${id} does not end`);
    },
  };
}
