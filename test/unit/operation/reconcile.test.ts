import { describe, expect, test } from "vitest";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import { resendStep, wait } from "../../../src/operation/waiting.js";
import { openRow } from "../../../src/operation/catalog.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import {
  accepted,
  at,
  changeOf,
  creating,
  KEY,
  nth,
  beside,
  replicating,
  succeeded,
  time,
  told,
} from "../../support/transitions.js";
import { createPorts, store, type Ports } from "./ports.js";
import { naming } from "../../support/naming.js";

const ID = nth(1);
const NOTHING = {
  open: 0,
  delivered: 0,
  resent: 0,
  failed: 0,
  removed: 0,
  oldestOpenTime: undefined,
  errors: [],
};

const secondsOf = (rfc3339: string): number => (Date.parse(rfc3339) - Date.parse(time(0))) / 1_000;

/** What one run finds of the pair, so many seconds after it was to go on. */
async function found(
  pair: ImageVersionPair | undefined,
  secondsLate: number,
  {
    rows = [ID],
    dead = [] as string[],
    storedTime = pair?.record.resends === 0 ? pair.operation.lastUpdatedTime : pair?.record.dueTime,
  } = {},
) {
  const ports = createPorts(storedTime);
  if (pair !== undefined) await store(ports, pair);
  await ports.index.put(rows.map(openRow));
  ports.done.length = 0;
  const due = pair?.record.dueTime ?? time(0);
  ports.seconds = secondsOf(due) + secondsLate;
  ports.dead = dead;
  return { ports, result: await reconcile(ports) };
}

const OPEN = { ...NOTHING, open: 1, oldestOpenTime: time(0) };

test("the message of a step is not sent again before it is overdue", async () => {
  const pair = wait(told(creating()), "Busy.", 0, at(1));
  const { ports, result } = await found(pair, 119);
  expect(result).toEqual(OPEN);
  expect(ports.done).toEqual([]);
  const late = await found(pair, 120);
  expect(late.result).toEqual({ ...OPEN, resent: 1 });
  // Not the first once more.
  expect(late.ports.enqueued).toMatchObject([{ id: `${ID}:${pair.record.step}.1` }]);
});

describe("a step that a host whose clock is ten minutes ahead has stored", () => {
  const AHEAD = 600;
  const pair = wait(told(creating()), "Busy.", 0, at(1 + AHEAD));
  const resentAfter = async (stored: ImageVersionPair, secondsLate: number) =>
    (await found(stored, secondsLate - AHEAD, { storedTime: time(1) })).result.resent;

  test("is overdue by the store's clock", async () => {
    expect(await resentAfter(pair, 119)).toBe(0);
    expect(await resentAfter(pair, 120)).toBe(1);
  });

  test("and was sent again, waits no longer than that allows", async () => {
    const again = resendStep(pair, at(1 + AHEAD));
    expect(await resentAfter(again, 239)).toBe(0);
    expect(await resentAfter(again, 240)).toBe(1);
  });
});

test("a step is due when it says, where others write beside it", async () => {
  const pair = wait(told(creating()), "Busy.", 0, at(1));
  const { dueTime } = pair.record;
  const { result } = await found(pair, 120, { storedTime: dueTime });
  expect(result.resent).toBe(1);
});

test("where nothing is open, nothing is done", async () => {
  const { result } = await found(undefined, 0, { rows: [] });
  expect(result).toEqual(NOTHING);
});

test.each([
  [0, 119, 0],
  [0, 120, 1],
  [1, 239, 0],
  [1, 240, 1],
])(
  "a step whose message was sent again %d times and is %d s late is sent again: %d",
  async (resends, late, resent) => {
    const pair = replicating();
    const record = { ...pair.record, resends };
    const { ports, result } = await found({ ...pair, record }, late);
    expect(result).toEqual({ ...OPEN, resent });
    expect(ports.enqueued.map(({ step }) => step)).toEqual(resent === 1 ? [record.step] : []);
    expect(ports.done).not.toContain("findDead");
  },
);

test.each([
  [2, "resent"],
  [3, "failed"],
])("a step of which %d messages are dead is %s", async (count, outcome) => {
  const pair = replicating();
  const record = { ...pair.record, resends: 2 };
  const dead = ["first", "second", "last"].slice(0, count);
  const { ports, result } = await found({ ...pair, record }, 10_000, { dead });
  expect(ports.done).toContain("findDead");
  expect(result).toEqual({
    ...OPEN,
    [outcome]: 1,
    ...(outcome === "failed" && { oldestOpenTime: undefined }),
  });
  const stored = await ports.store.read(KEY);
  expect(stored?.operation.error?.message).toEqual(
    outcome === "failed" ? (naming(["3"]) as string) : undefined,
  );
});

test("what is stored and not told is told", async () => {
  const { ports, result } = await found(accepted(), 0);
  expect(result).toEqual({ ...OPEN, delivered: 1 });
  expect(ports.published).toHaveLength(1);
});

test("what has ended is open no more", async () => {
  const { ports, result } = await found(succeeded(), 0);
  expect(result).toEqual({ ...NOTHING, open: 1, removed: 1 });
  expect(await ports.open()).toEqual([]);
});

test.each([
  [119, 0],
  [120, 1],
])("a row without a state that is %d s old is removed: %d", async (late, removed) => {
  for (const rows of [[ID], ["nothing"]]) {
    const { ports, result } = await found(undefined, late, { rows });
    expect(result).toEqual(removed === 1 ? { ...NOTHING, open: 1, removed } : OPEN);
    expect(await ports.open()).toEqual(removed === 1 ? [] : rows);
  }
});

test.each([
  ["queued", nth(2), 0],
  ["neither current nor beside it", nth(9), 1],
])(
  "what is %s is looked after with the current operation, else removed",
  async (_, row, removed) => {
    const { accepted: __, ...pair } = beside(creating(), changeOf({}));
    const { ports, result } = await found(pair, -20, { rows: [row] });
    expect(result).toEqual(OPEN);
    ports.seconds = 1_000;
    expect(await reconcile(ports)).toMatchObject({ removed, resent: 0 });
  },
);

test("what is queued has what is stored and not told told with it", async () => {
  const { accepted: _, ...pair } = beside(creating(), changeOf({}));
  const { outbox } = accepted().record;
  const untold = { ...pair, record: { ...pair.record, outbox } };
  const { result } = await found(untold, 0, { rows: [nth(2)] });
  expect(result).toEqual({ ...OPEN, delivered: 1 });
});

test("one that cannot be looked after does not keep the others from it", async () => {
  const ports = createPorts();
  await store(ports, told(replicating()));
  const other = `${"0".repeat(KEY.length)}-1`;
  await ports.index.put([openRow(other), openRow(ID)]);
  ports.seconds = 10_000;
  const error = new TypeError("It broke.");
  const broken: Ports = {
    ...ports,
    store: {
      ...ports.store,
      read: (key) => (key === KEY ? ports.store.read(key) : Promise.reject(error)),
    },
  };
  expect(await reconcile(broken)).toEqual({
    ...OPEN,
    open: 2,
    resent: 1,
    errors: [{ operationId: other, error }],
  });
});

test("every page is read, and the oldest that is open is told", async () => {
  const ports = createPorts();
  const pages = [
    {
      rows: [{ ...openRow("a"), writtenTime: time(50) }],
      continuationToken: "n",
    },
    {
      rows: [
        { ...openRow("b"), writtenTime: time(20) },
        { ...openRow("c"), writtenTime: time(40) },
      ],
    },
  ];
  const asked: unknown[] = [];
  const paged: Ports = {
    ...ports,
    seconds: 60,
    index: {
      ...ports.index,
      page: (listing, size, from) => {
        asked.push([listing, size, from]);
        return Promise.resolve(pages[asked.length - 1] ?? { rows: [] });
      },
    },
  };
  expect(await reconcile(paged)).toEqual({
    ...NOTHING,
    open: 3,
    oldestOpenTime: time(20),
  });
  expect(asked).toEqual([
    ["open", 100, undefined],
    ["open", 100, "n"],
  ]);
});
