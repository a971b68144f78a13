/** A rollback that is canceled: nothing further is changed, and it says which version is the latest then. */
import { expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { keyOf } from "../../../src/resource-id.js";
import type { InProcess } from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { refusal } from "../../support/refusal.js";
import { BY, HELD_BACK, inOwnWorld } from "./rollbacks.js";

let world: InProcess;
let image: string;
const { versionId, inAzure, puts, rollBack, operationOf } = inOwnWorld((given, definition) => {
  world = given;
  image = definition;
});

const cancel = ({ id }: OperationRecord): Promise<OperationRecord> =>
  cancelOperation(world.deps, id, BY.requestedBy);

async function begun(): Promise<OperationRecord> {
  await inAzure({ "1.0.0": HELD_BACK, "1.0.1": {} });
  return await rollBack("1.0.0");
}

async function endsWith(accepted: OperationRecord, to?: string): Promise<OperationRecord> {
  await world.runDue();
  const regions = [{ name: "westus", from: "1.0.1", ...(to !== undefined && { to }) }];
  const operation = await operationOf(accepted);
  expect(operation).toMatchObject({
    status: "Canceled",
    canceledBy: BY.requestedBy,
  });
  expect(operation.detail).toEqual({ from: "1.0.1", to: "1.0.0", regions });
  const told = await world.takeEvents();
  const ends = told.filter(({ id }) => id === `${accepted.id}/canceled`);
  expect(ends).toMatchObject([
    { data: { regions, ...(to && { consequence: naming([to, "westus"]) }) } },
  ]);
  expect(await cancel(accepted)).toEqual(operation);
  return operation;
}

test("before its first step says that the latest is what it was", async () => {
  const accepted = await begun();
  const canceled = await cancel(accepted);
  expect(canceled).toMatchObject({
    status: "NotStarted",
    canceledBy: BY.requestedBy,
  });
  expect(await cancel(accepted)).toEqual(canceled);
  const { history } = await endsWith(accepted, "1.0.1");
  expect(history.at(-1)?.message).toMatch(/^Canceled\. Nothing/u);
  expect(puts()).toBe(0);
});

test("between its steps says what is the latest, whoever has made it so", async () => {
  const accepted = await begun();
  await world.finishWith(versionId("1.0.0"), () => Promise.resolve());
  expect((await world.deps.rollbacks.read(keyOf(image)))?.record.state).toBe("RollingBack");
  await inAzure({ "1.0.2": {} });
  await cancel(accepted);
  const { history } = await endsWith(accepted, "1.0.2");
  expect(history.at(-1)?.message).not.toMatch(/^Canceled\. Nothing/u);
});

test("while Azure cannot be read ends, and says that it does not know", async () => {
  const accepted = await begun();
  world.simulator.control.addFault({
    path: `${image}/versions`,
    method: "GET",
    status: 403,
    body: { error: { code: "AuthorizationFailed", message: "no" } },
    times: null,
  });
  await cancel(accepted);
  const { history } = await endsWith(accepted);
  expect(history.at(-1)?.message).not.toContain("1.0.1");
});

test("does nothing for the same request, which is to be sent again", async () => {
  const accepted = await begun();
  await cancel(accepted);
  expect(await refusal(rollBack("1.0.0"))).toMatchObject({
    code: "StateConflict",
    retryable: true,
  });
  await world.runDue();
  const again = await rollBack("1.0.0");
  expect(again.id).not.toBe(accepted.id);
  expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
});
