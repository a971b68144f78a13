import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import { takeStep } from "../../../src/operation/dispatch.js";
import { failPoisoned } from "../../../src/operation/poison.js";
import { postponeOrFail } from "../../../src/operation/postponing.js";
import { recordKeyOf, type ArmCall } from "../../../src/operation/records.js";
import { commit, commitStep, currentFor } from "../../../src/operation/steps.js";
import { wait } from "../../../src/operation/waiting.js";
import { accepted, at, creating, KEY, nth, succeeded, time } from "../../support/transitions.js";
import { CONFLICT, createPorts, store, type Ports } from "./ports.js";
import { naming } from "../../support/naming.js";

const ID = nth(1);
const waits = (pair: ImageVersionPair) => wait(pair, "Busy.", 0, at(1));

const read = async (ports: Ports) =>
  (await ports.store.read(KEY)) ?? expect.fail("nothing is stored");

/** The store once others have written so many times between a read and the commit. */
function contested(ports: Ports, times: number, error: Error = CONFLICT): Ports {
  let left = times;
  return {
    ...ports,
    store: {
      ...ports.store,
      commit: (...args) => {
        left -= 1;
        return left >= 0 ? Promise.reject(error) : ports.store.commit(...args);
      },
    },
  };
}

test.each([
  [`${"a".repeat(32)}-1`, "a".repeat(32)],
  [`${"a".repeat(32)}-120`, "a".repeat(32)],
  [`x${"a".repeat(32)}-1`, undefined],
  [`${"a".repeat(32)}-1x`, undefined],
  [`${"a".repeat(32)}-0`, undefined],
  [`${"a".repeat(31)}-1`, undefined],
])("the record of operation %s is %s", (operationId, key) => {
  expect(recordKeyOf(operationId)).toBe(key);
});

describe("a message may act", () => {
  test.each([
    ["of the present step", ID, 0, true],
    ["of a step that is past", ID, -1, false],
    ["of another operation", nth(2), 0, false],
    ["of no operation", "nothing", 0, false],
    ["of a version that is not stored", `${"0".repeat(32)}-1`, 0, false],
  ])("%s", async (_, operationId, past, acts) => {
    const ports = createPorts();
    const { record } = await store(ports, creating());
    const message = { operationId, step: record.step + past };
    const current = await currentFor(ports, message);
    expect(current?.operation.id).toBe(acts ? ID : undefined);
  });

  test("once what the step before had to tell is told", async () => {
    const ports = createPorts();
    const { record } = await store(ports, accepted());
    const current = await currentFor(ports, {
      operationId: ID,
      step: record.step,
    });
    expect(current?.record.outbox).toEqual([]);
    expect(ports.published).toHaveLength(1);
  });
});

describe("a step is taken", () => {
  const KIND = creating().operation.kind;

  test("by what takes those of its kind, unless its operation has ended", async () => {
    const taken: string[] = [];
    const steps = {
      [KIND]: ({ operation }: { operation: { id: string } }) =>
        Promise.resolve(void taken.push(operation.id)),
    };
    for (const pair of [creating(), succeeded()]) {
      const ports = createPorts();
      const { record } = await store(ports, pair);
      await takeStep(ports, steps, { operationId: ID, step: record.step });
    }
    expect(taken).toEqual([ID]);
  });

  test("by nobody if its kind has nobody: the message is kept", async () => {
    const ports = createPorts();
    const { record } = await store(ports, creating());
    await expect(takeStep(ports, {}, { operationId: ID, step: record.step })).rejects.toThrow(
      expect.objectContaining({ name: "TypeError", message: naming([KIND]) }),
    );
  });
});

describe("a step", () => {
  test("is taken once, and told", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    const next = await commitStep(ports, stored, waits);
    expect(next?.stored.record.step).toBe(stored.record.step + 1);
    expect(ports.enqueued).toMatchObject([{ operationId: ID, step: stored.record.step + 1 }]);
    expect(await commitStep(ports, stored, waits)).toBeUndefined();
  });

  test("is decided anew on what another has written, while it is the same step", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    await ports.store.commit({ ...stored.record, updates: 7 }, stored.operation, stored);
    const next = await commitStep(ports, stored, waits);
    expect(next?.stored.record.updates).toBe(7);
  });

  test("is nobody's where what is stored is gone", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    const gone = contested(ports, 1);
    const read = () => Promise.resolve(undefined);
    expect(
      await commitStep({ ...gone, store: { ...gone.store, read } }, stored, waits),
    ).toBeUndefined();
  });

  test("is left to come again where others keep writing", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    expect(await commitStep(contested(ports, 4), stored, waits)).toBeDefined();
    const again = await read(ports);
    await expect(commitStep(contested(ports, 5), again, waits)).rejects.toMatchObject({
      code: "StateConflict",
      message: naming([again.record.resourceId]),
      retryAfterMs: 1_000,
    });
    await expect(
      commitStep(contested(ports, 1, new TypeError("It broke.")), again, waits),
    ).rejects.toThrow("It broke.");
  });

  test("writes down what was asked of ARM for it", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    const call = { method: "GET", url: "/x" } as unknown as ArmCall;
    ports.callsNoted = [call, call];
    const next = await commit(ports, waits(stored), stored);
    expect(next.operation.calls).toHaveLength(2);
    expect(ports.callsWritten).toBe(2);
  });
});

describe("a step that throws", () => {
  test("comes again where that may help", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    const error = new ServiceError("StateConflict", "ARM is busy.", {
      retryAfterMs: 90_000,
    });
    await postponeOrFail(ports, stored, error);
    const { record, operation } = await read(ports);
    expect(operation.waitReason).toBe("ARM is busy.");
    expect(record.dueTime).toBe(time(90));
  });

  test("ends the operation where it does not", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    const findings = [{ code: "F", pointer: "/x", message: "No." }];
    await postponeOrFail(
      ports,
      stored,
      new ServiceError("InvalidRequest", "It is wrong.", { findings }),
    );
    expect((await read(ports)).operation).toMatchObject({
      status: "Failed",
      error: {
        code: "InvalidRequest",
        message: "It is wrong.",
        errors: findings,
      },
    });
  });

  test("what nobody foresaw is thrown on", async () => {
    const ports = createPorts();
    const stored = await store(ports, creating());
    await expect(postponeOrFail(ports, stored, new TypeError("It broke."))).rejects.toThrow(
      "It broke.",
    );
  });
});

describe("a message that can never be processed", () => {
  test.each<[string, ImageVersionPair, string | undefined, number | undefined, boolean]>([
    ["of the present step", creating(), ID, 0, true],
    ["that names no step", creating(), ID, undefined, false],
    ["that names nothing", creating(), undefined, undefined, false],
    ["of a step that is past", creating(), ID, -1, false],
    ["of another operation", creating(), nth(2), 0, false],
    ["of one that has ended", succeeded(), ID, 0, false],
  ])("%s ends the operation: %s", async (_, pair, operationId, past, fails) => {
    const ports = createPorts();
    const { record } = await store(ports, pair);
    await failPoisoned(
      ports,
      {
        ...(operationId !== undefined && { operationId }),
        ...(past !== undefined && { step: record.step + past }),
      },
      "It is no JSON.",
    );
    const { operation } = await read(ports);
    expect(operation.error).toEqual(
      fails
        ? {
            code: "PoisonMessage",
            message: expect.stringMatching(/./u) as unknown,
            errors: [],
          }
        : undefined,
    );
  });
});
