/** Azure has answered the create request, and its replicas do not show the version yet: nothing is wrong, and nobody else is there. */
import { beforeEach, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  ended,
  faultOn,
  inAzure,
  operationIn,
  patch,
  plain,
  put,
  seen,
} from "./support.js";

let world: InProcess;
let id: string;
let operationId: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain(undefined, { tags: { a: "1" } });

beforeEach(async () => {
  ({ id: operationId } = operationIn(await put(world, id, BODY)));
  await world.runDue();
  expect(await inAzure(world, id)).toBeDefined();
  faultOn(world, id, { method: "GET", status: 404 });
});

test("GET shows it as requested, in state Creating", async () => {
  for (const seconds of [1, 20, 60]) {
    world.clock.advance(seconds * 1_000);
    expect(await seen(world, id)).toMatchObject({
      tags: { a: "1" },
      sigil: { managedBy: "Sigil" },
    });
  }
});

test.each([
  ["a PATCH", () => patch(world, id, { tags: { a: "2" } })],
  ["a promotion", () => byHand.promote(world, id)],
  ["a demotion", () => byHand.demote(world, id)],
])("%s is refused while it is being created", async (_, ask) => {
  expect(await refusal(ask())).toMatchObject({
    code: "ImageVersionConflict",
    fields: { existingOperationId: operationId },
  });
});

test.each([60, 1_200])(
  "a PUT with If-None-Match is refused %i s later",
  async (seconds) => {
    world.clock.advance(seconds * 1_000);
    const again = put(world, id, plain(undefined, { tags: { a: "2" } }), {
      ifNoneMatch: "*",
    });
    expect(await refusal(again)).toMatchObject({ code: "PreconditionFailed" });
  },
);

test("it is created once it is shown", async () => {
  world.simulator.control.clearFaults();
  const [operation] = await ended(world, [{ id: operationId }]);
  expect(operation).toMatchObject({ status: "Succeeded" });
});
