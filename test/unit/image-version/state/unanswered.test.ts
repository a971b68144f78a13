/** What was sent and had no answer, when something is sent after it. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { accept } from "../../../../src/image-version/state/accepting.js";
import {
  attemptsIn,
  sentLast,
  type Attempt,
  type ImageVersionPair,
} from "../../../../src/image-version/state/record.js";
import {
  beginWrite,
  writeAccepted,
  writeRefused,
  type Put,
} from "../../../../src/image-version/state/transitions.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  acceptingOf,
  at,
  changeOf,
  succeeded,
  time,
  told,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");

/** A version that is there, of which its next operation asks that, and what was sent of it last. */
function asking(
  changes: Patch,
  lastAttempt: Attempt | undefined,
): ImageVersionPair {
  const { record, operation } = accept(
    acceptingOf(changeOf(changes), { regions: [] }),
    succeeded().record,
    at(50),
  );
  const { lastAttempt: _, ...kept } = record;
  return told({
    operation,
    record: { ...kept, ...(lastAttempt && { lastAttempt }) },
  });
}

const updatePut = (changes: Patch): Put => ({
  kind: "put",
  body: managedImageRequest(),
  creates: false,
  changes,
  removesRegions: false,
  takesAway: {},
  addsBack: [],
  promotes: false,
  rewrites: false,
  isMet: false,
});

describe("what had no answer when something was sent after it", () => {
  const outcomeOf = (
    outcome: Attempt["outcome"],
    changes: Patch = { "/tags/a": "1" },
  ): Attempt => ({ changes, regions: [], sentTime: time(50), outcome });
  const written = (lastAttempt?: Attempt, seconds = 200): ImageVersionPair =>
    beginWrite(
      asking({ "/tags/a": "1" }, lastAttempt),
      updatePut({ "/tags/a": "1" }),
      undefined,
      at(seconds),
    );

  test("is kept beside that, once where the same is tried again", () => {
    const first = outcomeOf("unknown");
    const second = written(first).record.lastAttempt ?? expect.fail();
    expect(second).toMatchObject({ sentTime: time(200), before: first });
    const { before: _, ...alone } = second;
    const third = written(second, 400).record.lastAttempt;
    expect(third).toMatchObject({ sentTime: time(400), outcome: "unknown" });
    expect(third?.before).toEqual(alone);
  });

  test("is kept with what had none before it, four at most", () => {
    const attempts = ["b", "c", "d", "e"].map((name) =>
      outcomeOf("unknown", { [`/tags/${name}`]: "1" }),
    );
    const last = attempts.reduce((before, one) => ({ ...one, before }));
    const kept = attemptsIn({
      lastAttempt: written(last).record.lastAttempt ?? expect.fail(),
    }).map(({ changes }) => Object.keys(changes));
    expect(kept.flat()).toEqual(
      ["b", "c", "d", "e", "a"].map((name) => `/tags/${name}`),
    );
    const more = { ...outcomeOf("unknown", { "/tags/f": "1" }), before: last };
    const most = attemptsIn({
      lastAttempt: written(more).record.lastAttempt ?? expect.fail(),
    }).map(({ changes }) => Object.keys(changes));
    expect(most.flat()).toEqual(
      ["c", "d", "e", "f", "a"].map((name) => `/tags/${name}`),
    );
  });

  test.each([undefined, "refused"] as const)(
    "is nothing where that was %s",
    (outcome) => {
      const { lastAttempt } = written(outcome && outcomeOf(outcome)).record;
      expect(lastAttempt).toMatchObject({ outcome: "unknown" });
      expect(lastAttempt).not.toHaveProperty("before");
    },
  );

  test.each(["accepted", "shown"] as const)(
    "is in force alone where that was %s",
    (outcome) => {
      const inForce = outcomeOf(outcome);
      const older = { ...inForce, before: outcomeOf("unknown") };
      const { lastAttempt } = written(older).record;
      expect(lastAttempt?.before).toEqual(inForce);
      const refused = { ...outcomeOf("refused"), before: inForce };
      expect(written(refused).record.lastAttempt?.before).toEqual(inForce);
    },
  );

  test("is of no account once ARM has accepted what came after it", () => {
    const after = writeAccepted(
      written(outcomeOf("unknown")),
      undefined,
      at(201),
    );
    expect(after.record.lastAttempt).toMatchObject({
      outcome: "accepted",
      sentTime: time(200),
      acceptedTime: time(201),
    });
    expect(after.record.lastAttempt).not.toHaveProperty("before");
  });

  test("is what was sent last, where ARM refuses what came after it", () => {
    for (const outcome of ["unknown", "accepted"] as const) {
      const first = outcomeOf(outcome);
      const { record } = writeRefused(written(first), at(201));
      expect(record.lastAttempt).toMatchObject({
        sentTime: time(200),
        outcome: "refused",
      });
      expect(sentLast(record)).toEqual(first);
      expect(record.writes).toEqual([]);
    }
  });

  test.each<[string, Patch, object]>([
    [
      "may be away, where that took it away, too",
      { [EAST]: null },
      { attempts: 1, removed: {} },
    ],
    [
      "is still there, where that did something else",
      { "/tags/a": "1" },
      { attempts: 1, dueTime: time(201) },
    ],
  ])(
    "says of a region that ARM refuses to take away that it %s",
    (_, changes, repair) => {
      const pair = asking(
        {},
        {
          ...outcomeOf("unknown", { [EAST]: null }),
          before: outcomeOf("unknown", changes),
        },
      );
      const repairs = { eastus2: { attempts: 1, removed: {} } };
      const away = { ...pair, record: { ...pair.record, repairs } };
      expect(writeRefused(away, at(201)).record.repairs).toEqual({
        eastus2: repair,
      });
    },
  );
});

test("a region that a caller removes, and ARM does not, is not due for a repair again", () => {
  const lastAttempt: Attempt = {
    changes: { [EAST]: null },
    regions: [],
    sentTime: time(50),
    outcome: "unknown",
  };
  const pair = asking({}, lastAttempt);
  const repairs = { eastus2: { attempts: 1 } };
  const before = { ...pair, record: { ...pair.record, repairs } };
  const { record } = writeRefused(before, at(60));
  expect(record.lastAttempt).toEqual({ ...lastAttempt, outcome: "refused" });
  expect(record.repairs).toEqual(repairs);
});

test("what Azure has shown of an operation that has ended is applied before something else is sent", () => {
  const before = asking(
    { "/tags/b": "1" },
    {
      changes: { "/tags/a": "1" },
      asked: { "/tags/a": "1" },
      regions: [],
      sentTime: time(40),
      outcome: "shown",
      sentFor: ["ended"],
    },
  );
  const put = updatePut({ "/tags/b": "1" });
  const { record } = beginWrite(before, put, undefined, at(60));
  expect(record.lastApplied).toEqual({
    ...before.record.lastApplied,
    "/tags/a": "1",
  });
  expect(record.lastAttempt?.asked).toEqual({ "/tags/b": "1" });
});
