import { describe, expect, test } from "vitest";
import {
  fingerprintOfPut,
  sameOperation,
} from "../../../../src/image-version/commands/same-operation.js";
import type { StoredVersion } from "../../../../src/image-version/ports.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  acceptingOf,
  accepted,
  applied,
  at,
  changeOf,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";
import { accept } from "../../../../src/image-version/telling/accept.js";

const stored = (pair: ImageVersionPair): StoredVersion => ({
  ...pair,
  etag: "1",
});
const { operation: first } = accepted();
const find = (pair: ImageVersionPair, look?: ReturnType<typeof lookOf>): string | undefined =>
  sameOperation(stored(pair), look, ({ fingerprint }) => fingerprint === first.fingerprint)?.id;

describe("the operation that is being done is the same", () => {
  test("as long as nothing is asked otherwise", () => {
    expect(find(accepted())).toBe(first.id);
    const other = acceptingOf(changeOf({ "/tags/other": "1" }), {
      fingerprint: "other",
    });
    expect(find(accept(other, accepted(), at(5)))).toBe(first.id);
    expect(find(applied(), lookOf("Updating"))).toBe(first.id);
  });

  test("not where a later one deletes the version", () => {
    const other = acceptingOf(changeOf({}, { deletion: {} }), {
      kind: "DeleteImageVersion",
      fingerprint: "other",
    });
    expect(find(accept(other, accepted(), at(5)))).toBeUndefined();
  });

  test("not where Azure shows another life than it is about", () => {
    const other = lookOf("Succeeded", COMPLETED, { publishedDate: time(500) });
    expect(find(applied(), lookOf("Succeeded", COMPLETED))).toBe(first.id);
    expect(find(applied(), other)).toBeUndefined();
  });

  test("not once it has ended, or is canceled, or where there is none", () => {
    expect(find(succeeded())).toBeUndefined();
    const { record, operation } = accepted();
    const [id = ""] = Object.keys(record.requests);
    const ending = {
      kind: "canceled",
      by: { appId: "someone" },
      time: "2026-01-01T00:00:00Z",
    } as const;
    const request = record.requests[id];
    expect(request).toBeDefined();
    if (request === undefined) return;
    expect(
      find({
        operation,
        record: { ...record, requests: { [id]: { ...request, ending } } },
      }),
    ).toBeUndefined();
    expect(sameOperation(undefined, undefined, () => true)).toBeUndefined();
  });

  test("not where Azure shows another life of the version", () => {
    expect(
      find(applied(), lookOf("Succeeded", COMPLETED, { publishedDate: time(900) })),
    ).toBeUndefined();
  });

  test("not where Azure showed what it asked, and does so no more", () => {
    const west = regionField("westus");
    const look = lookOf("Succeeded", COMPLETED, {
      changes: { [`${west}/regionalReplicaCount`]: 9 },
    });
    expect(find(applied(), look)).toBeUndefined();
    // Nothing of it was shown yet: it will be.
    expect(find(accepted(), look)).toBe(first.id);
  });

  test("while a region of it is taken away for its repair", () => {
    const east = regionField("eastus2");
    const look = lookOf("Succeeded", COMPLETED, { changes: { [east]: null } });
    const { record, operation } = applied();
    expect(find({ record, operation }, look)).toBeUndefined();
    const repairs = { eastus2: { attempts: 0, removed: { [east]: null } } };
    expect(find({ record: { ...record, repairs, status: look }, operation }, look)).toBe(first.id);
  });
});

test("a PUT is another one by its body, regions, rule or ETag", () => {
  const body = managedImageRequest();
  const prints = [
    fingerprintOfPut(body, [], undefined, undefined),
    fingerprintOfPut({ ...body, tags: { a: "1" } }, [], undefined, undefined),
    fingerprintOfPut(body, ["westus"], undefined, undefined),
    fingerprintOfPut(body, [], { tag: "a=1" }, undefined),
    fingerprintOfPut(body, [], undefined, '"1"'),
  ];
  expect(new Set(prints).size).toBe(prints.length);
});
