/** Several requests of one version: which share an update, and what becomes of each. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  beginNext,
  dissolveBatch,
  enqueue,
  formBatch,
  mayBegin,
  startNext,
} from "../../../../src/image-version/state/batch.js";
import {
  batchOf,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { endBatch } from "../../../../src/image-version/steps/end-batch.js";
import type { Finding } from "../../../../src/errors.js";
import { advance } from "../../../../src/operation/advance.js";
import { eventMistakes } from "../../events/document.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  acceptingOf,
  applied,
  at,
  changeOf,
  COMPLETED,
  eventsOf,
  KEY,
  lookOf,
  REPLICATING,
  replicating,
  step,
  succeeded,
  time,
  told,
  toldOf,
  putOf,
  withRecord,
} from "../../../support/transitions.js";
import { EAST, tag, withQueued, numbers, orderOf } from "./queued.js";

const WEST = regionField("westus");

const FAILURE = { code: "X", message: "No.", errors: [] };

const adds = (region: string): VersionRequest =>
  changeOf({ [`${regionField(region)}/name`]: region });

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

  test("keeps the warnings that it was accepted with", () => {
    const accepted = (...args: readonly Finding[]) =>
      enqueue(replicating(), acceptingOf(tag("a")), at(5), args).accepted;
    const warning = {
      code: "X",
      pointer: "",
      message: "m",
      severity: "warning",
    } as const;
    expect(accepted(warning).warnings).toEqual([warning]);
    expect(accepted()).not.toHaveProperty("warnings");
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

  test("what is written beside the next one is never the next one itself", () => {
    const pair = withQueued(succeeded(), tag("a"), tag("b"));
    const [second, third] = pair.record.queued.map((one) => one.operation);
    if (second === undefined || third === undefined) throw new Error("no two");
    const alone = withRecord(
      { ...pair, beside: [second, third] },
      { queued: pair.record.queued.slice(0, 1) },
    );
    expect(numbers(startNext(alone, at(20)).beside ?? [])).toEqual([3, 1]);
  });

  test("several that begin where nothing has begun say that they share an update", () => {
    const pair = withQueued(applied(), tag("a"), tag("b"));
    expect(
      formBatch(pair, at(20)).record.members.map(
        ({ history }) => history.at(-1)?.message,
      ),
    ).toEqual(
      Array(2).fill(`It begins, in one update with ${KEY}-2, ${KEY}-3.`),
    );
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
        "The update that combines several operations was refused; each is now sent alone. No quota.",
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
    // One that was sent is followed on.
    const sent = withRecord(adding, {
      regions: adding.record.regions.map((one) => ({ ...one, attempts: 1 })),
    });
    expect(names(dissolveBatch(sent, "No.", at(9)))).toEqual([
      "westus",
      "eastus2",
      "westeurope",
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
