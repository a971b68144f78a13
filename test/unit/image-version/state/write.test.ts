import { describe, expect, it } from "vitest";
import { diskEncryptionReferences } from "../../../../src/image-version/properties/disk-encryption-references.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { reconcile } from "../../../../src/image-version/state/reconcile.js";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  lookOf,
  beside as asking,
  REPLICATING,
  step,
  succeeded,
  time,
  told,
  toldOf,
  withRecord,
} from "../../../support/transitions.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  beginWrite,
  writeAccepted,
  writePostponed,
  writeRefused,
} from "../../../support/decisions.js";

const UK = regionField("uksouth");
const REFUSED = { code: "BadRequest", message: "ARM refuses it.", errors: [] };

/** Two updates of a version that is ready, to be sent together. */
function two(base = succeeded()): ImageVersionPair {
  const one = asking(base, changeOf({ "/tags/a": "1" }), {}, at(1_000));
  const { record, operation } = asking(one, changeOf({ "/tags/b": "2" }), {}, at(1_000));
  return { record, operation };
}
function sending(pair: ImageVersionPair, seconds = 1_000): ImageVersionPair {
  const decided = reconcile(pair.record, at(seconds));
  if (decided.kind !== "put") throw new Error(decided.kind);
  return beginWrite(told(pair), decided, at(seconds));
}

describe("before a PUT is sent", () => {
  it("the message that will look at what became of it is on its way, once the PUT can no longer be under way (1)", () => {
    const { record } = sending(accepted());
    expect(record.outbox.some(({ kind }) => kind === "message")).toBe(true);
    expect(record.dueTime).toBe(time(1_000 + 120));
  });

  it("what it changes is stored, with those it is sent for (2)", () => {
    const { record } = sending(two());
    expect(record.write).toEqual({
      changes: { "/tags/a": "1", "/tags/b": "2" },
      sentTime: time(1_000),
      answer: "none",
      sentFor: Object.keys(record.requests),
    });
    expect(Object.values(record.requests).every(({ sent }) => sent)).toBe(true);
    expect(record.updates).toBe(1);
  });

  it("what is sent is said in the history of each operation that it is sent for", () => {
    const { operation, record } = sending(two());
    for (const { history } of [operation, ...record.members])
      expect(history.at(-1)?.state).toBe("Updating");
  });

  it("and of no other", () => {
    const { operation, record } = sending(withRecord(two(), { window: 1 }));
    const [alone, other] = [operation, ...record.members];
    expect(alone.history).toHaveLength(2);
    expect(other?.history).toHaveLength(1);
    expect(toldOf({ record, operation })).toEqual(["2/updating/1"]);
  });

  it("what is Sigil's own is told once, however often ARM does not take it", () => {
    const region = {
      name: "eastus2",
      state: "Failed",
      progress: 10,
      attempts: 1,
    } as const;
    const repairing = withRecord(
      asking(succeeded(), changeOf({ "/tags/a": "1" }, { appliedTime: time(1) }), {}, at(1_000)),
      {
        regions: [region],
        status: lookOf("Failed", { ...COMPLETED, eastus2: ["Failed", 10] }),
        repairs: { eastus2: { attempts: 0, dueTime: time(900) } },
      },
    );
    const once = sending(repairing);
    expect(toldOf(once)).toEqual(["2/updating/1"]);
    const again = sending(writePostponed(once, at(1_100)), 1_100);
    expect(toldOf(again)).toEqual([]);
    expect(again.operation.history).toEqual(once.operation.history);
  });

  it("a creation is told once, and is no update", () => {
    const pair = sending(accepted());
    expect(toldOf(pair)).toEqual(["1/creating"]);
    expect(pair.record.updates).toBe(0);
  });
});

describe("what ARM refuses of several (3)", () => {
  const refused = writeRefused(sending(two()), REFUSED, at(1_001));

  it("is sent again one by one", () => {
    expect(refused.record).toMatchObject({ window: 1 });
    expect(refused.record.write).toBeUndefined();
    expect(sending(refused).record.write?.changes).toEqual({ "/tags/a": "1" });
  });

  it("the one at fault fails, and the other does not", () => {
    const [first] = Object.keys(refused.record.requests);
    const alone = writeRefused(sending(refused), REFUSED, at(1_002));
    expect(Object.keys(alone.record.requests)).not.toContain(first);
    expect(alone.changedOperations?.find(({ id }) => id === first)).toMatchObject({
      status: "Failed",
      error: { code: "BadRequest" },
    });
    const next = step(alone, lookOf("Succeeded", COMPLETED), at(1_003));
    expect(next.put?.changes).toEqual({ "/tags/b": "2" });
  });

  it("all go together again once nothing is unmet", () => {
    const base = applied();
    const once = writeRefused(sending(two(base)), REFUSED, at(1_001));
    const alone = writeRefused(sending(once), REFUSED, at(1_002));
    const look = (changes = {}) => lookOf("Succeeded", REPLICATING, { changes });
    const sent = step(alone, look(), at(1_003)).pair;
    expect(sent.record.window).toBe(1);
    const shown = step(sent, look({ "/tags/b": "2" }), at(1_020)).pair;
    expect(shown.record.window).toBeUndefined();
  });
});

it("the set that ARM does not find any more is pointed at in the body", () => {
  const [, reference] = diskEncryptionReferences(managedImageRequest());
  const { pointer = "", diskEncryptionSetId = "" } = reference ?? {};
  const refusal = (id: string) => ({
    code: "ResourceManagerRefused",
    message: "ARM refuses it.",
    errors: [
      {
        code: "DiskEncryptionSetNotFound",
        pointer: "",
        message: `The disk encryption set ${id} was not found`,
      },
    ],
  });
  const pointersOf = (id: string) =>
    writeRefused(creating(), refusal(id), at(2)).operation.error?.errors.map((one) => one.pointer);
  expect(pointersOf(diskEncryptionSetId.toUpperCase())).toEqual([pointer]);
  expect(pointersOf(`${diskEncryptionSetId}0`)).toEqual([""]);
});

describe("what ARM has accepted", () => {
  it("is followed, and known as accepted", () => {
    const { record } = writeAccepted(creating(), "https://arm.example/1", at(2));
    expect(record).toMatchObject({
      state: "Replicating",
      write: { answer: "accepted" },
      armOperationUrl: "https://arm.example/1",
    });
    expect(record.regions).toMatchObject([{ attempts: 1 }, { attempts: 1 }]);
  });

  it("is another attempt of the regions whose copies it makes again", () => {
    const change = {
      [`${regionField("eastus2")}/regionalReplicaCount`]: 3,
      [`${UK}/name`]: "uksouth",
    };
    const pair = writeAccepted(
      sending(asking(succeeded(), changeOf(change), {}, at(1_000))),
      undefined,
      at(1_001),
    );
    expect(pair.record.regions).toMatchObject([
      { name: "westus", state: "Completed", attempts: 1 },
      {
        name: "eastus2",
        state: "Unknown",
        progress: 0,
        attempts: 2,
        recopying: "sent",
      },
      { name: "uksouth", state: "Unknown", attempts: 1 },
    ]);
  });

  it("is no other attempt where flags alone change", () => {
    const demotion = {
      patch: {},
      release: { kind: "exclude", by: "person" },
    } as const;
    const pair = writeAccepted(
      sending(asking(succeeded(), demotion, {}, at(1_000))),
      undefined,
      at(1_001),
    );
    expect(pair.record.regions).toMatchObject([{ state: "Completed" }, { state: "Completed" }]);
  });
});

describe("what ARM does not take now", () => {
  it("has begun nothing: it is forgotten, and sent again as it is then", () => {
    const { record } = writePostponed(sending(two()), at(1_001));
    expect(record.write).toBeUndefined();
    expect(Object.keys(record.requests)).toHaveLength(2);
  });

  it("leaves a region that was to be taken away there, and due", () => {
    const pair = sending(two());
    const { write } = pair.record;
    const removed = { [`${regionField("eastus2")}/name`]: "eastus2" };
    const away = {
      ...pair,
      record: {
        ...pair.record,
        ...(write && {
          write: { ...write, changes: { [regionField("eastus2")]: null } },
        }),
        repairs: { eastus2: { attempts: 1, removed } },
      },
    };
    expect(writePostponed(away, at(1_001)).record.repairs).toEqual({
      eastus2: { attempts: 1, dueTime: time(1_001) },
    });
  });
});
