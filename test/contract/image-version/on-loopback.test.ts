/** The use cases on the real adapters, against Azurite and the Service Bus emulator; the other tests have fakes in their place. */
import { InvocationContext } from "@azure/functions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { createStepHandler } from "../../../src/messaging/step-handler.js";
import { OPEN_SCOPE } from "../../../src/operation/catalog.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { SCHEMA } from "../../../src/operation/records.js";
import { idOf, PACE, request, takeVersionStep } from "../../support/dependencies.js";
import { startOnLoopback, type OnLoopback } from "../../support/on-loopback.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { BY } from "./truth/support.js";

/** The event that ends a demotion, and a deletion. */
const END = ["completed", "deleted"];

let world: OnLoopback;
beforeAll(async () => {
  world = await startOnLoopback({ replicationMs: 60_000 });
});
afterAll(() => world.close());

test("what a newer release has stored is left to it: its step changes nothing, the reconciler leaves it, and so do requests", async () => {
  const id = seedVersionId("3.0.0");
  const other = seedVersionId("3.0.1");
  const { id: operationId } = await request(world.deps, id, managedImageRequest());
  await request(world.deps, other, managedImageRequest());
  const stored = await world.read(id);
  const { record, operation } = stored;
  const newer = { ...record, schema: SCHEMA + 1, meaning: "unknown" };
  await world.deps.store.commit(newer, operation, stored);
  world.clock.advance(PACE.overdueMs);
  const due = await world.takeDue();
  expect(due).toHaveLength(2);
  for (const message of due) {
    let completed = false;
    const handle = createStepHandler({
      takeStep: (step) => takeVersionStep(world.deps, step),
      failPoisoned: () => Promise.reject(new Error("it is no poison")),
      maxDeliveryCount: 1,
      postpone: () => Promise.reject(new Error("nothing is postponed")),
      now: () => new Date(),
    });
    await handle(
      { operationId: message.operationId, step: message.step },
      new InvocationContext({
        functionName: message.queue,
        triggerMetadata: { deliveryCount: 1 },
        logHandler: () => undefined,
      }),
    ).then(() => (completed = true));
    expect(completed).toBe(true);
  }
  expect((await world.read(other)).record.state).toBe("Replicating");

  const reconciled = await reconcile(world.deps);
  expect(reconciled).toMatchObject({
    open: 2,
    resent: 0,
    failed: 0,
    removed: 0,
    errors: [{ operationId, error: { code: "StateTooNew" } }],
  });
  expect((await world.deps.index.page(OPEN_SCOPE, 100)).rows.map(({ target }) => target)).toContain(
    operationId,
  );
  expect(await refusal(request(world.deps, id, managedImageRequest()))).toMatchObject({
    code: "StateTooNew",
  });
  expect(world.simulator.control.creates(id)).toBe(0);
  // The newer release goes on: what it stored is as it was.
  expect((await world.deps.store.readOperation(operationId))?.operation).toEqual(operation);
});

/** Ids of the events of an operation, without its own. */
async function told({ id }: { readonly id: string }): Promise<string[]> {
  const prefix = `${id}/`;
  return (await world.takeEvents())
    .map((event) => event.id)
    .filter((event) => event.startsWith(prefix))
    .map((event) => event.slice(prefix.length));
}

test("a version is created, demoted and deleted, and each is told once", async () => {
  const id = seedVersionId("1.0.0");
  await world.takeEvents();
  const accepted = await request(world.deps, id, managedImageRequest(), {
    idempotencyKey: "1",
  });
  expect(
    await request(world.deps, id, managedImageRequest(), {
      idempotencyKey: "1",
    }),
  ).toMatchObject({ id: accepted.id });
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  const created = await told(accepted);
  expect(created.filter((event) => event === "accepted")).toHaveLength(1);
  expect(created.filter((event) => event === "completed")).toHaveLength(1);
  for (const [i, change] of [demoteImageVersion, deleteImageVersion].entries()) {
    const operation = await change(world.deps, { id: idOf(id), ...BY });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect((await told(operation)).at(-1)).toBe(END[i]);
  }
});

test("the next number is another each time, and a rollback ends", async () => {
  const image = idOf(seedVersionId("0.0.0"));
  const next = () =>
    createNextImageVersion(world.deps, {
      image,
      increment: "patch",
      body: managedImageRequest(),
      ...BY,
    });
  const made = [await next(), await next()];
  expect(new Set(made.map(({ resourceId }) => resourceId)).size).toBe(2);
  for (const { resourceId } of made) await world.finish(resourceId);
  const rollback = await rollBackImage(world.deps, {
    image,
    to: made[0]?.resourceId.split("/").at(-1) ?? "",
    ...BY,
  });
  for (let ticks = 0; ticks < 500; ticks += 1) {
    await world.runDue();
    world.clock.advance(15_000);
    const operation = (await world.deps.store.readOperation(rollback.id))?.operation;
    if (operation?.endTime === undefined) continue;
    expect(operation).toMatchObject({ status: "Succeeded" });
    return;
  }
  throw new Error("the rollback does not end");
});
