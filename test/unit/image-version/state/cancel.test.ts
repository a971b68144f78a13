import { describe, expect, test } from "vitest";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import { enqueue } from "../../../../src/image-version/state/batch.js";
import { beginCancel } from "../../../../src/image-version/state/cancel.js";
import {
  beginDelete,
  deleteTaken,
  deletionIn,
} from "../../../../src/image-version/state/deleting.js";
import type {
  Attempt,
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { DELETE_SENT } from "../../../../src/image-version/state/states.js";
import {
  accepted,
  acceptingOf,
  at,
  changeOf,
  eventsOf,
  KEY,
  putOf,
  queued,
  replicating,
  succeeded,
  time,
  told,
  withRecord,
} from "../../../support/transitions.js";
import { managedImageRequest } from "../../../support/requests.js";

const BY = { name: "me" };
const ID = `${KEY}-1`;
const INCLUDES = changeOf({ [EXCLUDE_FROM_LATEST]: false });

const cancel = (pair: ImageVersionPair, id = ID): ImageVersionPair =>
  beginCancel(pair, id, BY, at(60)) ?? expect.fail("nothing is canceled");

/** An update of a version that is there, with what was sent last. */
function updating(
  lastAttempt: Partial<Attempt> | undefined,
  more: Partial<ImageVersionRecord> = {},
  request: Partial<VersionRequest> = {},
): ImageVersionPair {
  const { lastAttempt: _, ...record } = succeeded().record;
  return {
    operation: { ...accepted().operation, status: "Running" },
    record: {
      ...record,
      state: "Updating",
      requests: { [ID]: changeOf({ "/tags/a": "1" }, request) },
      ...(lastAttempt && {
        lastAttempt: {
          changes: { "/tags/a": "1" },
          regions: [],
          sentTime: time(50),
          outcome: "accepted",
          sentFor: [ID],
          ...lastAttempt,
        },
      }),
      ...more,
    },
  };
}

const MEMBERS = [{ ...accepted().operation, id: `${KEY}-2` }];
const consequence = (pair: ImageVersionPair): unknown =>
  eventsOf(told(pair) && cancel(pair)).at(-1)?.data;

describe("what a cancel says of Azure", () => {
  test.each([
    ["nothing was sent", undefined, {}, {}, "Nothing was sent"],
    ["another's was sent", { sentFor: ["x"] }, {}, {}, "Nothing was sent"],
    [
      "it was refused",
      { outcome: "refused" },
      {},
      { sent: true },
      "Azure has refused",
    ],
    [
      "it has no answer",
      { outcome: "unknown" },
      {},
      {},
      "The update is on its way",
    ],
    [
      "it has no answer, beside others",
      { outcome: "unknown" },
      { members: MEMBERS },
      {},
      "for it and for other operations has no answer yet",
    ],
    [
      "it was taken, beside others",
      {},
      { members: MEMBERS },
      {},
      "Azure receives, or has received",
    ],
    [
      "it is applied",
      { sentFor: [] },
      {},
      { appliedTime: time(5) },
      "Azure goes on replicating",
    ],
    ["Azure has taken it", {}, {}, {}, "Azure goes on replicating"],
    [
      "it is applied, beside others",
      {},
      { members: MEMBERS },
      { appliedTime: time(5) },
      "Azure receives, or has received",
    ],
  ] as const)("where %s", (_, attempt, more, request, says) => {
    expect(consequence(updating(attempt, more, request))).toMatchObject({
      consequence: expect.stringContaining(says) as string,
    });
  });

  test("where release 0.1.0 has sent it", () => {
    const pair = updating({});
    const { sentFor: _, ...attempt } = pair.record.lastAttempt ?? expect.fail();
    expect(
      consequence(withRecord(pair, { lastAttempt: attempt })),
    ).toMatchObject({
      consequence: expect.stringContaining(
        "The update is on its way",
      ) as string,
    });
  });

  test("of one that is queued", () => {
    const pair = told(queued(replicating(), changeOf({ "/tags/a": "1" })));
    expect(eventsOf(cancel(pair, `${KEY}-2`)).at(-1)?.data).toMatchObject({
      consequence: expect.stringContaining("It was queued") as string,
    });
  });
});

describe("what is left undone", () => {
  test("asks nothing more, and is canceled for its own caller alone", () => {
    const after = cancel(withRecord(replicating(), { members: MEMBERS }));
    expect(after.record.requests[ID]).toMatchObject({
      changes: { [EXCLUDE_FROM_LATEST]: true },
      repeats: {},
      creates: false,
      byHand: true,
      retries: [],
    });
    expect(after.operation.canceledBy).toEqual(BY);
    expect(after.record.members[0]).not.toHaveProperty("canceledBy");
  });

  test("is nothing of an update beside others, whatever a repair has taken away", () => {
    const away = { repairs: { eastus2: { attempts: 1, removed: {} } } };
    expect(
      cancel(updating({}, away)).record.requests[ID]?.decided,
    ).toBeDefined();
    const ended = cancel(updating({}, { ...away, members: MEMBERS }));
    expect(ended.record.requests).not.toHaveProperty(ID);
    const waiting = told(
      queued(updating({}, away), changeOf({ "/tags/b": "1" })),
    );
    expect(cancel(waiting, `${KEY}-2`).record.queued).toEqual([]);
  });

  test("of an update is left to no other that says that the version shall be in latest", () => {
    const pair = told(queued(updating({}, { opened: true }), INCLUDES));
    const { requests, queued: waiting } = cancel(pair).record;
    expect(requests[ID]).toMatchObject({
      changes: {},
      decided: { kind: "canceled", by: BY },
    });
    expect(waiting[0]?.request).not.toHaveProperty("heir");
  });

  test("is nothing where all is over, or nobody knows the operation", () => {
    expect(beginCancel(succeeded(), ID, BY, at(60))).toBeUndefined();
    expect(beginCancel(replicating(), `${KEY}-9`, BY, at(60))).toBeUndefined();
  });
});

describe("a deletion that is canceled", () => {
  const DELETION_ID = `${KEY}-2`;

  const toBeDeleted = (): ImageVersionPair =>
    told(
      enqueue(
        replicating(),
        acceptingOf(changeOf({}), { kind: "DeleteImageVersion", regions: [] }),
        at(40),
      ),
    );

  /** Azure has taken the DELETE, and what had begun before it has ended. */
  function deleting(
    request: Partial<VersionRequest>,
    more: Partial<ImageVersionRecord> = {},
  ): ImageVersionPair {
    const waiting = toBeDeleted();
    const turn = deletionIn(waiting) ?? expect.fail("it has no turn");
    const sent = told(beginDelete(waiting, turn, at(41)));
    const taken = told(deleteTaken(sent, turn, undefined, at(42)));
    return withRecord(taken, {
      requests: { [DELETION_ID]: changeOf({}, request) },
      ...more,
    });
  }

  test("before it was sent deletes nothing, and says so", () => {
    const after = cancel(toBeDeleted(), DELETION_ID);
    expect(after.record).toMatchObject({ state: "Replicating", queued: [] });
    expect(eventsOf(after).map(({ data }) => data)).toMatchObject([
      { consequence: "Nothing was deleted, and nothing will be." },
    ]);
  });

  test("once it was sent is followed until it is known what came of it, and asks what it asked", () => {
    const before = deleting({ heir: true }, { opened: true });
    const after = cancel(before, DELETION_ID);
    expect(after.record).toMatchObject({
      state: "Deleting",
      dueTime: time(60),
      deletionTakenTime: time(42),
      requests: {
        [DELETION_ID]: {
          changes: {},
          heir: true,
          decided: { kind: "canceled", by: BY },
        },
      },
    });
    expect(after.operation).toMatchObject({
      id: DELETION_ID,
      status: "Running",
      canceledBy: BY,
    });
    expect(after.operation.history.at(-1)).toEqual({
      time: time(60),
      state: "Canceling",
      message: `Canceled. ${DELETE_SENT}`,
    });
    expect(cancel(told(after), DELETION_ID)).toEqual(told(after));
  });

  test("has no end to wait for where it was not sent", () => {
    const unsent = deleting(
      { heir: true },
      { state: "DeletionRequested", opened: true },
    );
    expect(beginCancel(unsent, DELETION_ID, BY, at(60))).toBeUndefined();
  });
});

describe("a creation that is canceled where another says that the version shall be in latest", () => {
  const words = managedImageRequest();
  words.properties.publishingProfile = {
    ...words.properties.publishingProfile,
    excludeFromLatest: false,
  };

  test.each([
    ["changes that", INCLUDES, true],
    [
      "says that again, in words",
      changeOf({}, { body: words, creates: true }),
      true,
    ],
    ["changes something else", changeOf({}, { body: words }), false],
    ["says nothing of it", putOf(managedImageRequest()), false],
    [
      "has no profile",
      changeOf({}, { body: { properties: {} } as never, creates: true }),
      false,
    ],
    ["excludes it", changeOf({ [EXCLUDE_FROM_LATEST]: true }), false],
  ])("ends at once where one that is queued %s: %s", (_, request, ends) => {
    const others = queued(replicating(), changeOf({ "/tags/a": "1" }));
    const after = cancel(told(queued(told(others), request)));
    const [one, heir] = after.record.queued;
    expect(after.operation.status === "Canceled").toBe(ends);
    expect(heir?.request.heir).toBe(ends ? true : undefined);
    expect(one?.request).not.toHaveProperty("heir");
  });

  test("leaves it to one that has begun, and to another after that", () => {
    const begun = withRecord(replicating(), {
      lastSequence: 2,
      members: MEMBERS,
      requests: {
        ...replicating().record.requests,
        [`${KEY}-2`]: INCLUDES,
      },
    });
    const left = told(cancel(begun));
    expect(left.record.requests).toMatchObject({
      [`${KEY}-2`]: { heir: true },
    });
    expect(Object.keys(left.record.requests)).toEqual([`${KEY}-2`]);
    const second = told(queued(left, INCLUDES));
    const after = cancel(second, `${KEY}-2`);
    expect(after.record.queued[0]?.request.heir).toBe(true);
    const alone = cancel(left, `${KEY}-2`);
    expect(alone.record.requests[`${KEY}-2`]).toMatchObject({
      changes: { [EXCLUDE_FROM_LATEST]: true },
      decided: { kind: "canceled" },
    });
  });
});
