/** A region that was ready, and that Azure shows Failed by an update which does not name it. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  ended,
  facts,
  made,
  operationIn,
  patch,
  plain,
  seen,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

test("is told by the operation under way, and its end says what to do", async () => {
  await made(world, id, plain());
  const tagged = operationIn(await patch(world, id, { tags: { x: "1" } }));
  await world.runDue();
  await world.simulator.control.setRegionState({
    versionId: id,
    region: "eastus2",
    state: "Failed",
    details: "Its key is disabled",
  });
  const [end] = await ended(world, [tagged]);
  const told = await world.takeEvents();

  expect(facts(told, tagged).filter((fact) => fact.includes("failed"))).toEqual(
    ["eastus2/failed/1"],
  );
  expect(end).toMatchObject({ status: "Succeeded" });
  const said = end?.history.map(({ message }) => message).join("\n");
  expect(said).toContain(
    "eastus2 failed: Its key is disabled. It is not tried again.",
  );
  expect(said).toMatch(/not usable in eastus2, .*retry/u);
  expect((await seen(world, id)).sigil?.regions).toContainEqual(
    expect.objectContaining({ name: "eastus2", state: "Failed" }),
  );

  const [repaired] = await ended(world, [await byHand.retry(world, id)]);
  expect(repaired).toMatchObject({ status: "Succeeded" });
  const [again] = await ended(world, [
    operationIn(await patch(world, id, { tags: { x: "2" } })),
  ]);
  expect(again?.history.at(-1)?.message).toBe(
    "Azure shows the version as requested.",
  );
});
