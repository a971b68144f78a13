import { describe, expect, it } from "vitest";
import { isFlag } from "../../../../src/image-version/latest/flags.js";
import type { Look } from "../../../../src/image-version/resources.js";
import {
  decideDeletion,
  deletionIn,
  openDeletionIn,
  releaseBeforeDeletion,
} from "../../../../src/image-version/state/deletion.js";
import { failuresBy } from "../../../../src/image-version/state/failures.js";
import { reconcile } from "../../../../src/image-version/state/reconcile.js";
import type {
  ImageVersionPair,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import {
  applied,
  at,
  COMPLETED,
  eventsOf,
  lookOf,
  beside as asking,
  step,
  succeeded,
  time,
  told,
  withRecord,
} from "../../../support/transitions.js";
import { beginCancel, see } from "../../../../src/image-version/telling/tell.js";
import {
  beginSending,
  deleteTaken,
  deleted,
  fails,
  writeRefused,
} from "../../../support/decisions.js";

const NOW = 1_000;
const DELAY_MS = 900_000;
const REFUSED = { code: "InUse", message: "A scale set uses it.", errors: [] };
const BEFORE = { in: "all", but: [], by: "request" } as const;
const GUARDED: VersionRequest = {
  patch: {},
  life: time(1),
  release: { kind: "exclude", by: "deletion" },
  guarded: true,
  deletion: { before: BEFORE },
};
const HELD = lookOf("Succeeded", COMPLETED, {
  changes: { "/properties/publishingProfile/excludeFromLatest": true },
});

const deleting = (
  request: VersionRequest = { patch: {}, life: time(1), deletion: {} },
  base = succeeded(),
): ImageVersionPair => {
  const { record, operation } = asking(
    base,
    request,
    { kind: "DeleteImageVersion", regions: [] },
    at(NOW),
  );
  return { record, operation };
};
const turnOf = ({ record }: ImageVersionPair) => {
  const found = deletionIn(record);
  if (found === undefined) throw new Error("no deletion's turn");
  return found;
};
const decided = (pair: ImageVersionPair, seconds = NOW, refused?: typeof REFUSED) =>
  decideDeletion(pair.record, turnOf(pair), refused, DELAY_MS, at(seconds));
const sent = (pair = deleting()) => beginSending(pair, "Deleting", turnOf(pair).id, at(NOW));
const taken = (pair = sent()) => deleteTaken(pair, turnOf(pair).id, undefined, at(NOW));
/** A look so many seconds later; undefined: Azure shows no version. */
const seeing = (
  pair: ImageVersionPair,
  seconds: number,
  look: Look | undefined = lookOf("Succeeded", COMPLETED),
) => see(pair, look, at(NOW + seconds));
/** A guarded one whose version has left latest. */
const outOfLatest = (): ImageVersionPair => {
  const { pair } = step(deleting(GUARDED), lookOf("Succeeded", COMPLETED), at(NOW));
  return see(pair, HELD, at(NOW + 20));
};

describe("a DELETE is sent (1)", () => {
  it("at once where the fact shows the version at rest", () => {
    expect(decided(deleting()).kind).toBe("delete");
  });

  it.each<[string, Partial<ImageVersionPair["record"]>]>([
    ["while a look is unconfirmed", { unconfirmed: { shows: "x", since: time(NOW) } }],
    [
      "while the fate of a write is not known",
      {
        write: {
          changes: {},
          sentTime: time(NOW),
          answer: "accepted",
          sentFor: [],
        },
      },
    ],
    ["while ARM works on the version", { status: lookOf("Updating", COMPLETED) }],
  ])("not %s", (_, more) => {
    expect(decided(withRecord(deleting(), more)).kind).toBe("poll");
  });

  it("not where Azure has another life under the number, which is left as it is", () => {
    const status: Look = lookOf("Succeeded", COMPLETED, {
      publishedDate: time(900),
    });
    expect(decided(withRecord(deleting(), { status }))).toMatchObject({
      kind: "deleted",
      message: expect.stringContaining(time(900)) as string,
    });
  });
});

describe("a guarded deletion", () => {
  it("leaves latest first, as by a demotion", () => {
    expect(deletionIn(deleting(GUARDED).record)).toBeUndefined();
    const put = reconcile(deleting(GUARDED).record, at(NOW));
    expect(put.kind === "put" && Object.keys(put.changes).every(isFlag)).toBe(true);
  });

  it("waits then until Resource Graph shows who uses the version", () => {
    expect(decided(outOfLatest(), NOW + 30)).toMatchObject({
      kind: "poll",
      waitMs: DELAY_MS - 10_000,
    });
    expect(decided(outOfLatest(), NOW + 20 + 900).kind).toBe("delete");
    expect(releaseBeforeDeletion(outOfLatest().record)).toEqual(BEFORE);
  });

  it("ends Failed ChangedOutside where others include the version while it waits", () => {
    const pair = see(outOfLatest(), lookOf("Succeeded", COMPLETED), at(NOW + 700));
    expect(pair.operation).toMatchObject({
      status: "Failed",
      error: { code: "ChangedOutside" },
    });
    expect(pair.record.release).toMatchObject({ in: "all", by: "person" });
  });

  it("gives the version back to latest as it was, where it comes to nothing (4)", () => {
    const pair = outOfLatest();
    const inVain = fails(pair, [turnOf(pair).id], REFUSED, at(NOW + 1_000));
    const back = step(inVain, HELD, at(NOW + 1_000));
    expect(back.put?.release).toEqual(BEFORE);
    const no = { code: "Disallowed", message: "No.", errors: [] };
    expect(writeRefused(back.pair, no, at(NOW + 1_001)).operation.error).toMatchObject({
      code: "InUse",
      message: expect.any(String) as string,
    });
    const { operation } = step(back.pair, lookOf("Succeeded", COMPLETED), at(NOW + 1_020)).pair;
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "InUse" },
    });
  });

  it("the same where it is canceled (4)", () => {
    const pair = outOfLatest();
    const canceled = beginCancel(pair, pair.operation.id, { appId: "x" }, at(NOW + 30));
    expect(canceled?.operation.status).toBe("Running");
    expect(canceled && step(canceled, HELD, at(NOW + 40)).put?.release).toEqual(BEFORE);
  });
});

describe("what has begun beside it (2)", () => {
  const beside = () => deleting({ patch: {}, life: time(1), deletion: {} }, applied());

  it("goes on while the DELETE has no answer", () => {
    expect(Object.keys(sent(beside()).record.requests)).toHaveLength(2);
  });

  it("is Superseded in the commit that notes that ARM has taken it", () => {
    const pair = taken(sent(beside()));
    expect(Object.keys(pair.record.requests)).toEqual([pair.operation.id]);
    expect(pair.changedOperations?.map(({ error }) => error?.code)).toEqual(["Superseded"]);
  });

  it("ends Canceled where somebody has canceled it", () => {
    const first = outOfLatest();
    const by = { appId: "x" };
    const canceled = beginCancel(first, first.operation.id, by, at(NOW + 30));
    if (canceled === undefined) throw new Error("it cannot be canceled");
    const after = taken(sent(deleting(undefined, told(canceled))));
    expect(after.changedOperations).toMatchObject([
      { id: first.operation.id, status: "Canceled", canceledBy: by },
    ]);
  });

  it("goes on where the deletion comes to nothing", () => {
    const pair = beside();
    const after = fails(pair, [turnOf(pair).id], REFUSED, at(NOW));
    expect(Object.keys(after.record.requests)).toHaveLength(1);
    expect(after.record.state).toBe("Accepted");
  });
});

describe("a DELETE that was sent (3)", () => {
  it("without an answer is sent again once two looks at the version at rest say that it is not under way", () => {
    const first = seeing(sent(), 120);
    expect(decided(first, NOW + 120).kind).toBe("poll");
    expect(decided(seeing(first, 359), NOW + 359).kind).toBe("poll");
    expect(decided(seeing(first, 360), NOW + 360).kind).toBe("delete");
  });

  it("that ARM has accepted is not sent again: it ends NotDeleted", () => {
    const first = seeing(taken(), 20);
    expect(decided(seeing(first, 619), NOW + 619).kind).toBe("poll");
    expect(seeing(first, 620).operation).toMatchObject({
      status: "Failed",
      error: { code: "NotDeleted" },
    });
  });

  it("that ARM has accepted and does not carry out ends by what Azure says", () => {
    expect(decided(taken(), NOW + 20, REFUSED)).toMatchObject({
      kind: "failed",
      failure: { code: "InUse" },
    });
    // That is of another request.
    expect(decided(sent(), NOW + 20, REFUSED).kind).toBe("poll");
  });

  it("canceled is not sent again", () => {
    const canceled = beginCancel(sent(), sent().operation.id, { appId: "x" }, at(NOW + 1));
    const after = canceled && seeing(seeing(canceled, 120), 360);
    expect(after && decided(after, NOW + 360).kind).toBe("failed");
  });

  it("is carried out once look after look shows no version, and Azure lists none", () => {
    const first = see(taken(), undefined, at(NOW + 10));
    const at39 = see(first, undefined, at(NOW + 39));
    expect(decided(at39, NOW + 39).kind).toBe("poll");
    const context = at(NOW + 40);
    const listed = see(first, undefined, context, { isListed: true });
    expect(decided(listed, NOW + 40).kind).toBe("poll");
    const gone = see(first, undefined, context);
    expect(decided(gone, NOW + 40).kind).toBe("deleted");
  });

  it("empties what was achieved", () => {
    const pair = taken();
    const { record, operation } = deleted(
      pair,
      turnOf(pair).id,
      "It is gone.",
      undefined,
      at(NOW + 60),
    );
    expect(operation.status).toBe("Succeeded");
    expect(record).toMatchObject({
      state: "Deleted",
      requests: {},
      regions: [],
      updates: 0,
    });
    for (const member of ["spec", "release", "status", "write"])
      expect(record).not.toHaveProperty(member);
    expect(eventsOf({ record, operation }).at(-1)?.type).toBe("Sigil.ImageVersion.Deleted");
  });
});

describe("the deletion that is open", () => {
  it("is one that nobody has canceled", () => {
    expect(openDeletionIn(succeeded().record)).toBeUndefined();
    expect(openDeletionIn(deleting().record)).toMatchObject({
      isByPolicy: false,
    });
    const canceled = beginCancel(sent(), sent().operation.id, { appId: "x" }, at(NOW + 1));
    expect(canceled && openDeletionIn(canceled.record)).toBeUndefined();
  });

  it("is a policy's until its DELETE is sent", () => {
    const pair = deleting({
      patch: {},
      life: time(1),
      deletion: {},
      machine: true,
    });
    expect(openDeletionIn(pair.record)?.isByPolicy).toBe(true);
    expect(openDeletionIn(sent(pair).record)?.isByPolicy).toBe(false);
  });
});

it("what Azure has accepted of it and does not show fails it where that was the DELETE alone", () => {
  const { record, operation } = deleting(GUARDED);
  const codesOf = (deletes?: true) =>
    failuresBy(record, {
      life: "same",
      others: [],
      write: {
        changes: {},
        sentTime: time(NOW),
        answer: "accepted",
        sentFor: [operation.id],
        fate: "notShown",
        ...(deletes && { deletes }),
      },
    }).map(([, { code }]) => code);
  expect(codesOf(true)).toEqual(["NotDeleted"]);
  expect(codesOf()).toEqual([]);
});
