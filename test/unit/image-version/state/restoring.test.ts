import { describe, expect, it } from "vitest";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { decideRestore } from "../../../../src/image-version/state/restoring.js";
import {
  accepted,
  acceptingOf,
  at,
  COMPLETED,
  lookOf,
  time,
  withRecord,
} from "../../../support/transitions.js";
import { accept } from "../../../../src/image-version/telling/accept.js";
import { beginSending, restored } from "../../../support/decisions.js";

const asked = accept(acceptingOf({ patch: {} }, { kind: "RestoreImageVersion" }), undefined, at(0));
const deleted = { name: "1.0.0", location: "westus" };
const look = lookOf("Succeeded", COMPLETED);

/** A restore that was sent after 100 s. */
const sent = (answer: "none" | "accepted", more: Partial<ImageVersionRecord> = {}) =>
  withRecord(asked, {
    state: "Restoring",
    changedTime: time(0),
    write: {
      changes: {},
      sentTime: time(100),
      answer,
      sentFor: [asked.operation.id],
      restores: true,
    },
    ...more,
  }).record;
const canceled = {
  requests: {
    [asked.operation.id]: {
      patch: {},
      ending: {
        kind: "canceled",
        by: { appId: "a-person" },
        time: time(150),
      },
    },
  },
} as const;
const decided = (
  record: ImageVersionRecord,
  seen: Partial<Parameters<typeof decideRestore>[2]>,
  seconds: number,
) =>
  decideRestore(
    record,
    asked.operation.id,
    { look: undefined, deleted: undefined, ...seen },
    at(seconds),
  );

describe("a restore is sent", () => {
  it("where Azure lists the version as deleted, and shows none", () => {
    expect(decided(asked.record, { deleted }, 10)).toEqual({
      kind: "restore",
      id: asked.operation.id,
      location: "westus",
    });
    expect(decided(asked.record, { deleted, look }, 10).kind).toBe("poll");
  });

  it("again once one without an answer can no longer be under way (1)", () => {
    expect(decided(sent("none"), { deleted }, 339).kind).toBe("poll");
    expect(decided(sent("none"), { deleted }, 340).kind).toBe("restore");
  });

  it("never again once it is accepted, or canceled (4)", () => {
    expect(decided(sent("accepted"), { deleted }, 699).kind).toBe("poll");
    expect(decided(sent("accepted"), { deleted }, 700)).toMatchObject({
      kind: "failed",
      failure: { code: "NotShown" },
    });
    const without = sent("none", canceled);
    expect(decided(without, { deleted }, 699).kind).toBe("poll");
    expect(decided(without, { deleted }, 700)).toMatchObject({
      kind: "failed",
      failure: { code: "NotRestored" },
    });
  });
});

describe("a version is restored", () => {
  it("once Azure shows it and lists it as deleted no more (2)", () => {
    expect(decided(sent("accepted"), { look }, 110)).toEqual({
      kind: "restored",
      look,
    });
    expect(decided(sent("accepted"), { look, deleted }, 110).kind).toBe("poll");
  });

  it("by others, once what Azure shows cannot be of before its deletion", () => {
    const record = { ...asked.record, changedTime: time(0) };
    expect(decided(record, { look }, 599)).toMatchObject({
      kind: "poll",
      why: expect.stringContaining("as before its deletion") as string,
    });
    expect(decided(record, { look }, 600).kind).toBe("restored");
  });

  it("not while Azure deletes it", () => {
    const deleting = lookOf("Deleting", COMPLETED);
    expect(decided(sent("accepted"), { look: deleting }, 700).kind).toBe("poll");
  });
});

it("what Azure neither shows nor lists, time after time, is deleted for good (3)", () => {
  const record = { ...accepted().record, changedTime: time(0) };
  expect(decided(record, {}, 599).kind).toBe("poll");
  expect(decided(record, {}, 600)).toMatchObject({
    kind: "failed",
    failure: { code: "NotRestorable" },
  });
});

describe("what becomes of a restore is said", () => {
  const lastOf = ({ operation }: ReturnType<typeof restored>) => operation.history.at(-1)?.message;
  const begin = () => beginSending(asked, "Restoring", asked.operation.id, at(100));

  it("as it is sent, and where it is sent again", () => {
    const begun = begin();
    expect(lastOf(begun)).toBe("The restore request is sent to Azure Resource Manager.");
    expect(begun.operation).not.toHaveProperty("warnings");
    const again = beginSending(begun, "Restoring", begun.operation.id, at(400));
    expect(again.operation.history).toEqual(begun.operation.history);
    expect(again.operation.waitReason).toContain("sent again");
  });

  it("once Azure shows the version, and where others have restored it", () => {
    expect(lastOf(restored(asked, look, at(800)))).toBe(
      "Azure shows the version again, restored by others. Sigil follows its regions.",
    );
  });
});
