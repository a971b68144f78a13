/** Tables that are lost, or older than Azure: what is there is found, and nothing is created twice. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { getOperation } from "../../../src/operation/queries.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { keyOf } from "../../../src/resource-id.js";
import { idOf, PACE, request } from "../../support/dependencies.js";
import { startOnLoopback, type OnLoopback } from "../../support/on-loopback.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { deleteTables, exportTables, importTables } from "../../support/table-export.js";
import { BY } from "./truth/support.js";
import { naming } from "../../support/naming.js";

const ID = seedVersionId("1.0.0");

let world: OnLoopback;
beforeEach(async () => {
  world = await startOnLoopback({ replicationMs: 60_000 });
});
afterEach(() => world.close());

const puts = (): number =>
  world.simulator.control.countRequests({ method: "PUT", path: "/versions/" });

/** Runs the reconciler once what is stored is overdue, and the messages that it sends, until nothing is open. */
async function reconcileAll(): Promise<void> {
  for (let runs = 0; runs < 50; runs += 1) {
    world.clock.advance(PACE.overdueMs);
    const { open, errors } = await reconcile(world.deps);
    expect(errors).toEqual([]);
    await world.runDue();
    if (open === 0) return;
  }
  throw new Error("operations stay open");
}

const lost = (): Promise<void> => deleteTables(world.tables);

const typesOf = (events: readonly CloudEvent[]): string[] =>
  events.map(({ type }) => type.replace("Sigil.ImageVersion.", ""));

/** Azure has the version already: its second operation tells that it is accepted, and that it is done. */
const ADOPTED = ["Accepted", "RegionCompleted", "RegionCompleted", "Completed"];

describe("tables that are lost", () => {
  test("while a version is being created: its messages have no effect, and a PUT adopts it", async () => {
    await request(world.deps, ID, managedImageRequest());
    await world.runDue();
    expect(world.simulator.control.creates(ID)).toBe(1);
    await lost();
    await world.takeEvents();

    world.clock.advance(PACE.pollMaxMs);
    await world.runDue();
    expect(await world.deps.store.read(keyOf(ID))).toBeUndefined();

    await request(world.deps, ID, managedImageRequest());
    await reconcileAll();
    const types = typesOf(await world.takeEvents());
    expect(types[0]).toBe("Accepted");
    expect(types.at(-1)).toBe("Completed");
    expect((await world.read(ID)).operation).toMatchObject({
      status: "Succeeded",
    });
    expect(world.simulator.control.creates(ID)).toBe(1);
    expect(puts()).toBe(1);
  });

  test("after it was created: a PUT adopts it, and the next number is above it", async () => {
    const before = await request(world.deps, ID, managedImageRequest());
    await world.finish(ID);
    await lost();
    await world.takeEvents();

    const { id } = await request(world.deps, ID, managedImageRequest());
    await reconcileAll();
    expect((await world.read(ID)).operation).toMatchObject({
      id,
      status: "Succeeded",
    });
    expect(puts()).toBe(1);
    expect(typesOf(await world.takeEvents())).toEqual(ADOPTED);
    expect(id).not.toBe(before.id);
    expect(await refusal(getOperation(world.deps, before.id))).toMatchObject({
      code: "NotFound",
      message: naming([before.id]),
    });
    const { resourceId } = await createNextImageVersion(world.deps, {
      image: idOf(ID),
      increment: "patch",
      body: managedImageRequest(),
      ...BY,
    });
    expect(resourceId).toMatch(/\/versions\/1\.0\.1$/u);
  });
});

describe("an export that is imported again", () => {
  test("of before the version was sent: it is found in Azure, and not created again", async () => {
    await request(world.deps, ID, managedImageRequest());
    const exported = await exportTables(world.tables);
    await world.finish(ID);
    await importTables(world.tables, exported);

    await reconcileAll();
    expect((await world.read(ID)).operation).toMatchObject({
      status: "Succeeded",
    });
    expect(world.simulator.control.creates(ID)).toBe(1);
    expect(puts()).toBe(1);
  });

  test("of while it replicated: it is followed to its end", async () => {
    await request(world.deps, ID, managedImageRequest());
    await world.runDue();
    const exported = await exportTables(world.tables);
    await world.finish(ID);
    await importTables(world.tables, exported);

    await reconcileAll();
    expect((await world.read(ID)).operation).toMatchObject({
      status: "Succeeded",
    });
    expect(puts()).toBe(1);
  });

  test("of before a later change: the change stays as Azure has it", async () => {
    const tagged = { ...managedImageRequest(), tags: { build: "4711" } };
    await request(world.deps, ID, managedImageRequest());
    await world.finish(ID);
    const exported = await exportTables(world.tables);
    await request(world.deps, ID, tagged);
    await world.finish(ID);
    await importTables(world.tables, exported);
    await reconcileAll();
    expect(puts()).toBe(2);

    // Asked again, it is Sigil's again: Azure has it already.
    await request(world.deps, ID, tagged);
    await reconcileAll();
    expect((await world.read(ID)).operation).toMatchObject({
      status: "Succeeded",
    });
    expect(puts()).toBe(2);
  });

  test.each(["while it replicated", "after it"])(
    "of %s, of a version that was deleted since: it is not created again",
    async (when) => {
      await request(world.deps, ID, managedImageRequest());
      await world.runDue();
      if (when === "after it") await world.finish(ID);
      const exported = await exportTables(world.tables);
      await world.finish(ID);
      await deleteImageVersion(world.deps, { id: idOf(ID), ...BY });
      await world.finish(ID);
      await importTables(world.tables, exported);

      await reconcileAll();
      expect(world.simulator.control.creates(ID)).toBe(1);
      expect(puts()).toBe(1);
      if (when === "while it replicated") {
        // Azure was never seen to show it: it ends as a creation that came to nothing.
        expect((await world.read(ID)).operation).toMatchObject({
          status: "Failed",
          error: { code: "NotShown" },
        });
        return;
      }
      // No answer of Azure is older than the version.
      world.clock.advance(600_000);
      expect(await refusal(request(world.deps, ID, managedImageRequest()))).toMatchObject({
        code: "ImageVersionGone",
      });
    },
  );
});
