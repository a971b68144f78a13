/** What was sent and had no answer, when something is sent after it. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { accept } from "../../../../src/image-version/state/accepting.js";
import {
  attemptsIn,
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
    expect(second).toMatchObject({ sentTime: time(200), unanswered: first });
    const { unanswered: _, ...alone } = second;
    const third = written(second, 400).record.lastAttempt;
    expect(third).toMatchObject({ sentTime: time(400), outcome: "unknown" });
    expect(third?.unanswered).toEqual(alone);
  });

  test("is kept with what had none before it, three at most", () => {
    const attempts = ["b", "c", "d", "e"].map((name) =>
      outcomeOf("unknown", { [`/tags/${name}`]: "1" }),
    );
    const last = attempts.reduce((unanswered, one) => ({ ...one, unanswered }));
    const kept = attemptsIn({
      lastAttempt: written(last).record.lastAttempt ?? expect.fail(),
    }).map(({ changes }) => Object.keys(changes));
    expect(kept).toEqual([["/tags/c"], ["/tags/d"], ["/tags/e"], ["/tags/a"]]);
  });

  test.each([undefined, "accepted", "shown", "refused"] as const)(
    "is nothing where that was %s",
    (outcome) => {
      const { lastAttempt } = written(outcome && outcomeOf(outcome)).record;
      expect(lastAttempt).toMatchObject({ outcome: "unknown" });
      expect(lastAttempt).not.toHaveProperty("unanswered");
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
    expect(after.record.lastAttempt).not.toHaveProperty("unanswered");
  });

  test("is what was sent last, where ARM refuses what came after it", () => {
    const first = outcomeOf("unknown");
    const refused = writeRefused(written(first), at(201));
    expect(refused.record.lastAttempt).toEqual(first);
    const second = writeRefused(written(outcomeOf("accepted")), at(201));
    expect(second.record.lastAttempt).toMatchObject({
      sentTime: time(200),
      outcome: "refused",
    });
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
          unanswered: outcomeOf("unknown", changes),
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
