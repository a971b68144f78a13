import { afterEach, beforeEach, expect, test } from "vitest";
import { failPoisoned } from "../../../src/operation/poison.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { PACE } from "../../support/dependencies.js";
import {
  COMPUTE,
  factsOf,
  startPreparations,
  subscriptionId,
  type Preparations,
} from "./support.js";
import { naming } from "../../support/naming.js";

const id = subscriptionId(1);

let world: Preparations;
beforeEach(async () => {
  world = await startPreparations(1, {
    compute: "NotRegistered",
    registrationMs: 60_000,
  });
});
afterEach(() => world.close());

test("a lost message is sent again when it is overdue, and the preparation goes on", async () => {
  const { id: operationId } = await world.prepare(id);
  await world.takeDue(); // Lost.
  world.clock.advance(PACE.overdueMs);
  expect(await reconcile(world.deps)).toMatchObject({ open: 1, resent: 1 });
  const { messageId } = (await world.runDue())[0] ?? {};
  expect(messageId).toBe(`${operationId}:1.1`);
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(await reconcile(world.deps)).toMatchObject({ open: 0 });
});

test("an operation of poison ends Failed, and the next one begins anew", async () => {
  const { id: operationId } = await world.prepare(id);
  await world.runDue();
  const { step } = (await world.read(id)).record;
  await failPoisoned(world.deps, { operationId, step }, "It kills.");
  expect((await world.read(id)).operation).toMatchObject({
    status: "Failed",
    detail: [
      { name: COMPUTE, state: "Registering" },
      { name: "Microsoft.Compute/SIGEncryption", state: "Registered" },
    ],
    error: {
      code: "PoisonMessage",
      message: expect.stringMatching(/./u) as unknown,
    },
  });
  expect(await world.takeEvents()).toContainEqual(
    expect.objectContaining({
      id: `${operationId}/failed`,
      type: "Sigil.Subscription.PreparationFailed",
    }),
  );
  const { id: next } = await world.prepare(id);
  expect(next).not.toBe(operationId);
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(factsOf(await world.takeEvents(), id, next)).toContain("prepared");
});

test("three dead messages of a step are found in the queue of preparations", async () => {
  await world.prepare(id);
  for (let resends = 0; resends < 3; resends += 1) {
    world.queues.bury(0);
    world.clock.advance(PACE.overdueMs * 2 ** resends);
    await reconcile(world.deps);
  }
  expect((await world.read(id)).operation.error).toMatchObject({
    code: "PoisonMessage",
    message: naming(["3", "MaxDeliveryCountExceeded"]) as string,
  });
});
