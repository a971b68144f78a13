/** What goes before all that is queued. */
import { describe, expect, test } from "vitest";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  beginNext,
  enqueue,
  startNext,
} from "../../../../src/image-version/state/batch.js";
import { latch } from "../../../../src/image-version/state/ends.js";
import type { VersionRequest } from "../../../../src/image-version/state/record.js";
import { ruleInForce } from "../../../../src/image-version/state/wanted.js";
import { eventMistakes } from "../../events/document.js";
import {
  acceptingOf,
  applied,
  at,
  changeOf,
  eventsOf,
  KEY,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
  withRecord,
} from "../../../support/transitions.js";
import { tag, withQueued, cancel, orderOf } from "./queued.js";

const DEMOTION = { kind: "DemoteImageVersion", regions: [] } as const;

describe("invariant 4: demotions and deletions go before everything that is queued", () => {
  const demotion = changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true });

  const promotionOf = (): VersionRequest =>
    changeOf({ [EXCLUDE_FROM_LATEST]: false }, { byHand: true });

  test("a demotion in the order in which they come", () => {
    const pair = withQueued(
      replicating(),
      tag("a"),
      [demotion, DEMOTION],
      tag("b"),
      [demotion, DEMOTION],
    );
    expect(orderOf(pair).queued).toEqual([3, 5, 2, 4]);
  });

  test("a demotion ends what is queued before it and contradicts it, and nothing else, once Azure shows it", () => {
    const waiting = withQueued(
      succeeded(),
      tag("a"),
      [promotionOf(), { kind: "PromoteImageVersion", regions: [] }],
      [demotion, DEMOTION],
      [promotionOf(), { kind: "PromoteImageVersion", regions: [] }],
    );
    expect(orderOf(waiting).queued).toEqual([4, 2, 3, 5]);
    const begun = told(startNext(waiting, at(20)));
    const after = latch(begun, at(30));
    expect(orderOf(after).queued).toEqual([5]);
    const ended = after.beside?.filter(({ endTime }) => endTime !== undefined);
    expect(ended).toMatchObject([
      {
        id: `${KEY}-3`,
        status: "Failed",
        error: {
          code: "Superseded",
          message: `Operation ${KEY}-4, accepted later, excludes the version from latest: nothing of this request is carried out. What else it asks for can be sent again.`,
        },
      },
    ]);
    expect(toldOf(after)).toEqual(["3/failed"]);
    expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
  });

  test("and begins in the place of what has begun, if nothing of that was sent", () => {
    const promoting = told(
      startNext(
        withQueued(succeeded(), [
          promotionOf(),
          { kind: "PromoteImageVersion", regions: [] },
        ]),
        at(20),
      ),
    );
    expect(promoting.record.state).toBe("Accepted");
    const after = enqueue(promoting, acceptingOf(demotion, DEMOTION), at(30));
    expect(orderOf(after)).toEqual({
      leader: 3,
      members: [],
      queued: [2],
      batch: [3],
    });
    expect(after.record).toMatchObject({ sequence: 3, state: "Accepted" });
    expect(after.beside?.map(({ id, status }) => [id, status])).toEqual([
      [`${KEY}-2`, "NotStarted"],
    ]);
    expect(after.record.queued[0]?.operation.history.at(-1)?.message).toBe(
      `It is queued again, behind the demotion ${KEY}-3.`,
    );
    expect(toldOf(after)).toEqual(["3/accepted"]);
    const shown = latch(told(after), at(40));
    expect(orderOf(shown).queued).toEqual([]);
    expect(toldOf(shown)).toEqual(["2/failed"]);
    // Canceled before that, it changes nothing.
    const canceled = cancel(told(after), 3) ?? expect.fail();
    expect(orderOf(startNext(told(canceled), at(60)))).toMatchObject({
      leader: 2,
      queued: [],
    });
  });

  test("beside those who watch their regions: they lead on, and what else is queued keeps its place", () => {
    const promoted = told(
      beginNext(
        withQueued(applied(), [
          promotionOf(),
          {
            kind: "PromoteImageVersion",
            regions: ["westeurope"],
          },
        ]),
        at(20),
      ),
    );
    const region = (name: string, attempts: number) => ({
      ...(promoted.record.regions[0] ?? expect.fail()),
      name,
      attempts,
    });
    const watching = withQueued(
      withRecord(promoted, {
        regions: [
          region("westus", 0),
          region("eastus2", 1),
          region("westeurope", 0),
        ],
      }),
      tag("a"),
    );
    const after = enqueue(watching, acceptingOf(demotion, DEMOTION), at(30));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [4],
      queued: [2, 3],
      batch: [4],
    });
    expect(after.record.members[0]?.history.at(-1)).toMatchObject({
      state: "Accepted",
      message: "It begins.",
    });
    // It says nothing to whoever leads.
    expect(after.operation.history).toEqual(watching.operation.history);
    // A region that the promotion alone has asked for, and that was never sent, is followed no more.
    expect(after.record.regions.map(({ name }) => name)).toEqual([
      "westus",
      "eastus2",
    ]);
    expect(after.beside?.map(({ id }) => id).toSorted()).toEqual([
      `${KEY}-2`,
      `${KEY}-3`,
      `${KEY}-4`,
    ]);
  });

  test("what a decided end would take back is not sent: the demotion says otherwise", () => {
    const promoting = told(
      startNext(
        withQueued(succeeded(), [
          promotionOf(),
          { kind: "PromoteImageVersion", regions: [] },
        ]),
        at(20),
      ),
    );
    const { id } = promoting.operation;
    const decided = { kind: "canceled", by: { name: "me" } } as const;
    const ending = withRecord(promoting, {
      requests: {
        [id]: { ...promotionOf(), decided },
        other: tag("a"),
      },
      dueTime: time(100),
    });
    const after = enqueue(ending, acceptingOf(demotion, DEMOTION), at(30));
    expect(orderOf(after)).toMatchObject({ leader: 2, queued: [3] });
    expect(after.record.requests).toEqual({
      [id]: { ...promotionOf(), decided, changes: {} },
      other: tag("a"),
    });
    expect(after.record.dueTime).toBe(time(30));
  });

  test("and not one that may be on its way to Azure: the demotion is done after it", () => {
    const promoting = told(
      startNext(
        withQueued(succeeded(), [
          promotionOf(),
          { kind: "PromoteImageVersion", regions: [] },
        ]),
        at(20),
      ),
    );
    const sent = withRecord(promoting, {
      state: "Updating",
      lastAttempt: {
        changes: { [EXCLUDE_FROM_LATEST]: false },
        regions: [],
        sentTime: time(21),
        outcome: "unknown",
        sentFor: [`${KEY}-2`],
      },
    });
    const after = enqueue(sent, acceptingOf(demotion, DEMOTION), at(30));
    expect(after.operation.status).not.toBe("Failed");
    expect(orderOf(after)).toMatchObject({ leader: 2, queued: [3] });
  });

  test("a promotion goes behind a demotion: both are done, in this order", () => {
    const pair = withQueued(
      replicating(),
      [demotion, DEMOTION],
      [
        changeOf({ [EXCLUDE_FROM_LATEST]: false }, { byHand: true }),
        { kind: "PromoteImageVersion", regions: [] },
      ],
    );
    expect(orderOf(pair).queued).toEqual([2, 3]);
  });

  test("what a request before a demotion repeats, and its rule, do not include the version again", () => {
    const rule = { when: "allRegionsReady" } as const;
    const earlier = changeOf(
      { "/tags/a": "1", [PROMOTION]: rule },
      { repeats: { [EXCLUDE_FROM_LATEST]: false, "/tags/b": "1" } },
    );
    const alone = { ...earlier, alone: true };
    const waiting = withQueued(succeeded(), alone, [demotion, DEMOTION]);
    const after = latch(told(startNext(waiting, at(20))), at(30));
    const [{ request } = { request: earlier }] = after.record.queued;
    expect(request.repeats).toEqual({ "/tags/b": "1" });
    const begun = startNext(withRecord(after, { state: "Succeeded" }), at(40));
    expect(ruleInForce(begun.record)).toBeUndefined();
    const { record } = latch(told(begun), at(50));
    expect(record.overriddenRule).toEqual(rule);
    expect(ruleInForce(record)).toBeUndefined();
  });
});
