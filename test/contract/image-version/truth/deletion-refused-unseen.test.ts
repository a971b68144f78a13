/** Azure has refused a DELETE, and a replica that is behind shows no version yet: it is not deleted by that. */
import { expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import { told } from "../drift/support.js";
import {
  byHand,
  cancel,
  ended,
  faultOn,
  inAzure,
  made,
  operation,
  outside,
  pass,
  patch,
  plain,
  seen,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain(undefined, { tags: { a: "1" } });
const lastMessage = ({ history }: OperationRecord) => history.at(-1)?.message;

/** Azure refuses each DELETE for now; the deletion is canceled, and no GET shows the version from then on. */
async function refusedAndCanceled(status: number): Promise<OperationRecord> {
  await made(world, id, BODY);
  faultOn(world, id, { method: "DELETE", status, times: null });
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  expect(await cancel(world, deletion)).toMatchObject({ status: "Running" });
  return deletion;
}

test.each([409, 429])(
  "refused with %i and canceled, it ends Canceled once the version is shown",
  async (status) => {
    const deletion = await refusedAndCanceled(status);
    faultOn(world, id, { method: "GET", status: 404, times: null });
    await pass(world, 120_000);
    const waiting = await operation(world, deletion);
    expect(waiting).toMatchObject({ status: "Running" });
    expect(await seen(world, id)).toMatchObject({ tags: { a: "1" } });
    expect(await refusal(patch(world, id, { tags: { a: "2" } }))).toMatchObject(
      { code: "StateConflict" },
    );
    world.simulator.control.clearFaults();
    expect(await ended(world, [deletion])).toMatchObject([
      { status: "Canceled" },
    ]);
    expect(await inAzure(world, id)).toMatchObject({ tags: { a: "1" } });
    expect(await seen(world, id)).toMatchObject({
      sigil: { managedBy: "Sigil" },
    });
    expect(await told(world, id)).not.toContain("Deleted");
  },
);

test("canceled, it ends Succeeded where others have deleted the version, once that is certain", async () => {
  const deletion = await refusedAndCanceled(409);
  world.simulator.control.clearFaults();
  await outside(world, "DELETE", id);
  await pass(world, 300_000);
  expect(await operation(world, deletion)).toMatchObject({ status: "Running" });
  const [last] = await ended(world, [deletion]);
  expect(last).toMatchObject({ status: "Succeeded" });
  expect(lastMessage(last ?? expect.fail())).toContain("does not exist");
});
