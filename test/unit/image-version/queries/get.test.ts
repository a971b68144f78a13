import { expect, test } from "vitest";
import { getImageVersion } from "../../../../src/image-version/queries/get.js";
import type { Look } from "../../../../src/image-version/resources.js";
import { idOf } from "../../../support/dependencies.js";
import {
  at,
  COMPLETED,
  lookOf,
  REPLICATING,
  replicating,
  step,
  told,
  VERSION_ID,
} from "../../../support/transitions.js";

const { record } = told(
  step(replicating(), lookOf("Succeeded", COMPLETED, { seconds: 60 }), at(60))
    .pair,
);

const shownOver = async (shared: Look): Promise<Look | undefined> => {
  const { look } = await getImageVersion(
    {
      store: { readRecord: () => Promise.resolve(record) } as never,
      looks: {
        version: () => Promise.resolve(shared),
        versions: () => Promise.resolve([]),
        galleries: () => Promise.reject(new Error("nobody asks")),
        images: () => Promise.resolve(undefined),
        has: () => false,
        forget: () => undefined,
        keys: (_, look) => look(),
      },
      ...at(75),
      now: () => at(75).now,
    },
    idOf(VERSION_ID),
  );
  return look;
};

// Others may have asked while the version was not polled yet, and their look is kept for half a minute.
test("what ended an operation is shown, not a shared look from before it", async () => {
  expect(record.state).toBe("Succeeded");
  const before = lookOf("Creating", REPLICATING, { seconds: 50 });
  expect(await shownOver(before)).toEqual(record.status);
});

test("a shared look from after it is shown", async () => {
  const after = lookOf("Updating", COMPLETED, { seconds: 70 });
  expect(await shownOver(after)).toBe(after);
});
