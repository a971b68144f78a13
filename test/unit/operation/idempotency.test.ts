import { beforeEach, expect, test } from "vitest";
import { bindKey, claimKey } from "../../../src/operation/idempotency.js";
import type {
  IdempotencyClaim,
  IdempotencyKeys,
  StateStore,
} from "../../../src/operation/ports.js";
import type { Requester, TrackedRecord } from "../../../src/operation/records.js";
import { createMemoryIdempotencyKeys } from "../../support/fakes/idempotency-keys.js";
import { createMemoryStore } from "../../support/fakes/state-store.js";
import {
  accepted,
  at,
  changeOf,
  KEY,
  nth,
  beside,
  replicating,
} from "../../support/transitions.js";

const ME: Requester = { appId: "build", objectId: "o", name: "n" };

let deps: {
  idempotencyKeys: IdempotencyKeys;
  store: StateStore<TrackedRecord>;
};
beforeEach(() => {
  deps = {
    idempotencyKeys: createMemoryIdempotencyKeys(() => at(0).now),
    store: createMemoryStore(),
  };
});

const claim = (
  idempotencyKey: string | undefined = "k",
  { by = ME, resource = KEY, fingerprint = "f" } = {},
) =>
  claimKey(
    deps,
    {
      requestedBy: by,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    },
    resource,
    fingerprint,
  );

test("of a CloudEvent it is the event's own, whoever sends it", async () => {
  const claimed = await Promise.all(
    [ME, { name: "urn:build" }, { ...ME, appId: "admin" }].map((requestedBy) =>
      claimKey(
        deps,
        { requestedBy, idempotencyKey: "k", event: { source: "s", id: "1" } },
        KEY,
        "f",
      ),
    ),
  );
  const keys = new Set(claimed.map(({ requestKey }) => requestKey));
  expect(keys.size).toBe(1);
  expect(keys).not.toContain((await claim()).requestKey);
});

test("without a key nothing is claimed", async () => {
  expect(await claimKey(deps, { requestedBy: ME }, KEY, "f")).toEqual({});
  await bindKey(deps, undefined, accepted().operation);
});

test("a key is hashed, and is its caller's own", async () => {
  const { requestKey } = await claim();
  expect(requestKey).toMatch(/^[0-9a-f]{64}$/u);
  const keys = await Promise.all([
    claim("k", { by: { ...ME, name: "other" } }),
    claim("l"),
    claim("k", { by: { ...ME, appId: "other" } }),
    claim("k", { by: { ...ME, objectId: "other" } }),
  ]);
  expect(keys.map((one) => one.requestKey === requestKey)).toEqual([true, false, false, false]);
});

test.each([
  ["of another resource", { resource: "other" }],
  ["that asks otherwise", { fingerprint: "g" }],
])("a key that was used for a request %s is refused", async (_, other) => {
  await claim();
  await expect(claim("k", other)).rejects.toMatchObject({
    code: "IdempotencyKeyReused",
  });
});

test("a key of release 0.1.0 told requests apart otherwise: it is of any request for its resource", async () => {
  const { requestKey = "" } = await claim();
  deps.idempotencyKeys = createMemoryIdempotencyKeys(() => at(0).now);
  await deps.idempotencyKeys.claim(requestKey, {
    resourceKey: KEY,
    fingerprint: "old",
    legacy: true,
  });
  expect(await claim()).toEqual({ requestKey });
  await expect(claim("k", { resource: "other" })).rejects.toMatchObject({
    code: "IdempotencyKeyReused",
    message: expect.any(String) as string,
  });
});

test("of a key that is claimed now, nothing earlier is looked for", async () => {
  const unread = {
    ...deps,
    store: {
      read: () => expect.fail("it was read"),
      readOperation: () => expect.fail("it was read"),
    },
  };
  expect(await claimKey(unread, { requestedBy: ME, idempotencyKey: "k" }, KEY, "f")).toEqual({
    requestKey: expect.any(String) as string,
  });
});

test("a key that has led to nothing yet leads to nothing earlier", async () => {
  await claim();
  expect(await claim()).not.toHaveProperty("earlier");
});

test("a key that is bound leads to its operation, whatever became of it", async () => {
  const { requestKey } = await claim();
  const { record, operation } = accepted();
  await deps.store.commit(record, operation, undefined);
  await bindKey(deps, requestKey, operation);
  expect((await claim()).earlier).toEqual(operation);
  // The first that is noted stays.
  await bindKey(deps, requestKey, { ...operation, id: nth(2) });
  expect((await claim()).earlier?.id).toBe(operation.id);
});

test("an operation that carries the key is noted by whoever tells of it", async () => {
  const { requestKey = "" } = await claim();
  const { operation } = accepted();
  await bindKey(deps, requestKey, { ...operation, requestKey });
  expect(
    await deps.idempotencyKeys.claim(requestKey, {
      resourceKey: KEY,
      fingerprint: "f",
    }),
  ).not.toHaveProperty("operationId");
});

test("a key that nobody lived to bind is found by the operation that carries it", async () => {
  const { requestKey = "" } = await claim();
  const pair = beside(replicating(), changeOf({}), { requestKey });
  await deps.store.commit(
    pair.record,
    pair.operation,
    undefined,
    pair.changedOperations ?? [pair.accepted],
  );
  await deps.store.commit(pair.record, pair.operation, await deps.store.read(KEY), [pair.accepted]);
  expect((await claim()).earlier?.id).toBe(pair.accepted.id);
  expect(await claim("l")).not.toHaveProperty("earlier");
});

test("a key that was claimed anew leads to nothing that its earlier claim has led to", async () => {
  const { requestKey = "" } = await claim();
  const { record, operation } = accepted();
  await deps.store.commit(record, { ...operation, requestKey }, undefined);
  const day = 86_400_000;
  const createdMs = Date.parse(operation.createdTime);
  const claimedAt = (ms: number) => ({
    ...deps.idempotencyKeys,
    claim: (_: string, value: IdempotencyClaim) =>
      Promise.resolve({ ...value, claimedTime: new Date(ms).toISOString() }),
  });
  deps.idempotencyKeys = claimedAt(createdMs + 30 * day);
  expect(await claim()).not.toHaveProperty("earlier");
  // The clocks of two hosts may be apart.
  deps.idempotencyKeys = claimedAt(createdMs + day);
  expect((await claim()).earlier?.id).toBe(operation.id);
});
