/** Of several requests one is canceled. */
import { describe, expect, test } from "vitest";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import { formBatch } from "../../../../src/image-version/state/batch.js";
import { beginCancel } from "../../../../src/image-version/state/cancel.js";
import {
  batchOf,
  type ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  creating,
  KEY,
  lookOf,
  REPLICATING,
  replicating,
  step,
  succeeded,
  time,
  told,
  toldOf,
  withRecord,
} from "../../../support/transitions.js";
import { EAST, BY, tag, withQueued, cancel, orderOf } from "./queued.js";

describe("one that is canceled", () => {
  test("before anything is sent ends at once", () => {
    const after = cancel(told(accepted()), 1);
    expect(after?.operation).toMatchObject({
      status: "Canceled",
      canceledBy: BY,
    });
    expect(after?.record).toMatchObject({ state: "Canceled", requests: {} });
  });

  test.each([
    ["whose create request is on its way", creating()],
    ["that ARM makes", replicating()],
    ["whose regions replicate", applied()],
  ])("%s ends once the version is excluded from latest", (_, pair) => {
    const after = cancel(pair, 1) ?? expect.fail("it ends at once");
    expect(after.operation).toMatchObject({
      status: "Running",
      canceledBy: BY,
    });
    expect(after.operation.history.at(-1)?.state).toBe("Canceling");
    expect(batchOf(after.record)).toMatchObject([
      [
        `${KEY}-1`,
        {
          changes: { [EXCLUDE_FROM_LATEST]: true },
          creates: false,
          decided: { kind: "canceled", by: BY },
        },
      ],
    ]);
    // Canceled again, it is the same.
    expect(cancel(after, 1)).toBe(after);
    const excluded = { [EXCLUDE_FROM_LATEST]: true };
    const sent = step(
      told(after),
      lookOf("Succeeded", REPLICATING, { seconds: 800 }),
      at(800),
    );
    expect(sent.put?.changes).toEqual(excluded);
    const ended = step(
      told(sent.pair),
      lookOf("Succeeded", REPLICATING, { changes: excluded, seconds: 900 }),
      at(900),
    ).pair;
    expect(ended.operation.status).toBe("Canceled");
    expect(toldOf(ended)).toEqual(
      expect.arrayContaining(["1/canceled"]) as unknown,
    );
  });

  test("whose PUT comes to nothing has made nothing to exclude", () => {
    const after = cancel(creating(), 1) ?? expect.fail("it ends at once");
    // Looks may be older than the PUT: for so long nothing says that it has come to nothing.
    const waits = told(step(told(after), undefined, at(500)).pair);
    expect(waits.operation.status).toBe("Running");
    const ended = step(waits, undefined, at(602)).pair;
    expect(ended.operation.status).toBe("Canceled");
  });

  test("before ARM has taken anything has made nothing to exclude", () => {
    const refused = withRecord(creating(), {
      lastAttempt: { ...creating().record.lastAttempt!, outcome: "refused" },
    });
    expect(cancel(refused, 1)?.operation.status).toBe("Canceled");
  });

  test.each<[string, Partial<ImageVersionRecord>, string]>([
    ["nothing", {}, "Canceled"],
    [
      "a repair that is over",
      { repairs: { eastus2: { attempts: 1 } } },
      "Canceled",
    ],
    [
      "a region that is away",
      {
        repairs: {
          eastus2: { attempts: 1 },
          westus: { attempts: 0, removed: {} },
        },
      },
      "Running",
    ],
    ["the permission to remove regions", { opened: true }, "Running"],
  ])(
    "that has changed a version that was there, and leaves %s",
    (_, more, status) => {
      const pair = withRecord(applied(), {
        requests: { [`${KEY}-1`]: changeOf({}, { appliedTime: time(10) }) },
        ...more,
      });
      const after = cancel(pair, 1);
      expect(after?.operation.status).toBe(status);
      if (status === "Running")
        expect(after?.operation.history.at(-1)?.message).toMatch(
          /^Canceled: it ends once Azure has finished what was sent/u,
        );
    },
  );

  test("in the midst of a repair ends once the region is added back", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const update = withRecord(applied(), {
      requests: { [`${KEY}-1`]: changeOf({}, { appliedTime: time(10) }) },
      repairs: { eastus2: { attempts: 0, removed } },
      opened: true,
    });
    const after = cancel(update, 1) ?? expect.fail("it ends at once");
    const { put } = step(
      told(after),
      lookOf(
        "Succeeded",
        { westus: ["Completed", 100] },
        { changes: { [EAST]: null }, seconds: 800 },
      ),
      at(800),
    );
    expect(put).toMatchObject({ addsBack: ["eastus2"], changes: removed });
  });

  test("beside others ends at once, and what it asks is wanted no more", () => {
    const pair = told(
      formBatch(withQueued(told(accepted()), tag("a"), tag("b")), at(6)),
    );
    const member = cancel(pair, 2) ?? expect.fail("it is not open");
    expect(orderOf(member)).toEqual({
      leader: 1,
      members: [3],
      queued: [],
      batch: [1, 3],
    });
    expect(toldOf(member)).toEqual(["2/canceled"]);
    const leader = cancel(told(member), 1) ?? expect.fail("it is not open");
    expect(orderOf(leader)).toEqual({
      leader: 3,
      members: [],
      queued: [],
      batch: [3],
    });
  });

  test("that is queued ends at once, and one that has ended stays as it is", () => {
    const after = cancel(withQueued(replicating(), tag("a")), 2);
    expect(after && orderOf(after)).toMatchObject({ leader: 1, queued: [] });
    expect(after && toldOf(after)).toEqual(["2/canceled"]);
    expect(cancel(succeeded(), 1)).toBeUndefined();
  });

  test("that was to include what a canceled creation has made keeps its turn, to exclude it", () => {
    const including = changeOf({ [EXCLUDE_FROM_LATEST]: false });
    const pair = withQueued(replicating(), tag("a"), including);
    const left = cancel(pair, 1) ?? expect.fail();
    expect(left.operation).toMatchObject({
      id: `${KEY}-1`,
      status: "Canceled",
    });
    expect(left.record.queued[1]?.request.heir).toBe(true);
    const kept = cancel(pair, 1)?.record;
    const after =
      beginCancel(
        told(withRecord(pair, { queued: kept?.queued ?? [] })),
        `${KEY}-3`,
        BY,
        at(60),
      ) ?? expect.fail();
    expect(orderOf(after)).toMatchObject({ leader: 1, queued: [2, 3] });
    expect(after.record.queued[1]).toMatchObject({
      operation: {
        status: "NotStarted",
        canceledBy: BY,
        history: [{}, { time: time(60), state: "Canceling" }],
      },
      request: {
        changes: { [EXCLUDE_FROM_LATEST]: true },
        decided: { kind: "canceled", by: BY },
      },
    });
    expect(after.beside).toEqual([after.record.queued[1]?.operation]);
    // Once more, it is canceled already.
    expect(beginCancel(after, `${KEY}-3`, BY, at(61))).toBe(after);
  });
});
