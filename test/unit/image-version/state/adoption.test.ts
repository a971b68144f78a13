import { describe, expect, test } from "vitest";
import {
  adoptionRefusal,
  doubtful,
  endedByOthers,
  isBehind,
  isMadeByOthers,
  isNotMeant,
  isOfOtherLife,
  known,
  lifeOfOthers,
  lifeOver,
  madeAgain,
  mayBeFromBefore,
  unsettled,
  withoutLife,
} from "../../../../src/image-version/state/adoption.js";
import type {
  Attempt,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { withApplied } from "../../../../src/image-version/properties/patch.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
  PROTECTED,
} from "../../../../src/image-version/properties/table.js";
import {
  accepted as acceptedNow,
  at,
  changeOf,
  COMPLETED,
  creating,
  lookOf,
  queued,
  REPLICATING,
  succeeded,
  time,
} from "../../../support/transitions.js";

/** The create request is stored, and its answer has not come. */
const { record: unanswered } = creating();
const sent = unanswered.lastAttempt as Attempt;
const accepted: ImageVersionRecord = {
  ...unanswered,
  exists: true,
  lastAttempt: { ...sent, outcome: "accepted", acceptedTime: time(2) },
};
const asSent = lookOf("Creating", REPLICATING);
const otherwise = lookOf("Succeeded", COMPLETED, {
  changes: { "/properties/publishingProfile/endOfLifeDate": "2031-01-01" },
});
const withTag = lookOf("Creating", REPLICATING, {
  changes: { "/tags/policy": "1" },
});
const asking: ImageVersionRecord = {
  ...unanswered,
  lastAttempt: {
    ...sent,
    changes: {
      ...sent.changes,
      "/properties/publishingProfile/endOfLifeDate": "2030-01-01",
    },
  },
};

describe("what Azure shows of a create request whose answer never came", () => {
  test.each([
    ["as it was sent", unanswered, asSent],
    ["with a tag more, which a policy has added", unanswered, withTag],
  ])("%s is Sigil's: it was applied", (_, record, look) => {
    expect(known(record, look)).toEqual({
      ...record,
      exists: true,
      lastApplied: withApplied(undefined, sent.changes),
    });
    expect(adoptionRefusal(record, look)).toBeUndefined();
  });

  test.each([
    ["otherwise than it was sent", asking],
    [
      "though it was refused",
      { ...unanswered, lastAttempt: { ...sent, outcome: "refused" } },
    ],
    ["though nothing was sent", withoutAttempt(unanswered)],
  ] as const)("%s is others'", (_, record) => {
    const after = known(record, otherwise);
    expect(after).toMatchObject({ exists: true, unmanaged: true });
    expect(after).not.toHaveProperty("lastApplied");
    expect(after).not.toHaveProperty("lastAttempt");
  });

  test("otherwise than it was sent is left alone by a creation that was canceled since", () => {
    const [id = ""] = Object.keys(asking.requests);
    const canceled: ImageVersionRecord = {
      ...asking,
      requests: {
        [id]: {
          changes: { "/properties/publishingProfile/excludeFromLatest": true },
          repeats: {},
          byHand: true,
          created: true,
          decided: { kind: "canceled", by: { appId: "someone" } },
        },
      },
    };
    expect(adoptionRefusal(canceled, otherwise)).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test("nothing is made of nothing", () => {
    expect(known(unanswered, undefined)).toBe(unanswered);
    expect(adoptionRefusal(unanswered, undefined)).toBeUndefined();
  });
});

describe("another life", () => {
  const published = (publishedDate: string | undefined, look = otherwise) => {
    const { publishedDate: _, ...rest } = look;
    return { ...rest, ...(publishedDate && { publishedDate }) };
  };
  const seen = { ...accepted, publishedDate: time(1) };
  const askingAccepted: ImageVersionRecord = {
    ...asking,
    exists: true,
    lastAttempt: {
      ...(asking.lastAttempt as Attempt),
      outcome: "accepted",
      acceptedTime: time(2),
    },
  };

  test.each([
    ["has another date of publishing", seen, published(time(40)), true],
    ["has not the same date", seen, published(time(1)), false],
    [
      "is not told of where Azure shows no date",
      seen,
      published(undefined),
      false,
    ],
    [
      "began after Sigil's create request was answered, and is otherwise",
      askingAccepted,
      published(time(33)),
      true,
    ],
    [
      "is not what the create request may have made, clocks being what they are",
      askingAccepted,
      published(time(32)),
      false,
    ],
    [
      "is not what is as it was sent",
      accepted,
      published(time(33), asSent),
      false,
    ],
  ] as const)("%s", (_, record, look, is) => {
    expect(isMadeByOthers(record, look)).toBe(is);
  });

  test("is others': what Sigil knew is void", () => {
    const record: ImageVersionRecord = {
      ...seen,
      lastApplied: { "/tags/a": "1" },
      repairs: { eastus2: { attempts: 1, removed: {} } },
    };
    const after = known(record, published(time(40)));
    expect(after).toMatchObject({
      unmanaged: true,
      repairs: {},
      publishedDate: time(40),
    });
    expect(after).not.toHaveProperty("lastApplied");
    expect(adoptionRefusal(record, published(time(40)))).toBeUndefined();
  });
});

function withoutAttempt(record: ImageVersionRecord): ImageVersionRecord {
  const { lastAttempt: _, ...rest } = record;
  return rest;
}

describe("what others have made", () => {
  const sent = (
    more: Partial<ImageVersionRecord> = {},
  ): ImageVersionRecord => ({
    ...withoutAttempt(asking),
    exists: true,
    unmanaged: true,
    publishedDate: time(1),
    requests: Object.fromEntries(
      Object.entries(asking.requests).map(([id, request]) => [
        id,
        {
          ...request,
          changes: { ...request.changes, "/tags/a": "1" },
        },
      ]),
    ),
    ...more,
  });

  test("is not changed by a creation, which is told what differs", () => {
    expect(adoptionRefusal(sent(), otherwise)).toEqual({
      code: "ImageVersionConflict",
      message: `${asking.resourceId} exists in Azure already, was not made by this request, and differs from the request. Sigil writes nothing more to it. Send the request with If-Match to change it, or use another version name.`,
      errors: [
        expect.objectContaining({ code: "ReadBackMismatch", pointer: "" }),
      ],
    });
  });

  test("is changed once a request of Sigil's was applied to it", () => {
    const { unmanaged: _, ...managed } = sent();
    expect(adoptionRefusal(managed, otherwise)).toBeUndefined();
  });

  test("is changed by who has seen it: by hand, by a patch, or with If-Match", () => {
    const byHand = sent({
      requests: { id: { changes: { "/tags/a": "1" }, repeats: {} } },
    });
    expect(adoptionRefusal(byHand, otherwise)).toBeUndefined();
  });

  test("is not changed by several of whom one is a creation", () => {
    const both = sent();
    expect(
      adoptionRefusal(
        {
          ...both,
          requests: {
            ...both.requests,
            id: { changes: { "/tags/b": "1" }, repeats: {} },
          },
        },
        otherwise,
      ),
    ).toMatchObject({ code: "ImageVersionConflict" });
  });

  test("or a policy has changed: a lost answer does not say, and the refusal says that", () => {
    const lost: ImageVersionRecord = {
      ...asking,
      requests: sent().requests,
    };
    expect(adoptionRefusal(lost, otherwise)?.message).toContain(
      "was made by others, or changed by a policy while the answer to Sigil's create request was lost",
    );
  });
});

describe("a request that was accepted for one life", () => {
  const REQUEST = changeOf({ "/tags/a": "1" });
  const later = lookOf("Succeeded", COMPLETED, {
    publishedDate: time(900),
    seconds: 1_000,
  });
  const { record: done } = succeeded();
  const asked = (
    more: Partial<ImageVersionRecord["requests"][string]> = {},
  ): ImageVersionRecord => ({
    ...done,
    state: "Accepted",
    requests: { id: { ...REQUEST, ...more } },
  });

  test.each([
    ["that it names", { publishedDate: time(1) }],
    ["that the record is of, where it names none", {}],
  ])("is not done to a later one: %s", (_, more) => {
    const refusal = adoptionRefusal(asked(more), later);
    expect(refusal).toMatchObject({ code: "ChangedOutside", errors: [] });
    expect(refusal?.message).toContain(`published ${time(900)}, is another`);
  });

  test.each([
    ["of that one", asked({ publishedDate: time(900) }), later],
    ["of the one that is shown", asked(), lookOf("Succeeded", COMPLETED)],
    [
      "that says all that the version shall be, and it is so",
      asked({ changes: {}, creates: true }),
      later,
    ],
  ])("is done: %s", (_, record, look) => {
    expect(adoptionRefusal(record, look)).toBeUndefined();
  });

  test("keeps that life once the record is of a later one, also where it is queued", () => {
    const pair = succeeded();
    const { record } = queued(
      { ...pair, record: { ...asked(), opened: true } },
      REQUEST,
    );
    const after = known(record, later);
    expect(after).toMatchObject({
      publishedDate: time(900),
      unmanaged: true,
      opened: false,
      observed: later,
      requests: { id: { publishedDate: time(1) } },
      queued: [{ request: { publishedDate: time(1) } }],
      regions: [
        { name: "westus", state: "Unknown", progress: 0, attempts: 2 },
        { name: "eastus2", state: "Unknown", progress: 0, attempts: 2 },
      ],
    });
    expect(adoptionRefusal(after, later)).toMatchObject({
      code: "ChangedOutside",
    });
  });

  test("is not ended by a look at an earlier life from a replica that is behind, for ten minutes", () => {
    const record = known(asked({ publishedDate: time(900) }), later);
    const behind = (seconds: number) =>
      lookOf("Succeeded", COMPLETED, { seconds });
    expect(isBehind(record, behind(1_599))).toBe(true);
    expect(known(record, behind(1_599))).toBe(record);
    expect(adoptionRefusal(record, behind(1_599))).toBeUndefined();
    expect(isBehind(record, behind(1_600))).toBe(false);
    expect(adoptionRefusal(record, behind(1_600))).toMatchObject({
      code: "ChangedOutside",
    });
    expect(isBehind(record, later)).toBe(false);
  });
});

describe("a look at a life that is over", () => {
  const at = (published: number, seconds: number) =>
    lookOf("Succeeded", COMPLETED, { publishedDate: time(published), seconds });
  const life = (published: number, ended: number) =>
    lifeOver(time(published), {}, new Date(time(ended)));

  test("is behind for ten minutes after that was found", () => {
    const { publishedDate: _, observed: __, ...record } = succeeded().record;
    const over = { ...withoutAttempt(record), ...life(900, 1_000) };
    expect(isBehind(over, at(900, 1_599))).toBe(true);
    expect(isBehind(over, at(899, 1_599))).toBe(true);
    expect(isBehind(over, at(901, 1_599))).toBe(false);
    expect(isBehind(over, at(900, 1_600))).toBe(false);
    expect(isBehind(record, at(900, 1_599))).toBe(false);
  });

  test("is remembered until another is over whose date is known", () => {
    const before = life(900, 1_000);
    const now = new Date(time(1_100));
    expect(lifeOver(undefined, before, now)).toEqual(before);
    expect(lifeOver(undefined, {}, now)).toEqual({});
    expect(lifeOver(time(950), before, now)).toEqual(life(950, 1_100));
  });

  test("is behind where it was published before the create request was sent, and that was accepted", () => {
    const sentTime = time(1_000);
    const attempt: Attempt = {
      ...sent,
      sentTime,
      outcome: "accepted",
      acceptedTime: time(1_010),
    };
    const record = { ...accepted, lastAttempt: attempt };
    expect(isBehind(record, at(969, 1_609))).toBe(true);
    expect(isBehind(record, at(970, 1_609))).toBe(false);
    expect(isBehind(record, at(969, 1_610))).toBe(false);
    const seenSince = { ...record, observed: at(1_001, 1_020) };
    expect(isBehind(seenSince, at(969, 1_100))).toBe(false);
    const { acceptedTime: _, ...unanswered } = attempt;
    const open = { ...record, lastAttempt: unanswered };
    expect(isBehind(open, at(969, 1_100))).toBe(false);
  });
});

describe("an update whose outcome nobody stayed to see", () => {
  const { record: done } = succeeded();
  const TAG = { "/tags/a": "1" };
  const sentSince = (
    changes: Attempt["changes"],
    more: Partial<ImageVersionRecord> = {},
    asked = TAG as Attempt["changes"],
  ): ImageVersionRecord => ({
    ...done,
    lastAttempt: { ...sent, changes, asked, outcome: "accepted" },
    ...more,
  });
  const shown = lookOf("Succeeded", COMPLETED, {
    changes: {
      ...TAG,
      "/properties/publishingProfile/excludeFromLatest": true,
    },
  });

  test("was applied where Azure shows it, but for what was done by hand", () => {
    const changes = {
      ...TAG,
      "/properties/publishingProfile/excludeFromLatest": true,
    };
    expect(known(sentSince(changes), shown).lastApplied).toEqual({
      ...done.lastApplied,
      ...TAG,
    });
  });

  test.each([
    ["Azure does not show it", sentSince(TAG), lookOf("Succeeded", COMPLETED)],
    [
      "it was refused",
      sentSince(TAG, {
        lastAttempt: { ...sent, changes: TAG, outcome: "refused" },
      }),
      shown,
    ],
    ["the version is others'", sentSince(TAG, { unmanaged: true }), shown],
    [
      "it was seen, and its operation sees to the rest",
      sentSince(TAG, {
        state: "Updating",
        requests: { [sent.sentFor?.[0] ?? ""]: changeOf(TAG) },
        lastAttempt: { ...sent, changes: TAG, asked: TAG, outcome: "shown" },
      }),
      shown,
    ],
    [
      "it was done by hand alone",
      sentSince(
        { "/properties/publishingProfile/excludeFromLatest": true },
        {},
        {},
      ),
      shown,
    ],
  ])("was not where %s", (_, record, look) => {
    expect(known(record, look)).toEqual(record);
  });
});

describe("what an operation that is over has sent, and no look has shown", () => {
  const TAG = { "/tags/a": "1" };
  const EXCLUSION = {
    "/properties/publishingProfile/excludeFromLatest": true,
  };
  const { record: done } = succeeded();
  const attempt: Attempt = {
    ...sent,
    changes: { ...TAG, ...EXCLUSION },
    asked: TAG,
    outcome: "accepted",
    sentFor: ["gone"],
  };
  const sentFor = (
    more: Partial<Attempt> = {},
    record: Partial<ImageVersionRecord> = {},
  ): ImageVersionRecord => ({
    ...done,
    lastAttempt: { ...attempt, ...more },
    ...record,
  });
  const without = lookOf("Updating", COMPLETED);

  test("is not known to be applied: what was asked of it to last", () => {
    expect(unsettled(sentFor(), without)).toEqual(TAG);
    expect(unsettled(sentFor(), undefined)).toEqual(TAG);
  });

  const open = {
    state: "Accepted",
    requests: { gone: changeOf(TAG) },
  } as const;
  test.each<[string, ImageVersionRecord, typeof without | undefined]>([
    ["it was shown", sentFor({ outcome: "shown" }), without],
    ["it was refused", sentFor({ outcome: "refused" }), without],
    ["nothing was sent", withoutAttempt(done), without],
    ["the version is of others", sentFor({}, { unmanaged: true }), without],
    [
      "Azure shows it now",
      sentFor(),
      lookOf("Succeeded", COMPLETED, { changes: attempt.changes }),
    ],
    ["its operation is not over", sentFor({}, open), without],
  ])("is not in doubt where %s", (_, record, look) => {
    expect(unsettled(record, look)).toBeUndefined();
  });

  test("is in doubt where others' operation is not over", () => {
    expect(unsettled(sentFor({ sentFor: ["other"] }, open), without)).toEqual(
      TAG,
    );
    const { sentFor: _, ...forNobody } = attempt;
    expect(
      unsettled({ ...sentFor({}, open), lastAttempt: forNobody }, without),
    ).toEqual(TAG);
  });
});

describe("the version of a deletion", () => {
  const later = lookOf("Succeeded", COMPLETED, { publishedDate: time(900) });
  const present = lookOf("Succeeded", COMPLETED);
  const undated: ImageVersionRecord = (() => {
    const { publishedDate: _, ...rest } = withoutAttempt(succeeded().record);
    return { ...rest, exists: false };
  })();
  const asked = changeOf({});

  test("is the one whose life its caller saw, or else the record's", () => {
    const { record } = succeeded();
    expect(isNotMeant(record, asked, present)).toBe(false);
    expect(isNotMeant(record, asked, later)).toBe(true);
    expect(
      isNotMeant(record, { ...asked, publishedDate: time(900) }, later),
    ).toBe(false);
  });

  test("is none that others have made since nothing was there", () => {
    const absent = { ...asked, absent: true } as const;
    expect(isNotMeant(undated, absent, later)).toBe(true);
    expect(isNotMeant(undated, asked, later)).toBe(false);
    expect(
      isNotMeant(undated, { ...absent, publishedDate: time(900) }, later),
    ).toBe(false);
  });

  test("but the one that Sigil itself has sent, and that is shown", () => {
    const absent = { ...asked, absent: true } as const;
    const made = { ...unanswered, exists: false };
    expect(isNotMeant(made, absent, asSent)).toBe(false);
    expect(isNotMeant(withoutAttempt(made), absent, asSent)).toBe(true);
  });
});

test("what is shown with a region more than was sent is others'", () => {
  const more = lookOf("Creating", REPLICATING, {
    changes: {
      "/properties/publishingProfile/targetRegions/westeurope/name":
        "westeurope",
    },
  });
  expect(isMadeByOthers(unanswered, asSent)).toBe(false);
  expect(isMadeByOthers(unanswered, more)).toBe(true);
});

test("a region of others' version that Sigil never followed is told of as its first", () => {
  const record = {
    ...asking,
    regions: asking.regions.map((region, i) => ({ ...region, attempts: i })),
  };
  expect(known(record, otherwise).regions).toEqual([
    { name: "westus", state: "Unknown", progress: 0, attempts: 0 },
    { name: "eastus2", state: "Unknown", progress: 0, attempts: 2 },
  ]);
});

describe("of another life, a body that may create", () => {
  const later = lookOf("Succeeded", COMPLETED, {
    publishedDate: time(900),
    changes: { "/tags/theirs": "1" },
  });
  const asked = (more: object): ImageVersionRecord => {
    const { record } = succeeded();
    return {
      ...record,
      state: "Accepted",
      requests: {
        id: {
          changes: { "/tags/a": "2" },
          repeats: { "/tags/b": "1" },
          body: { ...later.resource, tags: { a: "1", b: "1" } },
          ...more,
        },
      },
    };
  };
  test("says all that it says, and repeats nothing", () => {
    const { id: whole } = known(asked({ creates: true }), later).requests;
    expect(whole?.repeats).toEqual({});
    expect(whole?.changes).toMatchObject({ "/tags/a": "1", "/tags/b": "1" });
    expect(whole).toMatchObject({ publishedDate: time(1) });
  });

  test("clears nothing that it leaves out, and takes away the regions that it names", () => {
    const changes = {
      "/tags/theirs": null,
      [`${regionField("eastus2")}/storageAccountType`]: null,
      [regionField("eastus2")]: null,
      "/tags/c": "1",
    };
    const body = canonicalForm({
      location: "westus",
      properties: { storageProfile: {} },
    });
    const { id: request } = known(
      asked({ creates: true, body, changes }),
      later,
    ).requests;
    expect(request?.changes).toMatchObject({
      [regionField("eastus2")]: null,
      "/tags/c": "1",
    });
    expect(Object.values(request?.changes ?? {})).not.toContainEqual(undefined);
    expect(
      Object.entries(request?.changes ?? {}).filter(
        ([, value]) => value === null,
      ),
    ).toHaveLength(1);
  });

  test.each([
    ["one that may not", {}],
    ["one without a body", { creates: true, body: undefined }],
  ])("and %s, what it said", (_, more) => {
    const { id: request } = known(asked(more), later).requests;
    expect(request).toMatchObject({
      changes: { "/tags/a": "2" },
      repeats: { "/tags/b": "1" },
    });
  });

  test.each([
    ["includes nothing that others hold back", false, true, undefined],
    ["includes it where they do not", false, false, false],
    ["excludes it, where it says so", true, true, true],
    ["excludes what they include", true, false, true],
  ])("%s: %s beside %s", (_, said, is, expected) => {
    const shown = lookOf("Succeeded", COMPLETED, {
      publishedDate: time(900),
      changes: { [EXCLUDE_FROM_LATEST]: is },
    });
    const body = canonicalForm({
      location: "westus",
      properties: {
        storageProfile: {},
        publishingProfile: { excludeFromLatest: said },
      },
    });
    const { id: request } = known(
      asked({ creates: true, body, changes: {} }),
      shown,
    ).requests;
    expect(request?.changes[EXCLUDE_FROM_LATEST]).toBe(expected);
  });

  test("is done to that life, beside one that may not and is not", () => {
    const record = { ...asked({ creates: true }), unmanaged: true } as const;
    const { unmanaged: _, ...managed } = record;
    expect(adoptionRefusal(record, later)?.code).toBe("ImageVersionConflict");
    const patch = { changes: { "/tags/c": "1" }, repeats: {} };
    expect(
      adoptionRefusal(
        { ...managed, requests: { ...managed.requests, patch } },
        later,
      )?.code,
    ).toBe("ChangedOutside");
  });

  test("and its findings point into the first body that was sent", () => {
    const { requests, ...record } = asked({ creates: true });
    const refusal = adoptionRefusal(
      {
        ...record,
        requests: {
          by: changeOf({}, { publishedDate: time(900) }),
          ...requests,
        },
        unmanaged: true,
      },
      later,
    );
    expect(refusal?.errors.map(({ pointer }) => pointer)).toContain("/tags/a");
  });
});

describe("a life that others have ended", () => {
  const { record } = succeeded();
  const now = new Date(time(2_000));
  const ended = (more: Partial<ImageVersionRecord> = {}) =>
    endedByOthers({ ...withoutAttempt(record), ...more }, now).deletedLife;
  const { observed: _, ...unseen } = withoutAttempt(record);
  const before = { resource: asSent.resource, endTime: time(9) };

  test.each<[boolean, string, Partial<ImageVersionRecord>]>([
    [true, "nothing was sent", {}],
    [
      true,
      "what was sent was shown",
      { lastAttempt: { ...sent, outcome: "shown" } },
    ],
    [
      false,
      "no look has shown what was sent",
      { lastAttempt: { ...sent, outcome: "accepted" } },
    ],
  ])("%s: is said to be changed by them where %s", (is, _, more) => {
    expect(ended(more)).toMatchObject({
      resource: record.observed?.resource,
      endTime: time(2_000),
    });
    expect(ended(more)?.byOthers).toBe(is ? true : undefined);
  });

  test("is the one before where nothing of it was seen", () => {
    expect(endedByOthers({ ...unseen, deletedLife: before }, now)).toEqual({
      deletedLife: before,
    });
    expect(endedByOthers(unseen, now)).toEqual({});
  });

  test("and had restored before is Sigil's as it was; its rule goes on no more, for it was changed by hand", () => {
    const rule = { when: "allRegionsReady" } as const;
    const lastApplied = { [PROTECTED]: true, [PROMOTION]: rule };
    const { lastApplied: _, ...restored } = withoutAttempt(record);
    const again = (publishedDate: string) =>
      endedByOthers(
        {
          ...restored,
          unmanaged: true,
          publishedDate: time(40),
          deletedLife: { ...before, lastApplied, publishedDate },
        },
        now,
      ).deletedLife;
    expect(again(time(40))).toEqual({
      resource: record.observed?.resource,
      endTime: time(2_000),
      publishedDate: time(40),
      lastApplied,
      overriddenRule: rule,
      byOthers: true,
    });
    expect(again(time(41))).toMatchObject({ unmanaged: true });
    expect(again(time(41))).not.toHaveProperty("lastApplied");
  });

  test("is remembered while Azure shows it again, and no other one", () => {
    const deletedLife = { ...before, publishedDate: time(40) };
    const again = (publishedDate: string) =>
      known(
        { ...record, deletedLife },
        lookOf("Succeeded", COMPLETED, { publishedDate }),
      ).deletedLife;
    expect(again(time(40))).toEqual(deletedLife);
    expect(again(time(41))).toBeUndefined();
  });

  test("leaves nothing that Sigil has opened, or is to repair", () => {
    expect(
      withoutLife(
        { ...record, opened: true, repairs: { eastus2: { attempts: 1 } } },
        now,
      ),
    ).toMatchObject({ exists: false, opened: false, repairs: {}, regions: [] });
  });
});

describe("dates of publishing", () => {
  test.each([
    [true, "before that", time(10)],
    [true, "after it, clocks being what they are", time(39)],
    [false, "half a minute after it", time(40)],
    [false, "nobody knows when", undefined],
  ])("%s: whoever asked may have meant what was made %s", (is, _, date) => {
    expect(
      mayBeFromBefore(
        date === undefined ? {} : { publishedDate: date },
        time(10),
      ),
    ).toBe(is);
  });

  test("that are not known are no others", () => {
    const { record } = succeeded();
    const later = { publishedDate: time(900) };
    expect(isOfOtherLife(record, undefined, later)).toBe(true);
    expect(isOfOtherLife(record, undefined, {})).toBe(false);
    const { publishedDate: _, ...undated } = record;
    expect(isOfOtherLife(undated, undefined, later)).toBe(false);
  });

  test("tell that a look is behind only once something was seen", () => {
    const { observed: _, ...unseen } = withoutAttempt(succeeded().record);
    const earlier = lookOf("Succeeded", COMPLETED, { publishedDate: time(0) });
    expect(isBehind(unseen, earlier)).toBe(false);
    expect(isBehind(succeeded().record, earlier)).toBe(true);
  });
});

test("made again: says which version is there now", () => {
  expect(
    madeAgain(
      { resourceId: "/x" },
      lookOf("Succeeded", COMPLETED, { publishedDate: time(900) }),
    ),
  ).toEqual({
    code: "ChangedOutside",
    message: `/x was deleted and created again after this request: the version that Azure has under this number now, published ${time(900)}, is another one. It was left as it is. GET it, and send the request again if it is meant for that version.`,
    errors: [],
  });
});

describe("who would create, and finds a version of others", () => {
  const { record } = acceptedNow();
  const theirs = lookOf("Succeeded", COMPLETED);
  const since = (seconds: number) => ({
    ...record,
    doubt: { what: `others/${time(1)}`, since: time(seconds) },
  });

  test("believes it at the second look, two minutes later", () => {
    const first = doubtful(record, theirs, at(10));
    expect(first).toMatchObject({
      why: expect.stringContaining("a version of others") as unknown,
      doubt: { what: `others/${time(1)}`, since: time(10) },
    });
    expect(doubtful(since(10), theirs, at(129))?.doubt?.since).toBe(time(10));
    expect(doubtful(since(10), theirs, at(130))).toBeUndefined();
  });

  test("begins anew with another one, and with another doubt", () => {
    const other = lookOf("Succeeded", COMPLETED, { publishedDate: time(2) });
    expect(doubtful(since(10), other, at(130))?.doubt?.since).toBe(time(130));
    const otherDoubt = {
      ...record,
      doubt: { what: "unmet/0", since: time(10) },
    };
    expect(doubtful(otherDoubt, theirs, at(130))?.doubt?.since).toBe(time(130));
  });

  test("does not doubt what is not there, is Sigil's, or is only to be changed", () => {
    expect(doubtful(record, undefined, at(10))).toBeUndefined();
    expect(doubtful(succeeded().record, otherwise, at(10))).toBeUndefined();
    expect(
      doubtful({ ...since(10), exists: true }, undefined, at(20)),
    ).toBeUndefined();
    expect(doubtful(unanswered, asSent, at(10))).toBeUndefined();
    const [[id = "", request] = []] = Object.entries(record.requests);
    const { creates: _, ...changing } = request ?? expect.fail();
    expect(
      doubtful({ ...record, requests: { [id]: changing } }, theirs, at(10)),
    ).toBeUndefined();
  });

  test("who would create among others who only change doubts it, too", () => {
    const [[id = "", request] = []] = Object.entries(record.requests);
    const { creates: _, ...changing } = request ?? expect.fail();
    const both = { [`${id}0`]: changing, [id]: request };
    expect(
      doubtful(
        { ...record, requests: both as typeof record.requests },
        theirs,
        at(10),
      ),
    ).toBeDefined();
  });

  test("doubts that it is gone again, until a second look shows that, too", () => {
    const seen = since(10);
    const first = doubtful(seen, undefined, at(20));
    expect(first?.doubt).toEqual({ what: "others-gone", since: time(20) });
    const doubted = {
      ...record,
      doubt: { what: "others-gone", since: time(20) },
    };
    expect(doubtful(doubted, undefined, at(139))?.doubt?.since).toBe(time(20));
    expect(doubtful(doubted, undefined, at(140))).toBeUndefined();
    const other = { ...record, doubt: { what: "unmet/0", since: time(10) } };
    expect(doubtful(other, undefined, at(20))).toBeUndefined();
  });

  test("knows which life it has seen", () => {
    expect(lifeOfOthers(since(10))).toBe(time(1));
    expect(lifeOfOthers(record)).toBeUndefined();
    const doubt = (what: string) => ({ doubt: { what, since: time(1) } });
    expect(lifeOfOthers(doubt("others/"))).toBeUndefined();
    expect(lifeOfOthers(doubt("others-gone"))).toBeUndefined();
  });

  test("a life that is over is behind, whoever made it", () => {
    const over = {
      ...record,
      lifeBefore: { publishedDate: time(1), endTime: time(5) },
    };
    expect(doubtful(over, theirs, at(10))).toEqual({
      why: expect.stringContaining("before") as unknown,
    });
  });
});
