/** A person may be called as a policy of Sigil's is. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/by-hand.js";
import { takeAndMoveOn } from "../../../src/rollout/move-on.js";
import { lookAfter } from "../../../src/rollout/roll-out.js";
import { TRACEPARENT } from "../../support/dependencies.js";
import {
  HELD,
  OPERATOR,
  WAVES,
  startRollouts,
  type Rollouts,
} from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

/** By display name; a token may have no ids, and an event's source has none. */
const NAMESAKE = { ...OPERATOR, requestedBy: { name: "rollout" } };

const types = async () =>
  (await rollouts.takeEvents()).map(({ type }) => type.split(".").at(-1));

test("a promotion by a person called rollout is a person's: their promotion passes no gate, their demotion takes nothing back", async () => {
  await rollouts.publish(WAVES);
  await promoteImageVersion(rollouts.world.deps, NAMESAKE);
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual(["westus"]);

  await demoteImageVersion(rollouts.world.deps, NAMESAKE);
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await types()).not.toContain("RolledBack");
});

test("a rule's promotion that is to be canceled, and is not, is looked at again later, and not sent until then", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  const { operation } = await rollouts.world.read(HELD);
  expect(operation.requestedBy).toEqual({ name: "rollout", policy: "rollout" });
  rollouts.clock.advance(1_000);
  await rollouts.report({ result: "failed" }, HELD, {
    ...rollouts.resultDeps,
    onResult: async () => {},
  });
  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  const { imageVersions } = rollouts.rollout;
  const { store } = imageVersions;
  let reads = 0;
  const rollout = {
    ...rollouts.rollout,
    imageVersions: {
      ...imageVersions,
      store: {
        ...store,
        // As it was before a person has taken it over: whoever cancels it finds that it is theirs, time and again.
        readOperation: async (id: string) => {
          reads += 1;
          if (reads > 100) throw new Error("it is read without end");
          return id === operation.id ? operation : store.readOperation(id);
        },
      },
    },
  };
  expect(await lookAfter(rollout, HELD, TRACEPARENT)).toMatchObject({
    kind: "cancel",
    operationId: operation.id,
  });
  expect(reads).toBeLessThan(20);
  const [message] = await rollouts.world.takeDue();
  if (message === undefined) throw new Error("no step is due");
  await takeAndMoveOn(rollout, imageVersions.events, message, () => {
    throw new Error("the step is taken");
  });
  expect((await rollouts.world.read(HELD)).operation).toMatchObject({
    id: operation.id,
    status: "NotStarted",
    waitReason: expect.stringContaining("boot has failed") as unknown,
  });
});
