import { describe, expect, test } from "vitest";
import { indexed, OPEN_SCOPE, operationScope } from "../../../src/operation/catalog.js";
import { IMAGES_SCOPE, placeOf, versionNameIn, versionScope } from "../../../src/listings.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { seedVersionId, seedResource } from "../../support/requests.js";
import { accepted, at } from "../../support/transitions.js";

const subscriptionId = LOCAL_SUBSCRIPTION_ID;
const gallery = seedResource("galleries/MyGallery");
const image = seedResource("galleries/MyGallery/images/MyImage");

function operation(more: Partial<OperationRecord> = {}): OperationRecord {
  return { ...accepted().operation, ...more };
}

const inGallery = { place: placeOf({ gallery }) ?? "" };
const ofImage = { place: placeOf({ gallery, image }) ?? "" };

const scopes = (rows: readonly { scope: string }[]): string[] =>
  rows.map(({ scope }) => scope).sort();

test("a new operation has a row in each listing that it belongs to, with and without its status", () => {
  const { put, remove } = indexed(operation(), at(0));
  expect(scopes(put)).toEqual(
    [
      OPEN_SCOPE,
      operationScope({}),
      operationScope({ subscriptionId }),
      operationScope(inGallery),
      operationScope(ofImage),
      operationScope({ status: "NotStarted" }),
      operationScope({ subscriptionId, status: "NotStarted" }),
      operationScope({ ...inGallery, status: "NotStarted" }),
      operationScope({ ...ofImage, status: "NotStarted" }),
      versionScope(image),
      IMAGES_SCOPE,
    ].sort(),
  );
  expect(remove).toEqual([]);
  expect(new Set(put.map(({ target }) => target))).toEqual(new Set([operation().id, image]));
});

test("a change of status moves the rows of the status alone", () => {
  const { put, remove } = indexed(operation({ status: "Running" }), at(0), "NotStarted");
  expect(scopes(put)).toEqual(
    [
      operationScope({ status: "Running" }),
      operationScope({ subscriptionId, status: "Running" }),
      operationScope({ ...inGallery, status: "Running" }),
      operationScope({ ...ofImage, status: "Running" }),
    ].sort(),
  );
  expect(scopes(remove)).toEqual(
    [
      operationScope({ status: "NotStarted" }),
      operationScope({ subscriptionId, status: "NotStarted" }),
      operationScope({ ...inGallery, status: "NotStarted" }),
      operationScope({ ...ofImage, status: "NotStarted" }),
    ].sort(),
  );
});

test("a change told again, when the status has gone on or come back, removes nothing that it puts", () => {
  const { put, remove } = indexed(operation({ status: "Running" }), at(0), "Running");
  expect(put).toHaveLength(4);
  expect(remove).toEqual([]);
});

test("an operation on a subscription is listed with all, and with those of its subscription", () => {
  const { put } = indexed(
    operation({
      kind: "PrepareSubscription",
      resourceId: `/subscriptions/${subscriptionId}`,
    }),
    at(0),
  );
  expect(scopes(put)).toEqual(
    [
      OPEN_SCOPE,
      operationScope({}),
      operationScope({ subscriptionId }),
      operationScope({ status: "NotStarted" }),
      operationScope({ subscriptionId, status: "NotStarted" }),
    ].sort(),
  );
});

test("an operation on an image definition is listed with it, and is no version", () => {
  const { put } = indexed(operation({ kind: "RollBackImage", resourceId: image }), at(0));
  expect(scopes(put)).toContain(operationScope(ofImage));
  expect(scopes(put)).toContain(operationScope(inGallery));
  expect(scopes(put)).not.toContain(versionScope(image));
});

test("of several places, the narrowest counts", () => {
  expect(operationScope({ subscriptionId, ...inGallery })).toBe(operationScope(inGallery));
  expect(placeOf({ gallery, image })).toBe(placeOf({ image }));
  expect(placeOf({ gallery })).not.toBe(placeOf({ image }));
  expect(placeOf({})).toBeUndefined();
});

test("scopes do not depend on the case of ids", () => {
  expect(placeOf({ gallery: gallery.toUpperCase() })).toBe(placeOf({ gallery: gallery.slice(1) }));
  expect(operationScope({ subscriptionId: subscriptionId.toUpperCase() })).toBe(
    operationScope({ subscriptionId }),
  );
  expect(versionScope(image.toLowerCase())).toBe(versionScope(image));
});

describe("rows in the order of their text", () => {
  const rowOf = (scope: string, of: OperationRecord): string =>
    indexed(of, at(0)).put.find((row) => row.scope === scope)?.row ?? "";

  test("are operations from the newest to the oldest", () => {
    const times = [
      "2026-01-01T00:00:00.000Z",
      "2026-01-01T00:00:00.001Z",
      "2026-12-31T23:59:59.999Z",
      "2031-01-01T00:00:00.000Z",
    ];
    const rows = times.map((createdTime) => rowOf(operationScope({}), operation({ createdTime })));
    expect([...rows].sort()).toEqual([...rows].reverse());
  });

  test("are versions from the highest to the lowest, by number", () => {
    const names = [
      "0.0.0",
      "0.0.9",
      "0.0.10",
      "0.9.0",
      "1.0.0",
      "2.0.0",
      "10.0.0",
      "2147483647.0.0",
    ];
    const rows = names.map((name) =>
      rowOf(versionScope(image), operation({ resourceId: seedVersionId(name) })),
    );
    expect([...rows].sort()).toEqual([...rows].reverse());
    expect(rows.map((row) => versionNameIn({ row }))).toEqual(names);
  });

  test("tell two operations of one millisecond apart", () => {
    expect(rowOf(operationScope({}), operation({ id: `${"a".repeat(32)}-1` }))).not.toBe(
      rowOf(operationScope({}), operation({ id: `${"b".repeat(32)}-1` })),
    );
  });

  test("have no character that Table Storage refuses in a key", () => {
    for (const { scope, row } of indexed(operation(), at(0)).put)
      expect(`${scope}${row}`).toMatch(/^[\w.-]{1,512}$/u);
  });
});

test("the scope of a listing says its place and status, whatever the case of a subscription", () => {
  expect(operationScope({})).toBe("operations");
  expect(operationScope({ status: "Failed" })).toBe("operations-Failed");
  expect(operationScope({ subscriptionId: "AB" })).toBe("operations-subscription-ab");
  expect(operationScope({ subscriptionId: "AB", place: "p" })).toBe("operations-p");
});

test("an operation of no subscription is listed without one", () => {
  const { put } = indexed(
    operation({
      kind: "PrepareSubscription",
      resourceId: "/x/subscriptions/s",
    }),
    at(0),
  );
  expect(scopes(put)).toEqual(
    [OPEN_SCOPE, operationScope({}), operationScope({ status: "NotStarted" })].sort(),
  );
});

test("rows of operations are as long as one another: the newest is the first as text", () => {
  const row = (createdTime: string) =>
    indexed(operation({ createdTime }), at(0)).put.find(({ scope }) => scope === operationScope({}))
      ?.row ?? "";
  expect(row("2026-01-02T00:00:00Z") < row("2026-01-01T00:00:00Z")).toBe(true);
  expect(row("2286-11-20T00:00:00Z") < row("2026-01-01T00:00:00Z")).toBe(true);
});
