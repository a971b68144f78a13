import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { digestOf } from "../../../src/image-version/digest.js";
import { versionScope } from "../../../src/listings.js";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import { fail } from "../../../src/operation/failing.js";
import { deliver, isStateConflict, isTold } from "../../../src/operation/outbox.js";
import type { Effect } from "../../../src/operation/records.js";
import { commitStep } from "../../../src/operation/steps.js";
import { wait } from "../../../src/operation/waiting.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf } from "../../support/dependencies.js";
import {
  accepted,
  at,
  creating,
  KEY,
  nth,
  succeeded,
  told,
  VERSION_ID,
} from "../../support/transitions.js";
import { CONFLICT, createPorts, store, type Ports } from "./ports.js";

const FAILURE = { code: "X", message: "No.", errors: [] };

test("what is stored is told, and is to be told no more", async () => {
  const ports = createPorts();
  const stored = await store(ports, accepted());
  const told = await deliver(ports, stored);
  expect(ports.published).toMatchObject([{ type: "Sigil.ImageVersion.Accepted" }]);
  expect(ports.enqueued).toMatchObject([{ operationId: nth(1), step: 1 }]);
  expect(await ports.open()).toEqual([nth(1)]);
  expect(told.record.outbox).toEqual([]);
  expect(await ports.store.read(KEY)).toEqual(told);
});

test("where nothing is to be told, nothing is done", async () => {
  const ports = createPorts();
  const stored = await store(ports, told(accepted()));
  ports.done.length = 0;
  expect(await deliver(ports, stored)).toBe(stored);
  expect(ports.done).toEqual([]);
});

test("invariant 5: where the message of the present step alone is told, nothing is written", async () => {
  const ports = createPorts();
  const stored = await store(ports, wait(told(creating()), "Busy.", 0, at(1)));
  expect(stored.record.outbox).toMatchObject([{ kind: "message" }]);
  ports.done.length = 0;
  const after = await deliver(ports, stored);
  expect(ports.done).toEqual(["enqueue"]);
  expect(after).toEqual({
    ...stored,
    record: { ...stored.record, outbox: [] },
  });
  expect(await ports.store.read(KEY)).toEqual(stored);
});

test("invariant 5: the message of another step is told, and told no more", async () => {
  const ports = createPorts();
  const { record, ...rest } = wait(told(creating()), "Busy.", 0, at(1));
  const stored = await store(ports, {
    ...rest,
    record: { ...record, step: record.step + 1 },
  });
  await deliver(ports, stored);
  expect((await ports.store.read(KEY))?.record.outbox).toEqual([]);
});

test("invariant 3: an operation stays open until all else is told", async () => {
  const ports = createPorts();
  await ports.index.put([{ scope: "open", row: nth(1), target: nth(1) }]);
  const stored = await store(ports, fail(creating(), FAILURE, at(1)));
  ports.done.length = 0;
  await deliver(ports, stored);
  expect(ports.done).toEqual(["put", "enqueue", "publish", "put", "commit", "close"]);
  expect(await ports.open()).toEqual([]);
});

test("invariant 3: whoever dies before it is stored that all is told leaves it to the reconciler", async () => {
  const ports = createPorts();
  await ports.index.put([{ scope: "open", row: nth(1), target: nth(1) }]);
  const stored = await store(ports, fail(creating(), FAILURE, at(1)));
  const commit = () => Promise.reject(new TypeError("It died."));
  const dying = { ...ports, store: { ...ports.store, commit } };
  await expect(deliver(dying, stored)).rejects.toThrow("It died.");
  expect(await ports.open()).toEqual([nth(1)]);
});

test("invariant 3: what has not ended stays open", async () => {
  const ports = createPorts();
  await deliver(ports, await store(ports, accepted()));
  expect(ports.done).not.toContain("close");
});

describe("invariant 6: what a listing says of an ended version", () => {
  const rows = async (ports: Ports) => {
    const scope = versionScope(imageIdOf(idOf(VERSION_ID)));
    return (await ports.index.page(scope, 10)).rows.map(({ target, digest }) => [target, digest]);
  };
  const digest = (pair: ImageVersionPair) => JSON.stringify(digestOf(pair.record));

  test("is made of the stored state", async () => {
    const ports = createPorts();
    const stored = await store(ports, fail(creating(), FAILURE, at(1)));
    await deliver(ports, stored);
    expect(await rows(ports)).toEqual([[`${nth(1)} ${stored.etag}`, digest(stored)]]);
  });

  test("is nothing where the end could not be stored", async () => {
    const ports = createPorts();
    const stored = await store(ports, told(creating()));
    const commit = () => Promise.reject(CONFLICT);
    const other = { ...ports, store: { ...ports.store, commit } };
    const ends = commitStep(other, stored, (pair) => fail(pair, FAILURE, at(1)));
    await expect(ends).rejects.toMatchObject({ code: "StateConflict" });
    expect(await rows(ports)).toEqual([]);
  });

  test("is that of the newer state where another has written since", async () => {
    const ports = createPorts();
    const stored = await store(ports, fail(creating(), FAILURE, at(1)));
    const { record, operation } = told(succeeded());
    const newer = await ports.store.commit(record, operation, stored);
    await deliver(ports, stored);
    expect(await rows(ports)).toEqual([[`${nth(1)} ${newer.etag}`, digest(newer)]]);
  });

  test("is nothing while one is under way", async () => {
    const ports = createPorts();
    const pair = told(creating());
    const outbox = [{ kind: "close", operationId: nth(9) }] as const;
    await deliver(ports, await store(ports, { ...pair, record: { ...pair.record, outbox } }));
    expect(await rows(ports)).toEqual([]);
  });
});

test("where another writer has gone on, its state is the newer", async () => {
  const ports = createPorts();
  const stored = await store(ports, accepted());
  const { record, operation } = told(accepted());
  const newer = await ports.store.commit({ ...record, step: 9 }, operation, stored);
  expect(await deliver(ports, stored)).toEqual(newer);
});

test("where what is stored cannot be read again, it is what was read", async () => {
  const ports = createPorts();
  const stored = await store(ports, accepted());
  const gone = {
    ...ports,
    store: {
      ...ports.store,
      commit: () => Promise.reject(CONFLICT),
      read: () => Promise.resolve(undefined),
    },
  };
  expect(await deliver(gone, stored)).toBe(stored);
});

test("what fails otherwise is thrown", async () => {
  const ports = createPorts();
  const stored = await store(ports, accepted());
  const broken = {
    ...ports,
    store: {
      ...ports.store,
      commit: () => Promise.reject(new TypeError("It broke.")),
    },
  };
  await expect(deliver(broken, stored)).rejects.toThrow("It broke.");
  expect(isStateConflict(CONFLICT)).toBe(true);
  expect(isStateConflict(new TypeError("It broke."))).toBe(false);
  expect(isStateConflict({ code: "StateConflict" })).toBe(false);
  expect(isStateConflict(new ServiceError("NotFound", "None."))).toBe(false);
});

describe("what must be known of a state is told", () => {
  const pair = told(creating());
  const { record, operation } = pair;
  const isKnown = (...outbox: Effect[]): boolean =>
    isTold({ record: { ...record, outbox }, operation });
  const present =
    wait(pair, "Busy.", 0, at(1)).record.outbox.find(({ kind }) => kind === "message") ??
    expect.fail("it sends no message");
  const event =
    accepted().record.outbox.find(({ kind }) => kind === "event") ??
    expect.fail("it tells nothing");
  const close: Effect = { kind: "close", operationId: nth(1) };
  const rows: Effect = { kind: "index", put: [], remove: [] };

  test("though events wait, and so its operation stays open", () => {
    expect(isKnown()).toBe(true);
    expect(isKnown(event, close)).toBe(true);
  });

  test("not while a listing, or another step's message, is missing", () => {
    expect(isKnown(event, rows)).toBe(false);
    expect(isKnown(present)).toBe(false);
    const begun = { ...record, step: record.step + 1 };
    expect(isTold({ record: { ...begun, outbox: [present, event] }, operation })).toBe(true);
    const other = { ...operation, id: nth(9) };
    expect(isTold({ record: { ...begun, outbox: [present] }, operation: other })).toBe(false);
  });
});
