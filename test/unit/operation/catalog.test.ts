import { describe, expect, test } from "vitest";
import {
  indexed,
  OPEN_SCOPE,
  operationScope,
  versionScope,
} from "../../../src/operation/catalog.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { LOCAL_SUBSCRIPTION_ID } from "../../../src/local/resource-manager/server.js";
import { seedVersionId, seedResource } from "../../support/requests.js";
import { accepted } from "../../support/transitions.js";

const subscriptionId = LOCAL_SUBSCRIPTION_ID;
const gallery = seedResource("galleries/MyGallery");
const image = seedResource("galleries/MyGallery/images/MyImage");

function operation(more: Partial<OperationRecord> = {}): OperationRecord {
  return { ...accepted().operation, ...more };
}

const scopes = (rows: readonly { scope: string }[]): string[] =>
  rows.map(({ scope }) => scope).sort();

test("a new operation has a row in each listing that it belongs to, with and without its status", () => {
  const { put, remove } = indexed(operation());
  expect(scopes(put)).toEqual(
    [
      OPEN_SCOPE,
      operationScope({}),
      operationScope({ subscriptionId }),
      operationScope({ gallery }),
      operationScope({ image }),
      operationScope({ status: "NotStarted" }),
      operationScope({ subscriptionId, status: "NotStarted" }),
      operationScope({ gallery, status: "NotStarted" }),
      operationScope({ image, status: "NotStarted" }),
      versionScope(image),
    ].sort(),
  );
  expect(remove).toEqual([]);
  expect(new Set(put.map(({ target }) => target))).toEqual(
    new Set([operation().id]),
  );
});

test("a change of status moves the rows of the status alone", () => {
  const { put, remove } = indexed(
    operation({ status: "Running" }),
    "NotStarted",
  );
  expect(scopes(put)).toEqual(
    [
      operationScope({ status: "Running" }),
      operationScope({ subscriptionId, status: "Running" }),
      operationScope({ gallery, status: "Running" }),
      operationScope({ image, status: "Running" }),
    ].sort(),
  );
  expect(scopes(remove)).toEqual(
    [
      operationScope({ status: "NotStarted" }),
      operationScope({ subscriptionId, status: "NotStarted" }),
      operationScope({ gallery, status: "NotStarted" }),
      operationScope({ image, status: "NotStarted" }),
    ].sort(),
  );
});

test("a change told again, when the status has gone on or come back, removes nothing that it puts", () => {
  const { put, remove } = indexed(operation({ status: "Running" }), "Running");
  expect(put).toHaveLength(4);
  expect(remove).toEqual([]);
});

test("an operation on a subscription is listed with all, and with those of its subscription", () => {
  const { put } = indexed(
    operation({ resourceId: `/subscriptions/${subscriptionId}` }),
    undefined,
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

test("of several places, the narrowest counts", () => {
  expect(operationScope({ subscriptionId, gallery, image })).toBe(
    operationScope({ image }),
  );
  expect(operationScope({ subscriptionId, gallery })).toBe(
    operationScope({ gallery }),
  );
});

test("scopes do not depend on the case of ids", () => {
  expect(operationScope({ gallery: gallery.toUpperCase() })).toBe(
    operationScope({ gallery: gallery.slice(1) }),
  );
  expect(operationScope({ subscriptionId: subscriptionId.toUpperCase() })).toBe(
    operationScope({ subscriptionId }),
  );
  expect(versionScope(image.toLowerCase())).toBe(versionScope(image));
});

describe("rows in the order of their text", () => {
  const rowOf = (scope: string, of: OperationRecord): string =>
    indexed(of).put.find((row) => row.scope === scope)?.row ?? "";

  test("are operations from the newest to the oldest", () => {
    const times = [
      "2026-01-01T00:00:00.000Z",
      "2026-01-01T00:00:00.001Z",
      "2026-12-31T23:59:59.999Z",
      "2031-01-01T00:00:00.000Z",
    ];
    const rows = times.map((createdTime) =>
      rowOf(operationScope({}), operation({ createdTime })),
    );
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
      rowOf(
        versionScope(image),
        operation({ resourceId: seedVersionId(name) }),
      ),
    );
    expect([...rows].sort()).toEqual([...rows].reverse());
  });

  test("tell two operations of one millisecond apart", () => {
    expect(
      rowOf(operationScope({}), operation({ id: `${"a".repeat(32)}-1` })),
    ).not.toBe(
      rowOf(operationScope({}), operation({ id: `${"b".repeat(32)}-1` })),
    );
  });

  test("have no character that Table Storage refuses in a key", () => {
    for (const { scope, row } of indexed(operation()).put)
      expect(`${scope}${row}`).toMatch(/^[\w.-]{1,512}$/u);
  });
});
