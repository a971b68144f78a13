/** Writes that follow each other, and looks that are older than some of them. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import type { Look } from "../../../../src/image-version/resources.js";
import {
  attemptAfter,
  isOld,
  isUncertain,
  latestOf,
  mayBeDone,
  mayHaveFailedBefore,
  missingOf,
  writesAfter,
  writesBegun,
  writesWith,
} from "../../../../src/image-version/state/attempts.js";
import type {
  Attempt,
  ImageVersionRecord,
  Write,
} from "../../../../src/image-version/state/record.js";
import {
  at,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";

const SOUTH = regionField("southcentralus");
const AT_SOUTH = {
  [`${SOUTH}/name`]: "southcentralus",
  [`${SOUTH}/regionalReplicaCount`]: 3,
};

/** What Azure shows, beside what the version has at first. */
const showing = (changes: Patch): Look =>
  lookOf("Succeeded", COMPLETED, { changes });

const tag = (a: string): Patch => ({ "/tags/a": a });

/** Each is what Azure showed, what was sent then, when, and whether ARM has answered. */
type Sent = readonly [Patch, Patch, number, "accepted" | "unknown"];

/** The record after those writes. */
function after(...sent: readonly Sent[]): ImageVersionRecord {
  const { lastAttempt: _, ...record } = succeeded().record;
  return sent.reduce<ImageVersionRecord>(
    (before, [shown, changes, seconds, outcome]) => {
      const observed = showing(shown);
      const writes = writesWith({ ...before, observed }, changes, at(seconds));
      const sentTime = time(seconds);
      return {
        ...before,
        observed,
        ...(outcome === "unknown"
          ? { writes }
          : writesAfter({ writes }, { sentTime }, { acceptedTime: sentTime })),
      };
    },
    record,
  );
}

const isOldAt = (
  record: ImageVersionRecord,
  shown: Patch,
  seconds = 1_010,
): boolean => isOld(record, showing(shown), at(seconds));

describe("a look that shows what was replaced is old", () => {
  const record = after(
    [tag("1"), tag("2"), 980, "accepted"],
    [tag("2"), tag("3"), 990, "accepted"],
    [tag("3"), tag("2"), 1_000, "accepted"],
  );

  test.each([
    ["1", true],
    ["2", false],
    ["3", true],
    ["others'", false],
  ])("where the tag is %s: %s", (value, isSo) => {
    expect(isOldAt(record, tag(value))).toBe(isSo);
  });

  test("for ten minutes after it was replaced for the last time", () => {
    const one = after([tag("1"), tag("2"), 1_000, "accepted"]);
    expect(isOldAt(one, tag("1"), 1_599)).toBe(true);
    expect(isOldAt(one, tag("1"), 1_600)).toBe(false);
    const answered = writesAfter(
      after([tag("1"), tag("2"), 1_000, "unknown"]),
      { sentTime: time(1_000) },
      { acceptedTime: time(1_050) },
    );
    expect(isOldAt({ ...one, ...answered }, tag("1"), 1_649)).toBe(true);
    expect(isOldAt({ ...one, ...answered }, tag("1"), 1_650)).toBe(false);
  });

  test("or of a life of the version that is over, whatever it shows", () => {
    const { record: alive } = succeeded();
    const look = lookOf("Succeeded", COMPLETED, { publishedDate: time(0) });
    expect(isOld(alive, look, at(1_000))).toBe(true);
    expect(isOld(alive, showing({}), at(1_000))).toBe(false);
  });

  test("where what was there before is there no more, and where it was not there at all", () => {
    const added = after([{}, tag("1"), 1_000, "accepted"]);
    expect(isOldAt(added, {})).toBe(true);
    expect(isOldAt(added, tag("1"))).toBe(false);
    const gone = after([tag("1"), { "/tags/a": null }, 1_000, "accepted"]);
    expect(isOldAt(gone, tag("1"))).toBe(true);
    expect(isOldAt(gone, {})).toBe(false);
  });

  test("though others have changed it between two writes", () => {
    const between = after(
      [tag("1"), tag("2"), 990, "accepted"],
      [tag("x"), tag("3"), 1_000, "accepted"],
    );
    expect(isOldAt(between, tag("x"))).toBe(true);
    expect(isOldAt(between, tag("2"))).toBe(true);
    expect(isOldAt(between, tag("3"))).toBe(false);
  });

  test("whichever case names the tag", () => {
    const one = after([tag("1"), tag("2"), 990, "unknown"]);
    expect(
      isUncertain(one, showing(tag("1")), { "/tags/A": "1" }, at(1_200)),
    ).toBe(true);
    const back = after(
      [tag("1"), tag("2"), 990, "accepted"],
      [tag("2"), { "/tags/A": "1" }, 1_000, "accepted"],
    );
    expect(isOldAt(back, tag("2"))).toBe(true);
    expect(isOldAt(back, { "/tags/A": "1" })).toBe(false);
  });

  test("in one field, though another is as it was sent", () => {
    const two = after(
      [
        { ...tag("1"), "/tags/b": "1" },
        { ...tag("2"), "/tags/b": "2" },
        990,
        "accepted",
      ],
      [{ ...tag("2"), "/tags/b": "2" }, tag("1"), 1_000, "accepted"],
    );
    expect(isOldAt(two, { ...tag("1"), "/tags/b": "1" })).toBe(true);
    expect(isOldAt(two, { ...tag("1"), "/tags/b": "2" })).toBe(false);
  });
});

describe("a look that shows something which a write alone has set", () => {
  const both = after([
    { ...tag("1"), "/tags/b": "1" },
    { ...tag("2"), "/tags/b": "2" },
    1_000,
    "accepted",
  ]);

  test("is not older than it: what else it shows otherwise, others have changed", () => {
    expect(isOldAt(both, { ...tag("1"), "/tags/b": "1" })).toBe(true);
    expect(isOldAt(both, { ...tag("1"), "/tags/b": "2" })).toBe(false);
    expect(isOldAt(both, { ...tag("1"), "/tags/b": "x" })).toBe(true);
  });

  test("may be older than another that came after", () => {
    const later = after(
      [
        { ...tag("1"), "/tags/b": "1" },
        { ...tag("2"), "/tags/b": "2" },
        990,
        "accepted",
      ],
      [{ ...tag("2"), "/tags/b": "2" }, tag("3"), 1_000, "accepted"],
    );
    expect(isOldAt(later, { ...tag("2"), "/tags/b": "2" })).toBe(true);
    expect(isOldAt(later, { ...tag("3"), "/tags/b": "1" })).toBe(false);
    expect(isOldAt(later, { ...tag("1"), "/tags/b": "2" })).toBe(true);
  });

  test("what was so before tells nothing", () => {
    const again = after(
      [tag("1"), tag("2"), 990, "accepted"],
      [
        { ...tag("2"), "/tags/b": "1" },
        { ...tag("1"), "/tags/b": "2" },
        1_000,
        "accepted",
      ],
    );
    expect(isOldAt(again, { ...tag("1"), "/tags/b": "1" })).toBe(true);
  });
});

describe("a region", () => {
  test("that is taken away is there in an old look, and is told by its name alone", () => {
    const away = after([AT_SOUTH, { [SOUTH]: null }, 1_000, "accepted"]);
    expect(isOldAt(away, AT_SOUTH)).toBe(true);
    expect(isOldAt(away, {})).toBe(false);
  });

  test("that is added is not there in an old look, nor has it what it was given later", () => {
    const added = after([{}, AT_SOUTH, 990, "accepted"]);
    expect(isOldAt(added, {})).toBe(true);
    expect(isOldAt(added, AT_SOUTH)).toBe(false);
    const more = { [`${SOUTH}/regionalReplicaCount`]: 4 };
    const raised = after([AT_SOUTH, more, 1_000, "accepted"]);
    expect(isOldAt(raised, AT_SOUTH)).toBe(true);
    expect(isOldAt(raised, { ...AT_SOUTH, ...more })).toBe(false);
    expect(isOldAt(raised, {})).toBe(false);
  });

  test("that is taken away and added again with less", () => {
    const less = { ...AT_SOUTH, [`${SOUTH}/regionalReplicaCount`]: 1 };
    const had = { ...AT_SOUTH, [`${SOUTH}/excludeFromLatest`]: true };
    const again = after(
      [had, { [SOUTH]: null }, 990, "accepted"],
      [{}, less, 1_000, "accepted"],
    );
    expect(isOldAt(again, had)).toBe(true);
    expect(isOldAt(again, AT_SOUTH)).toBe(true);
    expect(
      isOldAt(again, { ...less, [`${SOUTH}/excludeFromLatest`]: true }),
    ).toBe(true);
    expect(isOldAt(again, {})).toBe(true);
    expect(isOldAt(again, less)).toBe(false);
  });

  test("that is taken away for a repair and added back", () => {
    const back = after(
      [AT_SOUTH, { [SOUTH]: null }, 990, "accepted"],
      [{}, AT_SOUTH, 1_000, "accepted"],
    );
    const isOldOnce = (look: Look, seconds: number, record = back): boolean =>
      isOld(record, look, at(seconds));
    const atRest = showing(AT_SOUTH);
    expect(isOldAt(back, {})).toBe(true);
    // At rest it may be of before both, until no look is as old as that.
    expect(isOldOnce(atRest, 1_599)).toBe(true);
    expect(isOldOnce(atRest, 1_600)).toBe(false);
    const busy = lookOf("Updating", COMPLETED, { changes: AT_SOUTH });
    expect(isOldOnce(busy, 1_010)).toBe(false);
    expect(writesBegun(back, atRest)).toEqual({ writes: back.writes });
    // Azure may say of the whole that it has done, and copy to the region still.
    const copying = lookOf(
      "Succeeded",
      { ...COMPLETED, southcentralus: ["Replicating", 3] },
      { changes: AT_SOUTH },
    );
    expect(isOldOnce(copying, 1_010)).toBe(false);
    expect(
      writesBegun(back, copying).writes?.map(({ begun }) => begun),
    ).toEqual([undefined, true]);
    const begun = { ...back, ...writesBegun(back, busy) };
    expect(isOldOnce(atRest, 1_020, begun)).toBe(false);
    // Failed, it is so either again or still.
    const failed = lookOf(
      "Failed",
      { ...COMPLETED, southcentralus: ["Failed", 0] },
      { changes: AT_SOUTH },
    );
    const before = (seconds: number, look = failed): boolean =>
      mayHaveFailedBefore("southcentralus", begun, look, at(seconds));
    expect(before(1_599)).toBe(true);
    expect(before(1_600)).toBe(false);
    expect(before(1_100, atRest)).toBe(false);
    expect(before(1_100, { ...failed, provisioningState: "Updating" })).toBe(
      false,
    );
    // The rest of what the look shows is not doubted.
    expect(isOldOnce(failed, 1_599, begun)).toBe(false);
  });

  test("that is added back as it was, with a key", () => {
    const keyed = {
      ...AT_SOUTH,
      [`${SOUTH}/encryption/osDiskImage/diskEncryptionSetId`]: "/s",
    };
    const back = after(
      [keyed, { [SOUTH]: null }, 990, "accepted"],
      [{}, keyed, 1_000, "accepted"],
    );
    expect(isOldAt(back, keyed)).toBe(true);
  });
});

describe("a write without an answer", () => {
  const record = after([tag("1"), tag("2"), 1_000, "unknown"]);
  const isUncertainAt = (shown: Patch, seconds: number, wanted = tag("1")) =>
    isUncertain(record, showing(shown), wanted, at(seconds));

  test("may be sent again after twice the time of a PUT", () => {
    expect(isOldAt(record, tag("1"), 1_119)).toBe(true);
    expect(isOldAt(record, tag("1"), 1_120)).toBe(false);
  });

  test("leaves uncertain for ten minutes what it was to change, and nothing else", () => {
    expect(isUncertainAt(tag("1"), 1_119)).toBe(true);
    expect(isUncertainAt(tag("1"), 1_599)).toBe(true);
    expect(isUncertainAt(tag("1"), 1_600)).toBe(false);
    expect(isUncertainAt(tag("2"), 1_130)).toBe(false);
    expect(isUncertainAt(tag("1"), 1_130, { "/tags/b": "1" })).toBe(false);
  });

  test("that is to take away a region leaves that uncertain", () => {
    const away = after([AT_SOUTH, { [SOUTH]: null }, 1_000, "unknown"]);
    expect(isUncertain(away, showing(AT_SOUTH), AT_SOUTH, at(1_130))).toBe(
      true,
    );
    expect(isUncertain(away, showing({}), { [SOUTH]: null }, at(1_130))).toBe(
      false,
    );
  });

  test("that takes back the one before it is told from that by nothing", () => {
    const first = [tag("1"), tag("2"), 990, "accepted"] as const;
    const back = after(first, [tag("2"), tag("1"), 1_000, "unknown"]);
    expect(isOldAt(back, tag("1"), 1_589)).toBe(true);
    expect(isOldAt(back, tag("1"), 1_590)).toBe(false);
    expect(isOldAt(back, tag("2"), 1_119)).toBe(true);
    expect(isOldAt(back, tag("2"), 1_120)).toBe(false);
    const taken = after(first, [tag("2"), tag("1"), 1_000, "accepted"]);
    expect(isOldAt(taken, tag("1"))).toBe(false);
  });

  test("may be done, and need not be shown, for ten minutes", () => {
    const lastAttempt: Attempt = {
      changes: tag("2"),
      regions: [],
      sentTime: time(1_000),
      outcome: "unknown",
    };
    expect(mayBeDone({ lastAttempt }, at(1_599))).toBe(true);
    expect(mayBeDone({ lastAttempt }, at(1_600))).toBe(false);
    const refused = { ...lastAttempt, outcome: "refused" } as const;
    expect(mayBeDone({ lastAttempt: refused }, at(1_001))).toBe(false);
    expect(
      mayBeDone(
        { lastAttempt: { ...refused, before: lastAttempt } },
        at(1_001),
      ),
    ).toBe(true);
    expect(mayBeDone({}, at(1_001))).toBe(false);
  });
});

describe("the writes that are remembered", () => {
  const namesOf = (writes: readonly Write[] | undefined): string[] =>
    (writes ?? []).flatMap(({ changes }) => Object.keys(changes));

  test("are those of the last ten minutes, twenty at most", () => {
    const first = [{}, { "/tags/a": "1" }, 400, "accepted"] as const;
    const next = (seconds: number) =>
      after(first, [{}, { "/tags/b": "1" }, seconds, "accepted"]);
    expect(namesOf(next(999).writes)).toEqual(["/tags/a", "/tags/b"]);
    expect(namesOf(next(1_000).writes)).toEqual(["/tags/b"]);
    const many = Array.from({ length: 21 }, (_, i): Sent => [
      {},
      { [`/tags/t${i}`]: "1" },
      1_000,
      "accepted",
    ]);
    expect(namesOf(after(...many).writes)).toEqual(
      many.slice(1).flatMap(([, changes]) => Object.keys(changes)),
    );
  });

  test("have nothing that Azure does not show, and what was there before", () => {
    const { writes } = after([
      { ...tag("1"), ...AT_SOUTH },
      {
        ...tag("2"),
        [SOUTH]: null,
        [PROMOTION]: { when: "manual" },
        "/tags/b": "1",
      },
      1_000,
      "accepted",
    ]);
    expect(writes).toEqual([
      {
        changes: {
          ...tag("2"),
          [`${SOUTH}/name`]: null,
          [`${SOUTH}/regionalReplicaCount`]: null,
          "/tags/b": "1",
        },
        was: {
          ...tag("1"),
          ...AT_SOUTH,
          "/tags/b": null,
        },
        sentTime: time(1_000),
        acceptedTime: time(1_000),
      },
    ]);
  });

  test("lack one that ARM has refused, and keep the time of an answer", () => {
    const record = after(
      [tag("1"), tag("2"), 990, "accepted"],
      [tag("2"), tag("3"), 1_000, "unknown"],
    );
    const sent = { sentTime: time(1_000) };
    expect(writesAfter(record, sent, "refused").writes).toEqual(
      record.writes?.slice(0, 1),
    );
    expect(writesAfter(record, { sentTime: time(990) }, "refused")).toEqual({
      writes: record.writes,
    });
    expect(writesAfter({}, sent, "refused")).toEqual({});
  });

  test("are none of a version that no look has shown", () => {
    const { observed: _, lastAttempt: __, ...record } = succeeded().record;
    expect(writesWith(record, tag("1"), at(0))).toEqual([]);
  });
});

describe("of two looks, the latest", () => {
  const record = after([tag("1"), tag("2"), 1_000, "accepted"]);

  test("is the one before, where the other is old", () => {
    const shown = { ...record, observed: showing(tag("2")) };
    const old = showing(tag("1"));
    expect(latestOf(shown, old, at(1_010))).toBe(shown.observed);
    expect(latestOf(shown, old, at(1_600))).toBe(old);
    const own = showing(tag("2"));
    expect(latestOf(shown, own, at(1_010))).toBe(own);
    expect(latestOf(shown, undefined, at(1_010))).toBeUndefined();
    expect(latestOf(undefined, old, at(1_010))).toBe(old);
    const { observed: _, ...unseen } = shown;
    expect(latestOf(unseen, old, at(1_010))).toBeUndefined();
  });
});

describe("an attempt that a look shows", () => {
  const attempt = (outcome: Attempt["outcome"]): Attempt => ({
    changes: { [EXCLUDE_FROM_LATEST]: true },
    regions: [],
    sentTime: time(900),
    outcome,
  });
  const shown = showing({ [EXCLUDE_FROM_LATEST]: true });

  test.each(["unknown", "accepted"] as const)("is shown: %s", (outcome) => {
    const lastAttempt = attempt(outcome);
    expect(attemptAfter({ lastAttempt }, shown)).toEqual(attempt("shown"));
    expect(attemptAfter({ lastAttempt }, showing({}))).toBe(lastAttempt);
  });

  test("is the one in force, where the last was refused", () => {
    const before = attempt("accepted");
    const lastAttempt = { ...attempt("refused"), before };
    expect(attemptAfter({ lastAttempt }, shown)).toEqual({
      ...lastAttempt,
      before: attempt("shown"),
    });
    expect(attemptAfter({ lastAttempt }, showing({}))).toBe(lastAttempt);
    const refused = attempt("refused");
    expect(attemptAfter({ lastAttempt: refused }, shown)).toBe(refused);
    const known = { ...refused, before: attempt("shown") };
    expect(attemptAfter({ lastAttempt: known }, shown)).toBe(known);
    expect(attemptAfter({}, shown)).toBeUndefined();
  });
});

test("what a look lacks is told as it was sent, and as it is", () => {
  const look = showing({ "/tags/a": "0", "/tags/c": "3" });
  const changes = { "/tags/a": "1", "/tags/b": "2", "/tags/c": null };
  expect(missingOf({ changes }, look)).toEqual([
    { field: "/tags/a", before: "1", after: "0" },
    { field: "/tags/b", before: "2", after: null },
    { field: "/tags/c", before: undefined, after: "3" },
  ]);
});
