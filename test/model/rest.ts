import { OPEN_SCOPE } from "../../src/operation/catalog.js";
import { reconciliation } from "./deliveries.js";
import { isOpen } from "./ledger.js";
import { judgeReads } from "./reading.js";
import { work } from "./taking.js";
import type { World } from "./world.js";

const MOST_ROUNDS = 400;
const REST_MS = 3_600_000;
/** The timer comes more seldom than messages. */
const RECONCILED_EACH = 5;

/** No more faults: everything due is delivered, time goes on, the reconciler runs, until nothing is left to do. */
export async function comeToRest(world: World): Promise<void> {
  world.log("-- at rest");
  world.failNext(undefined);
  world.way.calm();
  world.arm.calm();
  world.topic.refuse(0);
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (world.queues.due().length > 0) {
      await work(world, 1);
      continue;
    }
    const open = world.index.listed().get(OPEN_SCOPE) ?? [];
    const nextMs = world.queues.nextMs();
    if (
      nextMs === undefined &&
      open.length === 0 &&
      !world.ledger.accepted.some(isOpen)
    ) {
      // What ARM still does by itself is done.
      world.clock.advance(REST_MS);
      return world.run([judgeReads(world)]);
    }
    const idle = nextMs === undefined || open.length === 0;
    world.clock.advance(idle ? 60_000 : nextMs - world.clock.now());
    if (idle || round % RECONCILED_EACH === 0)
      await world.run([reconciliation]);
  }
  world.breach(1, "it does not come to rest");
}
