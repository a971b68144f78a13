import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  beginNext,
  dissolveBatch,
  endBeside,
  enqueue,
  formBatch,
  mayBegin,
  startNext,
} from "../../../../src/image-version/state/batch.js";
import { beginCancel } from "../../../../src/image-version/state/cancel.js";
import { latch } from "../../../../src/image-version/state/ends.js";
import {
  batchOf,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "../../../../src/image-version/state/record.js";
import type { Accepting } from "../../../../src/image-version/state/accepting.js";
import { ruleInForce } from "../../../../src/image-version/state/wanted.js";
import { endBatch } from "../../../../src/image-version/steps/end-batch.js";
import { advance } from "../../../../src/operation/advance.js";
import { sequenceOf } from "../../../../src/operation/records.js";
import { eventMistakes } from "../../events/document.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  acceptingOf,
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  eventsOf,
  KEY,
  lookOf,
  queued,
  REPLICATING,
  replicating,
  step,
  succeeded,
  time,
  told,
  toldOf,
  putOf,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const WEST = regionField("westus");
const FAILURE = { code: "X", message: "No.", errors: [] };
const BY = { name: "me" };

const tag = (name: string, value: string | null = "1"): VersionRequest =>
  changeOf({ [`/tags/${name}`]: value });

const adds = (region: string): VersionRequest =>
  changeOf({ [`${regionField(region)}/name`]: region });

const DEMOTION = { kind: "DemoteImageVersion", regions: [] } as const;

/** The state with each of these queued, in this order. */
function withQueued(
  pair: ImageVersionPair,
  ...all: readonly (
    VersionRequest | readonly [VersionRequest, Partial<Accepting>]
  )[]
): ImageVersionPair {
  return all.reduce<ImageVersionPair>((before, one) => {
    const [request, more] = "changes" in one ? [one, {}] : one;
    return queued(before, request, more);
  }, pair);
}

const withRecord = (
  pair: ImageVersionPair,
  more: Partial<ImageVersionRecord>,
): ImageVersionPair => ({ ...pair, record: { ...pair.record, ...more } });

const numbers = (ids: readonly { readonly id: string }[]): number[] =>
  ids.map(({ id }) => sequenceOf(id));

/** Numbers of the operations: the one that leads, its members, and those that are queued. */
const orderOf = ({ record, operation }: ImageVersionPair) => ({
  leader: sequenceOf(operation.id),
  members: numbers(record.members),
  queued: numbers(record.queued.map((one) => one.operation)),
  batch: batchOf(record).map(([id]) => sequenceOf(id)),
});

describe("a request that comes while another operation runs", () => {
  test("is stored, and told, and changes nothing of what runs", () => {
    const before = replicating();
    const after = enqueue(
      before,
      acceptingOf(tag("a"), { regions: ["westus"] }),
      at(5),
    );
    expect(after.operation).toBe(before.operation);
    expect(after.accepted).toMatchObject({
      id: `${KEY}-2`,
      status: "NotStarted",
      history: [
        {
          time: time(5),
          state: "Accepted",
          message: `The request is queued behind operation ${before.operation.id}. It begins with the next update of the version.`,
        },
      ],
    });
    expect(after.beside).toEqual([after.accepted]);
    expect(after.record).toMatchObject({
      step: before.record.step,
      dueTime: before.record.dueTime,
      lastSequence: 2,
      sequence: 1,
      requests: before.record.requests,
    });
    expect(toldOf(after)).toEqual(["2/accepted"]);
    expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
  });
});

describe("invariant 1: every accepted operation is queued, or has begun, until it ends", () => {
  test("what is compatible joins the batch before anything of it is sent", () => {
    const pair = withQueued(told(accepted()), tag("a"), tag("b"));
    const after = formBatch(pair, at(6));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [2, 3],
      queued: [],
      batch: [1, 2, 3],
    });
    expect(
      after.record.members.map(({ history }) => history.at(-1)?.message),
    ).toEqual(
      [2, 3].map(
        () => `It begins, in one update with ${KEY}-1, ${KEY}-2, ${KEY}-3.`,
      ),
    );
    // The leader has nothing new to say.
    expect(after.operation.history).toEqual(pair.operation.history);
  });

  test("each says with which others it begins", () => {
    const messages = (...all: VersionRequest[]) =>
      beginNext(withQueued(applied(), ...all), at(20)).record.members.map(
        ({ history }) => history.at(-1)?.message,
      );
    expect(messages(tag("a"))).toEqual(["It begins."]);
    const both = `It begins, in one update with ${KEY}-2, ${KEY}-3.`;
    expect(messages(tag("a"), tag("b")).at(-1)).toBe(both);
  });

  test("the next is not held up by a repair that is over", () => {
    const repaired = withRecord(withQueued(applied(), tag("a")), {
      repairs: { eastus2: { attempts: 1 } },
    });
    expect(mayBegin(repaired.record)).toBe(true);
  });

  test("the next that begins has its regions, and says that its turn has come", () => {
    const pair = withQueued(succeeded(), [
      adds("westeurope"),
      { regions: ["westeurope"] },
    ]);
    const after = startNext(pair, at(20));
    expect(after.record.state).toBe("Accepted");
    expect(after.record.regions.map(({ name }) => name)).toContain(
      "westeurope",
    );
    expect(after.operation.history.at(-1)).toMatchObject({
      state: "Accepted",
      message: "Its turn has come: its work is queued.",
    });
  });

  test("what is asked by hand stays what it is where the version exists", () => {
    const pair = withQueued(applied(), [
      changeOf({}),
      { kind: "RetryImageVersion", regions: [] },
    ]);
    const [next] = beginNext(pair, at(20)).record.members;
    expect(next?.kind).toBe("RetryImageVersion");
  });

  test("nobody joins where nobody is queued", () => {
    const pair = told(accepted());
    expect(formBatch(pair, at(6))).toBe(pair);
  });

  test("the next begins beside those who watch their regions", () => {
    const pair = withQueued(applied(), tag("a"), tag("b"));
    expect(mayBegin(pair.record)).toBe(true);
    const after = beginNext(pair, at(20));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [2, 3],
      queued: [],
      batch: [2, 3],
    });
    expect(after.record.state).toBe("Accepted");
    expect(after.operation.status).toBe("Running");
  });

  test.each<[string, Partial<ImageVersionRecord>]>([
    [
      "while Azure does not show all that is asked",
      { requests: { x: tag("c") } },
    ],
    [
      "while a region is away for repair",
      { repairs: { eastus2: { attempts: 1, removed: {} } } },
    ],
    ["where nobody is queued", { queued: [] }],
  ])("it does not begin %s", (_, more) => {
    const pair = withRecord(withQueued(applied(), tag("a")), more);
    expect(mayBegin(pair.record)).toBe(false);
  });

  test("the next begins in the very commit that ends the last", () => {
    const ended = withRecord(withQueued(replicating(), tag("a"), tag("b")), {
      state: "Succeeded",
      exists: true,
    });
    const after = startNext(
      { ...ended, operation: { ...ended.operation, status: "Succeeded" } },
      at(30),
    );
    expect(orderOf(after)).toEqual({
      leader: 2,
      members: [3],
      queued: [],
      batch: [2, 3],
    });
    expect(after.record).toMatchObject({ state: "Accepted", sequence: 2 });
    // The one that has ended is written with it.
    expect(numbers(after.beside ?? [])).toEqual(expect.arrayContaining([1, 3]));
  });

  test("nobody begins where nobody is queued", () => {
    const pair = succeeded();
    expect(startNext(pair, at(30))).toBe(pair);
    expect(beginNext(pair, at(30))).toBe(pair);
  });

  test("what was to create the version updates it where another has created it", () => {
    const body = managedImageRequest();
    const pair = withQueued(applied(), putOf(body));
    const [next] = beginNext(pair, at(20)).record.members;
    expect(next?.kind).toBe("UpdateImageVersion");
    const absent = withRecord(withQueued(told(accepted()), putOf(body)), {
      state: "Failed",
    });
    expect(startNext(absent, at(20)).operation.kind).toBe("CreateImageVersion");
  });
});

describe("invariant 2: what contradicts what came before it does not share its update", () => {
  const REPLICAS = `${EAST}/regionalReplicaCount`;

  test.each<[string, Patch, Patch, number]>([
    ["another value", { [REPLICAS]: 2 }, { [REPLICAS]: 3 }, 1],
    ["the same value", { [REPLICAS]: 2 }, { [REPLICAS]: 2 }, 2],
    ["another field", { [REPLICAS]: 2 }, { "/tags/a": "1" }, 2],
    [
      "a change of a region that is removed",
      { [EAST]: null },
      { [REPLICAS]: 3 },
      1,
    ],
    [
      "the removal of a region that is changed",
      { [REPLICAS]: 3 },
      { [EAST]: null },
      1,
    ],
    [
      "the removal of another region",
      { [`${WEST}/regionalReplicaCount`]: 3 },
      { [EAST]: null },
      2,
    ],
    ["a tag in another case", { "/tags/A": "1" }, { "/tags/a": "2" }, 1],
  ])("%s", (_, first, second, together) => {
    const pair = withQueued(applied(), changeOf(first), changeOf(second));
    const after = beginNext(pair, at(20));
    expect(batchOf(after.record)).toHaveLength(together);
    expect(orderOf(after).queued).toEqual(together === 1 ? [3] : []);
  });

  test("nor what contradicts one of several", () => {
    const pair = withQueued(applied(), tag("a"), tag("b"), tag("a", "2"));
    expect(orderOf(beginNext(pair, at(20)))).toMatchObject({
      batch: [2, 3],
      queued: [4],
    });
  });

  test("and nobody overtakes it", () => {
    const pair = withQueued(applied(), tag("a", "1"), tag("a", "2"), tag("b"));
    expect(orderOf(beginNext(pair, at(20)))).toMatchObject({
      batch: [2],
      queued: [3, 4],
    });
  });
});

describe("invariant 3: what Azure refuses of several together is sent again, each alone", () => {
  const three = formBatch(
    withQueued(told(accepted()), adds("westeurope"), tag("b")),
    at(6),
  );

  test("the first at once, the others queued in front", () => {
    const pair = withQueued(told(three), tag("c"));
    const after = dissolveBatch(pair, "No quota.", at(9));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [],
      queued: [2, 3, 4],
      batch: [1],
    });
    expect(
      after.record.queued.map(({ request }) => request.alone === true),
    ).toEqual([true, true, false]);
    expect(batchOf(after.record)).toMatchObject([
      [`${KEY}-1`, { alone: true }],
    ]);
    expect(after.record.state).toBe("Accepted");
    const [fourth, ...parted] = [after.operation, ...(after.beside ?? [])]
      .map(({ id, history }) => [id, history.at(-1)?.message] as const)
      .reverse();
    expect(parted.map(([, message]) => message)).toEqual(
      Array(3).fill(
        "What is asked together with other operations was refused; each is sent alone. No quota.",
      ),
    );
    expect(fourth?.[0]).toBe(`${KEY}-4`);
  });

  test("and none of these shares an update again", () => {
    const alone = told(dissolveBatch(told(three), "No.", at(9)));
    expect(formBatch(alone, at(10))).toBe(alone);
    const next = startNext(withRecord(alone, { state: "Failed" }), at(20));
    expect(orderOf(next)).toMatchObject({ leader: 2, batch: [2], queued: [3] });
  });

  test("nor does one that is alone take others in, or join them", () => {
    const alone = { ...tag("a"), alone: true };
    const joins = withQueued(told(accepted()), alone, tag("b"));
    expect(formBatch(joins, at(6))).toBe(joins);
    const leads = withQueued(applied(), alone, tag("b"));
    expect(orderOf(beginNext(leads, at(20)))).toMatchObject({
      batch: [2],
      queued: [3],
    });
    const two = withQueued(applied(), tag("a"), tag("b"));
    const begun = told(
      beginNext(
        withRecord(two, { queued: two.record.queued.slice(0, 1) }),
        at(20),
      ),
    );
    const mixed = withRecord(begun, {
      queued: two.record.queued.slice(1),
      requests: { ...begun.record.requests, [`${KEY}-9`]: alone },
    });
    expect(formBatch(mixed, at(30))).toBe(mixed);
  });

  test("and the version's update is Accepted again, as each of them", () => {
    const sent = withRecord(told(three), { state: "Updating" });
    const after = dissolveBatch(sent, "No quota.", at(9));
    expect(after.record.state).toBe("Accepted");
    expect(
      after.record.queued.map(
        ({ operation }) => operation.history.at(-1)?.state,
      ),
    ).toEqual(["Accepted", "Accepted"]);
  });

  test("and a region that was not sent is awaited no more by the others", () => {
    const names = (pair: ImageVersionPair) =>
      pair.record.regions.map(({ name }) => name);
    const adding = formBatch(
      withQueued(told(accepted()), [
        adds("westeurope"),
        { regions: ["westeurope"] },
      ]),
      at(6),
    );
    expect(names(adding)).toContain("westeurope");
    expect(names(dissolveBatch(adding, "No.", at(9)))).toEqual([
      "westus",
      "eastus2",
    ]);
  });

  test("and those who watch their regions lead on", () => {
    const watching = beginNext(
      withQueued(applied(), tag("a"), tag("b")),
      at(20),
    );
    const after = dissolveBatch(told(watching), "No.", at(30));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [2],
      queued: [3],
      batch: [2],
    });
    expect(after.record.requests[`${KEY}-1`]).not.toHaveProperty("alone");
  });

  test("a single one fails, and the others go on", () => {
    const one = told(beginNext(withQueued(applied(), tag("a")), at(20)));
    const after = endBatch(one, FAILURE, at(30));
    expect(orderOf(after)).toEqual({
      leader: 1,
      members: [],
      queued: [],
      batch: [],
    });
    expect(toldOf(after)).toEqual(["2/failed"]);
    expect(after.operation.status).toBe("Running");
  });

  test("and where a region is away, or the permission is open, it fails once that is put right", () => {
    const opened = withRecord(told(accepted()), { opened: true, exists: true });
    const after = endBatch(opened, FAILURE, at(30));
    expect(after.operation.status).not.toBe("Failed");
    expect(batchOf(after.record)).toMatchObject([
      [
        `${KEY}-1`,
        { changes: {}, byHand: true, decided: { kind: "failed", code: "X" } },
      ],
    ]);
    // What fails now fails for the first reason.
    const failed = endBatch(told(after), { ...FAILURE, code: "Y" }, at(40));
    expect(failed.operation.error).toMatchObject({ code: "X" });
  });
});

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
          message: `Operation ${KEY}-4, accepted later, excludes the version from latest: nothing of this request is done. What it asks besides can be sent again.`,
        },
      },
    ]);
    expect(toldOf(after)).toEqual(["3/failed"]);
    expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
  });

  test("so ends one that has begun, if nothing of it was sent; the demotion begins in its place", () => {
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
    expect(after.operation).toMatchObject({
      id: `${KEY}-2`,
      status: "Failed",
      error: { code: "Superseded" },
    });
    const next = startNext(after, at(30));
    expect(orderOf(next)).toEqual({
      leader: 3,
      members: [],
      queued: [],
      batch: [3],
    });
    expect(next.beside?.map(({ id, status }) => [id, status])).toEqual([
      [`${KEY}-2`, "Failed"],
    ]);
    expect(toldOf(after)).toEqual(["3/accepted", "2/failed"]);
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
    expect(begun.record.overriddenRule).toEqual(rule);
    expect(ruleInForce(begun.record)).toBeUndefined();
  });
});

describe("one that is canceled", () => {
  const cancel = (pair: ImageVersionPair, number: number) =>
    beginCancel(pair, `${KEY}-${number}`, BY, at(50));

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
          /^Canceled: it ends once the version is left as it should be/u,
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
    expect(left.record.queued[1]?.request.created).toBe(true);
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

test("one that is queued, or a member, fails alone", () => {
  const pair = withQueued(replicating(), tag("a"), tag("b"));
  const after = endBeside(pair, `${KEY}-2`, FAILURE, at(9));
  expect(orderOf(after)).toMatchObject({ leader: 1, queued: [3] });
  expect(toldOf(after)).toEqual(["2/failed"]);
  expect(endBeside(pair, `${KEY}-9`, FAILURE, at(9))).toBe(pair);
});

test("a whole batch, from the queue to its ends: one update, and each in its own way", () => {
  const pair = withQueued(
    applied(),
    [adds("eastus"), { regions: ["eastus"] }],
    tag("a"),
  );
  const begun = told(beginNext(pair, at(20)));
  const shown = lookOf("Succeeded", REPLICATING, { seconds: 30 });
  const { put, pair: sent } = step(begun, shown, at(30));
  const changes = {
    [`${regionField("eastus")}/name`]: "eastus",
    "/tags/a": "1",
  };
  expect(put?.changes).toEqual(changes);
  expect(toldOf(sent)).toEqual(
    expect.arrayContaining(["2/updating/1", "3/updating/1"]),
  );
  const working = step(
    told(sent),
    lookOf(
      "Updating",
      { ...REPLICATING, eastus: ["Replicating", 5] },
      { changes, seconds: 60 },
    ),
    at(60),
  ).pair;
  expect(toldOf(working)).toEqual(["2/eastus/replicating/5"]);
  const ready = step(
    told(working),
    lookOf(
      "Succeeded",
      { ...COMPLETED, eastus: ["Replicating", 50] },
      { changes, seconds: 90 },
    ),
    at(90),
  ).pair;
  expect(toldOf(ready)).toEqual(
    expect.arrayContaining(["1/completed", "3/completed"]) as unknown,
  );
  expect(toldOf(ready)).not.toContain("2/completed");
  expect(orderOf(ready)).toMatchObject({ leader: 2, members: [] });
  const done = step(
    told(ready),
    lookOf(
      "Succeeded",
      { ...COMPLETED, eastus: ["Completed", 100] },
      { changes, seconds: 120 },
    ),
    at(120),
  ).pair;
  expect(toldOf(done)).toEqual(["2/eastus/completed", "2/completed"]);
  expect(done.record.state).toBe("Succeeded");
  expect(() =>
    advance(done, at(130), { patch: { state: "Replicating" } }),
  ).toThrow(TypeError);
});
