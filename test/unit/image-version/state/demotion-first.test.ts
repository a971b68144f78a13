/** A demotion goes before what has begun, contradicts it, and was refused. */
import { describe, expect, test } from "vitest";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import type { Accepting } from "../../../../src/image-version/state/accepting.js";
import {
  demotionFirst,
  startNext,
} from "../../../../src/image-version/state/batch.js";
import {
  beginDelete,
  deletionIn,
} from "../../../../src/image-version/state/deleting.js";
import {
  batchOf,
  type Attempt,
  type ImageVersionPair,
  type VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { sequenceOf } from "../../../../src/operation/records.js";
import {
  accepted,
  at,
  changeOf,
  KEY,
  queued,
  succeeded,
  time,
  told,
} from "../../../support/transitions.js";

type Behind = readonly [VersionRequest, Partial<Accepting>];

const byHand = (
  excludeFromLatest: boolean,
  kind: Accepting["kind"],
): Behind => [
  changeOf({ [EXCLUDE_FROM_LATEST]: excludeFromLatest }, { byHand: true }),
  { kind, regions: [] },
];
const DEMOTION = byHand(true, "DemoteImageVersion");
const PROMOTION = byHand(false, "PromoteImageVersion");
const DELETION: Behind = [
  changeOf({}),
  { kind: "DeleteImageVersion", regions: [] },
];
const TAG: Behind = [changeOf({ "/tags/a": "1" }), { regions: [] }];

const withQueued = (
  pair: ImageVersionPair,
  ...all: readonly Behind[]
): ImageVersionPair =>
  all.reduce<ImageVersionPair>(
    (before, [request, more]) => told(queued(before, request, more)),
    pair,
  );

/** A promotion was sent, with that outcome, and these came while it was under way. */
function sent(
  outcome: Attempt["outcome"],
  ...behind: readonly Behind[]
): ImageVersionPair {
  const begun = told(startNext(withQueued(succeeded(), PROMOTION), at(20)));
  const attempt = (as: Attempt["outcome"]): Attempt => ({
    changes: { [EXCLUDE_FROM_LATEST]: false },
    regions: [],
    sentTime: time(21),
    outcome: as,
    sentFor: [`${KEY}-2`],
  });
  const underWay = withQueued(
    {
      ...begun,
      record: {
        ...begun.record,
        state: "Updating",
        lastAttempt: attempt("unknown"),
      },
    },
    ...behind,
  );
  return {
    ...underWay,
    record: { ...underWay.record, lastAttempt: attempt(outcome) },
  };
}

/** Numbers of the operations. */
const orderOf = ({ record, operation }: ImageVersionPair) => ({
  leader: sequenceOf(operation.id),
  members: record.members.map(({ id }) => sequenceOf(id)),
  queued: record.queued.map((one) => sequenceOf(one.operation.id)),
  batch: batchOf(record).map(([id]) => sequenceOf(id)),
});

describe("a demotion goes before what Azure has refused since it came", () => {
  test("which is queued behind it", () => {
    const pair = sent("refused", DEMOTION);
    expect(orderOf(pair)).toMatchObject({ leader: 2, queued: [3] });
    const after = demotionFirst(pair, at(30)) ?? expect.fail("it is not");
    expect(orderOf(after)).toEqual({
      leader: 3,
      members: [],
      queued: [2],
      batch: [3],
    });
    expect(after.record.state).toBe("Accepted");
    expect(after.record.queued[0]?.operation.history.at(-1)).toEqual({
      time: time(30),
      state: "Accepted",
      message: `It is queued again, behind the demotion ${KEY}-3.`,
    });
  });

  test.each<[string, Attempt["outcome"], Behind[]]>([
    ["it may be on its way", "unknown", [DEMOTION]],
    ["Azure has accepted it", "accepted", [DEMOTION]],
    ["nobody is queued", "refused", []],
    ["something else is queued", "refused", [TAG]],
    ["a deletion goes before both", "refused", [DEMOTION, DELETION]],
  ])("but not where %s", (_, outcome, behind) => {
    expect(demotionFirst(sent(outcome, ...behind), at(30))).toBeUndefined();
  });

  test("nor what does not contradict it", () => {
    const pair = withQueued(told(accepted()), DEMOTION);
    expect(orderOf(pair)).toMatchObject({ leader: 1, queued: [2] });
    expect(demotionFirst(pair, at(30))).toBeUndefined();
  });

  test("while a DELETE is under way all stays as it is", () => {
    const asked = sent("refused", DELETION);
    const turn = deletionIn(asked) ?? expect.fail("it has no turn");
    const deleting = told(beginDelete(asked, turn, at(25)));
    const pair = withQueued(deleting, DEMOTION);
    expect(orderOf(pair)).toMatchObject({
      leader: 2,
      members: [3],
      queued: [4],
    });
    expect(pair.record.state).toBe("Deleting");
    expect(demotionFirst(pair, at(30))).toBeUndefined();
  });
});
