import { describe, expect, test } from "vitest";
import {
  adoptionRefusal,
  isMadeByOthers,
  known,
} from "../../../../src/image-version/state/adoption.js";
import type {
  Attempt,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import { withApplied } from "../../../../src/image-version/properties/patch.js";
import {
  COMPLETED,
  creating,
  lookOf,
  REPLICATING,
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
      message: `${asking.resourceId} exists in Azure already, was not made by Sigil, and is not what this request asks for. It was left as it is. Send the request with If-Match to change it, or use another version name.`,
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
