import { cancelOperation } from "../../src/operation/canceling.js";
import { deleteImageVersion } from "../../src/image-version/delete-image-version.js";
import { retryImageVersion } from "../../src/image-version/retry-image-version.js";
import { delivery, poison, reconciliation, redelivery } from "./deliveries.js";
import { answered, CALLER, ID, judgedPut, putTask } from "./putting.js";
import type { Act, Step } from "./steps.js";
import type { Task, World } from "./world.js";

/** Does one step. */
export async function take(world: World, step: Step): Promise<void> {
  world.log(`-- ${JSON.stringify(step)}`);
  switch (step.kind) {
    case "race": {
      const tasks = step.acts.flatMap((each) => taskOf(world, each, true));
      return world.run(tasks, step.schedule);
    }
    case "fail":
      world.failNext(step.failure);
      return world.run(taskOf(world, step.act, false));
    case "lose":
      return world.azure.arm.lose(step.region);
    case "fault":
      return world.azure.way.fault(step.fault, step.calls);
    case "stop":
      return world.azure.arm.stop(step.region, step.how, step.atProgress);
    case "wait":
      world.clock.advance(step.seconds * 1_000);
      return;
    case "poison": {
      const id = chosen(world.ledger.accepted, step.which)?.id;
      return id === undefined ? undefined : world.run([poison(id)]);
    }
    case "bury":
      return world.queues.bury(step.which);
    case "work":
      return work(world, step.rounds);
    case "put":
    case "retry":
    case "delete":
    case "cancel":
    case "deliver":
    case "redeliver":
    case "outside":
    case "reconcile":
      return world.run(taskOf(world, step, false));
  }
}

/** Delivers what is due, or moves on to what is due next. */
export async function work(world: World, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const due = world.queues.due();
    const nextMs = world.queues.nextMs();
    if (due.length > 0)
      for (const message of due)
        await world.run([delivery(world.queues, message)]);
    else if (nextMs === undefined) return;
    else world.clock.advance(nextMs - world.clock.now());
  }
}

function taskOf(world: World, act: Act, beside: boolean): Task[] {
  switch (act.kind) {
    case "put":
      return [beside ? putTask(world, act).task : judgedPut(world, act)];
    case "retry":
      return [
        {
          name: "retry",
          command: { kind: "RetryImageVersion" },
          run: async (deps) =>
            answered(
              world,
              await retryImageVersion(deps, { id: ID, ...CALLER }),
            ),
        },
      ];
    case "delete":
      return [
        {
          name: "delete",
          command: { kind: "DeleteImageVersion" },
          run: async (deps) =>
            answered(
              world,
              await deleteImageVersion(deps, { id: ID, ...CALLER }),
            ),
        },
      ];
    case "cancel": {
      // The last is the likeliest to run.
      const id = chosen(
        [...world.ledger.accepted].reverse(),
        act.which >> 1,
      )?.id;
      return id === undefined
        ? []
        : [
            {
              name: `cancel of ${id.slice(33)}`,
              run: async (deps) => {
                world.ledger.wishCanceled(id);
                const { status } = await cancelOperation(
                  deps,
                  id,
                  CALLER.requestedBy,
                );
                if (status !== "Canceled")
                  world.breach(1, `cancel of ${id} answered ${status}`);
              },
            },
          ];
    }
    case "deliver": {
      const nextMs = world.queues.nextMs();
      if (nextMs !== undefined && nextMs > world.clock.now())
        world.clock.advance(nextMs - world.clock.now());
      const message = chosen(world.queues.due(), act.which);
      return message === undefined ? [] : [delivery(world.queues, message)];
    }
    case "redeliver": {
      const message = chosen(world.queues.completed(), act.which * 5);
      return message === undefined ? [] : [redelivery(message)];
    }
    case "outside":
      return [
        {
          name: `others add ${act.region}`,
          run: () => world.azure.arm.addOutside(act.region),
        },
      ];
    case "reconcile":
      return [reconciliation];
  }
}

function chosen<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)];
}
