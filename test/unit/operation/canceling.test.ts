import { beforeEach, describe, expect, test } from "vitest";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import { cancel, cancelOperation } from "../../../src/operation/canceling.js";
import type { Kind, OperationDependencies, StateStore } from "../../../src/operation/ports.js";
import { KINDS } from "../../../src/kinds.js";
import type { Pair, TrackedRecord } from "../../../src/operation/records.js";
import { ServiceError } from "../../../src/errors.js";
import { isFinalState } from "../../../src/operation/states.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { eventMistakes } from "../events/document.js";
import { createWorld } from "../../support/world.js";
import {
  accepted,
  at,
  changeOf,
  eventsOf,
  KEY,
  nth,
  beside,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
} from "../../support/transitions.js";

const BY = { name: "me" };
const OPEN = Object.entries<Kind>(KINDS).flatMap(([kind, { states }]) =>
  Object.entries(states)
    .filter(([, state]) => !isFinalState(state))
    .map(([state]) => [kind, state] as const),
);

function inState(kind: string, state: string): ImageVersionPair {
  const { record, operation } = replicating();
  return {
    record: { ...record, state: state as never, dueTime: time(100) },
    operation: {
      ...operation,
      kind,
      ...(kind === "PrepareSubscription" && {
        resourceId: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`,
      }),
      ...(kind === "TestImageVersion" && { detail: [] }),
      ...(kind === "RollBackImage" && {
        detail: { from: "1.0.1", to: "1.0.0", regions: [] },
      }),
      ...(kind === "RunBatch" && {
        detail: { command: "patchImageVersion", counts: {}, items: [] },
      }),
    },
  };
}

describe("the only operation that has begun", () => {
  test.each(OPEN)(
    "of kind %s ends Canceled in %s, and says what becomes of what it began",
    (kind, state) => {
      const after = cancel(inState(kind, state), nth(1), BY, at(60));
      expect(after.record.state).toBe("Canceled");
      expect(after.operation).toMatchObject({
        status: "Canceled",
        canceledBy: BY,
        endTime: time(60),
      });
      const [event] = eventsOf(after);
      expect(event).toMatchObject({
        type: expect.stringMatching(/^Sigil[.]\w+[.]\w*Canceled$/u) as string,
        data: {
          canceledBy: BY,
          consequence: expect.stringMatching(/.{20}\.$/u) as string,
        },
      });
      expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
      expect(after.operation.history.at(-1)?.message).toMatch(/^Canceled\. [A-Z]/u);
    },
  );
});

test("one of several that have begun ends alone", () => {
  const pair = replicating();
  const member = { ...pair.operation, id: nth(2) };
  const both = { ...pair, record: { ...pair.record, members: [member] } };
  for (const number of [1, 2]) {
    const after = cancel(both, nth(number), BY, at(60));
    expect(after.record.state).toBe("Replicating");
    expect(toldOf(after)).toEqual([`${number}/canceled`]);
    expect(eventsOf(after)[0]?.data).toMatchObject({
      consequence: expect.stringContaining("other operations") as string,
    });
  }
});

describe("a caller who cancels", () => {
  let store: StateStore<TrackedRecord>;
  let deps: OperationDependencies<TrackedRecord>;
  beforeEach(() => {
    deps = createWorld().deps.operations;
    ({ store } = deps);
  });
  const put = ({ record, operation, changedOperations }: Pair<TrackedRecord>) =>
    store.commit(record, operation, undefined, changedOperations);
  const cancelled = (number = 1) => cancelOperation(deps, nth(number), BY);

  test("is answered the operation, Canceled, however often", async () => {
    await put(accepted());
    expect(await cancelled()).toMatchObject({
      status: "Canceled",
      canceledBy: BY,
    });
    expect(await cancelled()).toMatchObject({ status: "Canceled" });
    expect((await store.read(KEY))?.record).toMatchObject({
      state: "Canceled",
      outbox: [],
    });
  });

  test("is answered it Running, and who has canceled it, while there is something to see to", async () => {
    await put(told(replicating()));
    expect(await cancelled()).toMatchObject({
      status: "Running",
      canceledBy: BY,
    });
    expect(await cancelled()).toMatchObject({
      status: "Running",
      canceledBy: BY,
    });
  });

  test("lets the next in the queue begin", async () => {
    const first = told(accepted());
    await put(beside(first, changeOf({ "/tags/a": "1" })));
    await store.commit(
      (await store.read(KEY))?.record ?? expect.fail("nothing is stored"),
      first.operation,
      await store.read(KEY),
    );
    await cancelled();
    expect((await store.read(KEY))?.operation.id).toBe(nth(2));
  });

  test("of an operation that is none is told so", async () => {
    await expect(cancelled()).rejects.toMatchObject({ code: "NotFound" });
    await expect(cancelOperation(deps, "none", BY)).rejects.toMatchObject({
      code: "NotFound",
    });
  });

  test("of one that has ended otherwise is told so", async () => {
    await put(succeeded());
    await expect(cancelled()).rejects.toMatchObject({
      code: "OperationEnded",
      message: expect.stringContaining("ended Succeeded") as string,
    });
  });

  test("tries again where another writer has come first, and gives up after a while", async () => {
    await put(accepted());
    const after = (conflicts: number) => {
      let left = conflicts;
      const commit: typeof store.commit = (...all) => {
        if (all[0].state !== "Canceled" || left === 0) return store.commit(...all);
        left -= 1;
        return Promise.reject(new ServiceError("StateConflict", "Another.", { retryAfterMs: 1 }));
      };
      return cancelOperation({ ...deps, store: { ...store, commit } }, nth(1), BY);
    };
    await expect(after(10)).rejects.toMatchObject({ code: "StateConflict" });
    expect(await after(8)).toMatchObject({ status: "Canceled" });
  });
});
