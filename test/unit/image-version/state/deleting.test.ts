import { describe, expect, test } from "vitest";
import {
  enqueue,
  startNext,
} from "../../../../src/image-version/state/batch.js";
import { beginCancel } from "../../../../src/image-version/state/cancel.js";
import {
  beginDelete,
  deleted,
  deleteRefused,
  deleteTaken,
  deletionEnding,
  deletionIn,
  leftUndone,
  unansweredMs,
  withoutDeletion,
} from "../../../../src/image-version/state/deleting.js";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  QueuedRequest,
} from "../../../../src/image-version/state/record.js";
import { isFinal } from "../../../../src/image-version/state/states.js";
import { failure } from "../../../../src/operation/failing.js";
import { sequenceOf } from "../../../../src/operation/records.js";
import { eventMistakes } from "../../events/document.js";
import {
  accepted,
  acceptingOf,
  applied,
  at,
  changeOf,
  creating,
  eventsOf,
  KEY,
  queued,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
} from "../../../support/transitions.js";

const BY = { name: "me" };
const URL = "https://management.azure.com/operations/1";
const DELETION = { kind: "DeleteImageVersion", regions: [] } as const;
const DEMOTION = { kind: "DemoteImageVersion", regions: [] } as const;
const SENT = {
  changes: {},
  regions: [],
  sentTime: time(1),
  outcome: "accepted",
  sentFor: [`${KEY}-1`],
} as const;
const FAILURE = { code: "X", message: "No.", errors: [] };

const withDeletion = (pair: ImageVersionPair, seconds = 40): ImageVersionPair =>
  told(enqueue(pair, acceptingOf(changeOf({}), DELETION), at(seconds)));

const withTag = (pair: ImageVersionPair): ImageVersionPair =>
  told(queued(pair, changeOf({ "/tags/a": "1" }), { regions: ["westus"] }));

const withRecord = (
  pair: ImageVersionPair,
  more: Partial<ImageVersionRecord>,
): ImageVersionPair => ({ ...pair, record: { ...pair.record, ...more } });

const numbers = (ids: readonly { readonly id: string }[]): number[] =>
  ids.map(({ id }) => sequenceOf(id));

const orderOf = ({ record, operation }: ImageVersionPair) => ({
  leader: sequenceOf(operation.id),
  members: numbers(record.members),
  queued: numbers(record.queued.map((one) => one.operation)),
});

const turnIn = (pair: ImageVersionPair): QueuedRequest =>
  deletionIn(pair) ?? expect.fail("no deletion has its turn");

/** The DELETE is on its way. */
const sending = (pair: ImageVersionPair): ImageVersionPair => {
  const waiting = withDeletion(pair);
  return told(beginDelete(waiting, turnIn(waiting), at(41)));
};

const endsIn = ({ beside = [] }: ImageVersionPair) =>
  beside.filter(({ endTime }) => endTime !== undefined);

describe("a deletion that is asked while others run", () => {
  test("goes before all that is queued, and ends nothing of what has begun", () => {
    const demoted = queued(withTag(replicating()), changeOf({}), DEMOTION);
    const after = withDeletion(told(demoted));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [],
      queued: [4, 3, 2],
    });
    expect(after.record.state).toBe("Replicating");
    expect(after.record.dueTime).toBe(time(40));
    expect(endsIn(after)).toEqual([]);
    expect(turnIn(after).operation.id).toBe(`${KEY}-4`);
  });

  test("waits for the answer of a PUT that is under way, whose sender has the next step", () => {
    const before = creating();
    const after = withDeletion(before, 5);
    expect(after.record.step).toBe(before.record.step);
    expect(after.record.dueTime).toBe(before.record.dueTime);
    const refused = withDeletion(
      withRecord(before, {
        lastAttempt: {
          ...(before.record.lastAttempt ?? expect.fail("nothing was sent")),
          outcome: "refused",
        },
      }),
      5,
    );
    expect(refused.record.dueTime).toBe(time(5));
  });

  test("waits for a PUT of an operation that has ended, until that can no longer be under way, and says so", () => {
    const { lastAttempt } = creating().record;
    const before = withRecord(accepted(), {
      ...(lastAttempt && { lastAttempt }),
    });
    const after = withDeletion(before, 40);
    expect(after.record.dueTime).toBe(time(121));
    expect(after.operation.waitReason).toBe(
      "What an earlier operation sent to Azure Resource Manager may still be under way.",
    );
  });

  test("comes after one that has begun, and after one that waits already", () => {
    const first = sending(withTag(replicating()));
    expect(orderOf(withDeletion(first))).toEqual({
      leader: 1,
      members: [3],
      queued: [4, 2],
    });
    expect(orderOf(withDeletion(withDeletion(replicating())))).toMatchObject({
      queued: [2, 3],
    });
    const alone = startNext(
      withRecord(withDeletion(withDeletion(replicating())), {
        state: "Failed",
      }),
      at(50),
    );
    expect(alone.record.state).toBe("DeletionRequested");
    expect(orderOf(withDeletion(alone))).toEqual({
      leader: 2,
      members: [],
      queued: [3, 4],
    });
    expect(withDeletion(alone).record.step).toBe(alone.record.step);
  });
});

describe("invariant 2: while the DELETE is under way the deletion is a member", () => {
  test("of what has begun, and the others go on waiting", () => {
    const waiting = withDeletion(withTag(applied()));
    const after = beginDelete(waiting, turnIn(waiting), at(41));
    expect(orderOf(after)).toEqual({ leader: 1, members: [3], queued: [2] });
    expect(after.record).toMatchObject({
      state: "Deleting",
      dueTime: time(41 + 120),
    });
    expect(after.record.members[0]).toMatchObject({ status: "Running" });
    const message = `Operation ${KEY}-3 is to delete the version: the delete request is sent to Azure Resource Manager.`;
    for (const { history } of [after.operation, ...after.record.members])
      expect(history.at(-1)).toEqual({
        time: time(41),
        state: "Deleting",
        message,
      });
    expect(endsIn(after)).toEqual([]);
    expect(toldOf(after)).toContain("3/deleting");
    expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
    expect(turnIn(after).operation.id).toBe(`${KEY}-3`);
    // Sent again, there is nothing new to say.
    const again = beginDelete(told(after), turnIn(after), at(170));
    expect(orderOf(again)).toEqual(orderOf(after));
    expect(toldOf(again)).toEqual([]);
    expect(again.operation.history).toEqual(after.operation.history);
  });
});

describe("invariant 1: what has begun ends once ARM has taken the DELETE", () => {
  test("in that commit, and what is queued stays", () => {
    const pair = sending(withTag(applied()));
    const after = deleteTaken(pair, turnIn(pair), URL, at(42));
    expect(orderOf(after)).toEqual({ leader: 3, members: [], queued: [2] });
    expect(after.record).toMatchObject({
      state: "Deleting",
      deletionTakenTime: time(42),
      armOperationUrl: URL,
      dueTime: time(42 + 15),
    });
    expect(Object.keys(after.record.requests)).toEqual([`${KEY}-3`]);
    expect(endsIn(after)).toMatchObject([
      {
        id: `${KEY}-1`,
        status: "Failed",
        error: {
          code: "Superseded",
          message: `Operation ${KEY}-3 deletes the version: its regions are no longer followed.`,
        },
      },
    ]);
    expect(toldOf(after)).toContain("1/failed");
    expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
  });

  test("those beside the one that leads end, too, and one that was canceled ends Canceled", () => {
    const canceled = told(
      beginCancel(replicating(), `${KEY}-1`, BY, at(30)) ??
        expect.fail("it ends at once"),
    );
    const pair = sending(canceled);
    const after = deleteTaken(pair, turnIn(pair), undefined, at(42));
    expect(endsIn(after)).toMatchObject([
      { id: `${KEY}-1`, status: "Canceled", canceledBy: BY },
    ]);
    expect(after.record.armOperationUrl).toBeUndefined();
  });

  test("one that was to be excluded from latest is, by the deletion, should Azure not delete it after all", () => {
    const canceled = told(
      beginCancel(replicating(), `${KEY}-1`, BY, at(30)) ?? expect.fail(),
    );
    const pair = sending(canceled);
    const { record } = deleteTaken(pair, turnIn(pair), undefined, at(42));
    const request = record.requests[`${KEY}-2`] ?? expect.fail();
    expect(leftUndone(record, request)).toEqual({
      [EXCLUDE_FROM_LATEST]: true,
    });
  });

  test.each<[string, object, true | undefined]>([
    ["is left with it by a creation that was canceled", { heir: true }, true],
    [
      "is canceled, and has made the version",
      { created: true, decided: { kind: "canceled", by: BY } },
      true,
    ],
    [
      "has failed, and has made the version",
      { created: true, decided: { kind: "failed", ...FAILURE } },
      undefined,
    ],
    ["has made the version", { created: true }, undefined],
    [
      "is canceled, and has changed the version",
      { decided: { kind: "canceled", by: BY } },
      undefined,
    ],
  ])(
    "whether to exclude the version is left to the deletion where one %s: %s",
    (_, more, heir) => {
      const pair = sending(
        withRecord(replicating(), {
          requests: { [`${KEY}-1`]: changeOf({ "/tags/a": "1" }, more) },
        }),
      );
      const { record } = deleteTaken(pair, turnIn(pair), undefined, at(42));
      expect(record.requests).toEqual({
        [`${KEY}-2`]: { ...changeOf({}), ...(heir && { heir }) },
      });
    },
  );

  test("and it is where others beside that one have nothing to do with it", () => {
    const { operation, record } = replicating();
    const other = { ...operation, id: `${KEY}-2` };
    const pair = sending({
      operation,
      record: {
        ...record,
        lastSequence: 2,
        members: [other],
        requests: {
          [operation.id]: changeOf({}, { heir: true }),
          [other.id]: changeOf({ "/tags/a": "1" }),
        },
      },
    });
    const after = deleteTaken(pair, turnIn(pair), undefined, at(42));
    expect(numbers(endsIn(after)).toSorted()).toEqual([1, 2]);
    expect(after.record.requests).toEqual({
      [`${KEY}-3`]: changeOf({}, { heir: true }),
    });
  });

  test.each([
    ["nothing, where all is as it should be", {}, undefined],
    [
      "to add a region back",
      { repairs: { westus: { attempts: 1, removed: {} } } },
      {},
    ],
    [
      "no region that is due to be taken away",
      { repairs: { westus: { attempts: 1 } } },
      undefined,
    ],
    ["to shut the permission to remove regions", { opened: true }, {}],
    [
      "nothing, where there is no version",
      { opened: true, exists: false },
      undefined,
    ],
  ])("what is left to a deletion that is refused is %s", (_, more, left) => {
    const { record } = withRecord(succeeded(), more);
    expect(leftUndone(record, changeOf({}))).toEqual(left);
  });

  test("or once ARM has shown the version gone", () => {
    const pair = sending(replicating());
    const after = deleted(pair, turnIn(pair), "It is gone.", at(90));
    expect(after.record).toMatchObject({ state: "Deleted", exists: false });
    expect(after.record).not.toHaveProperty("observed");
    expect(after.operation).toMatchObject({
      id: `${KEY}-2`,
      status: "Succeeded",
    });
    expect(endsIn(after)).toMatchObject([
      { id: `${KEY}-1`, error: { code: "Superseded" } },
    ]);
    expect(toldOf(after)).toEqual(["1/failed", "2/deleted"]);
  });

  test("and says until when the version can be restored, with its warnings", () => {
    const pair = sending(replicating());
    const turn = turnIn(pair);
    const softDelete = {
      isSoftDeleteEnabled: true,
      hardDeletionTargetTime: time(9_000),
    };
    const warnings = [
      { code: "X", pointer: "", message: "m", severity: "warning" },
    ] as const;
    const end = (more: Partial<QueuedRequest["operation"]>) =>
      deleted(
        pair,
        { ...turn, operation: { ...turn.operation, ...more } },
        "It is gone.",
        at(90),
      );
    const told = end({ softDelete, warnings });
    expect(told.operation).toMatchObject({ softDelete, warnings });
    expect(eventsOf(told).at(-1)?.data).toMatchObject({ softDelete });
    const silent = end({});
    for (const member of ["softDelete", "warnings"])
      expect(silent.operation).not.toHaveProperty(member);
    expect(eventsOf(silent).at(-1)?.data).not.toHaveProperty("softDelete");
  });

  test("of the life that it was asked for", () => {
    const pair = sending(withRecord(replicating(), { publishedDate: time(1) }));
    const turn = turnIn(pair);
    const over = (request: QueuedRequest["request"]) =>
      deleted(pair, { ...turn, request }, "It is gone.", at(90)).record
        .lifeBefore?.publishedDate;
    expect(over(changeOf({}))).toBe(time(1));
    expect(over(changeOf({}, { publishedDate: time(2) }))).toBe(time(2));
  });

  test("and what was queued and canceled ends Canceled", () => {
    const waiting = withTag(replicating());
    const canceled = withRecord(waiting, {
      queued: waiting.record.queued.map((one) => ({
        ...one,
        request: { ...one.request, decided: { kind: "canceled", by: BY } },
      })),
    });
    const pair = sending(canceled);
    const after = deleted(pair, turnIn(pair), "It is gone.", at(90));
    expect(endsIn(after).find(({ id }) => id === `${KEY}-2`)).toMatchObject({
      status: "Canceled",
      canceledBy: BY,
    });
    expect(
      endsIn(after)
        .find(({ id }) => id === `${KEY}-2`)
        ?.history.at(-1)?.message,
    ).toBe("Canceled. It was deleted.");
  });

  test("where the deletion ends otherwise, all goes on", () => {
    const pair = sending(withTag(applied()));
    const deletion = turnIn(pair);
    const ending = failure(deletion.operation, FAILURE, [], at(43));
    const after =
      withoutDeletion(pair, deletion, ending, at(43)) ?? expect.fail();
    expect(orderOf(after)).toEqual({ leader: 1, members: [], queued: [2] });
    expect(after.record).toMatchObject({
      state: "Replicating",
      dueTime: time(43),
      requests: applied().record.requests,
    });
    expect(after.operation).toMatchObject({ status: "Running" });
    expect(after.operation.history.at(-1)?.message).toBe(
      `Operation ${KEY}-3 has ended Failed: operations that had begun before it go on.`,
    );
    expect(toldOf(after)).toEqual(["3/failed"]);
  });

  test.each<[string, ImageVersionRecord["state"], Partial<ImageVersionRecord>]>(
    [
      [
        "was not sent yet",
        "Accepted",
        { lastAttempt: { ...SENT, sentFor: [] } },
      ],
      [
        "was refused",
        "Accepted",
        { lastAttempt: { ...SENT, outcome: "refused" } },
      ],
      ["Azure has taken", "Replicating", { lastAttempt: SENT }],
      [
        "has no answer",
        "Updating",
        { lastAttempt: { ...SENT, outcome: "unknown" } },
      ],
      [
        "has no answer, and makes the version",
        "Creating",
        { exists: false, lastAttempt: { ...SENT, outcome: "unknown" } },
      ],
    ],
  )("what %s goes on from %s", (_, state, more) => {
    const pair = sending(withRecord(replicating(), more));
    const deletion = turnIn(pair);
    const ending = failure(deletion.operation, FAILURE, [], at(43));
    expect(withoutDeletion(pair, deletion, ending, at(43))?.record.state).toBe(
      state,
    );
  });

  test("a deletion that was not sent yet ends in the queue, and the next step is another's", () => {
    const pair = withRecord(withDeletion(replicating()), { ticks: 3 });
    const deletion = turnIn(pair);
    const ending = deletionEnding(deletion.operation, "It is gone.", at(43));
    const after =
      withoutDeletion(pair, deletion, ending, at(43)) ?? expect.fail();
    expect(orderOf(after)).toEqual({ leader: 1, members: [], queued: [] });
    expect(after.record).toMatchObject({
      state: "Replicating",
      ticks: 3,
      step: pair.record.step + 1,
    });
    expect(toldOf(after)).toEqual(["2/deleted"]);
  });

  test("alone, the deletion leaves nothing that could go on", () => {
    const pair = told(
      startNext(
        withRecord(withDeletion(replicating()), { state: "Failed" }),
        at(50),
      ),
    );
    const deletion = turnIn(pair);
    const ending = failure(deletion.operation, FAILURE, [], at(51));
    expect(withoutDeletion(pair, deletion, ending, at(51))).toBeUndefined();
  });

  test("canceled while its answer is out, it waits for that, and so does all that has begun", () => {
    const after =
      beginCancel(sending(replicating()), `${KEY}-2`, BY, at(60)) ??
      expect.fail();
    expect(orderOf(after)).toEqual({ leader: 1, members: [2], queued: [] });
    expect(after.record).toMatchObject({
      state: "Deleting",
      requests: { [`${KEY}-2`]: { decided: { kind: "canceled", by: BY } } },
    });
    expect(endsIn(after)).toEqual([]);
    expect(after.record.members[0]?.history.at(-1)?.message).toContain(
      "Azure may carry out one that was sent",
    );
  });

  test("a DELETE without an answer may be carried out for a while, and one that was refused may not", () => {
    const { pace } = at(0);
    const sent = sending(replicating());
    expect(unansweredMs(sent.record, at(42))).toBe(pace.staleMs - 1_000);
    const again = beginDelete(sent, turnIn(sent), at(100));
    expect(unansweredMs(again.record, at(100))).toBe(pace.staleMs);
    const refused = deleteRefused(again);
    expect(unansweredMs(refused.record, at(100))).toBe(pace.staleMs - 59_000);
    expect(unansweredMs(deleteRefused(refused).record, at(100))).toBe(0);
    const taken = deleteTaken(again, turnIn(again), URL, at(101));
    expect(unansweredMs(taken.record, at(101))).toBe(0);
  });

  test("what is canceled while the answer is out waits for it", () => {
    const after =
      beginCancel(sending(replicating()), `${KEY}-1`, BY, at(60)) ??
      expect.fail("it ends at once");
    expect(isFinal(after.record.state)).toBe(false);
    expect(after.record.requests[`${KEY}-1`]?.decided).toMatchObject({
      kind: "canceled",
    });
  });
});

test("what was asked of the life that is deleted ends with it; what was asked of another begins", () => {
  const life = (publishedDate: string) =>
    changeOf({ "/tags/a": "1" }, { publishedDate });
  const all = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"].reduce(
    (pair, publishedDate) => told(queued(pair, life(publishedDate))),
    withRecord(withTag(replicating()), {
      publishedDate: "2026-01-01T00:00:00Z",
    }),
  );
  const pair = sending(all);
  const after = deleted(pair, turnIn(pair), "It is gone.", at(90));
  expect(orderOf(after)).toEqual({ leader: 5, members: [], queued: [4] });
  const gone = endsIn(after).filter(
    ({ error }) => error?.code === "ImageVersionGone",
  );
  expect(numbers(gone)).toEqual([2, 3]);
  expect(gone[0]?.error?.message).toContain("If-None-Match: *");
  const next = startNext(told(after), at(91));
  expect(next.operation).toMatchObject({
    id: `${KEY}-4`,
    status: "NotStarted",
  });
  expect(next.record.exists).toBe(false);
});

test("a DELETE that is sent again says why, and is tried more and more seldom", () => {
  const pair = sending(replicating());
  const taken = told(deleteTaken(pair, turnIn(pair), URL, at(42)));
  expect(taken.operation.waitReason).toContain("has accepted");
  const again = beginDelete(taken, turnIn(taken), at(700));
  expect(again.operation.waitReason).toContain("sent again");
  const twice = deleteTaken(told(again), turnIn(again), URL, at(701));
  expect(twice.record.dueTime).toBe(time(701 + 30));
});

test("no deletion has its turn where none is asked, or all is over", () => {
  expect(deletionIn(replicating())).toBeUndefined();
  expect(deletionIn(succeeded())).toBeUndefined();
  expect(deletionIn(withTag(replicating()))).toBeUndefined();
});
