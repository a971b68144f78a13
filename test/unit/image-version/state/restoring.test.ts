import { describe, expect, test } from "vitest";
import { accept } from "../../../../src/image-version/state/accepting.js";
import {
  endedLife,
  withoutLife,
} from "../../../../src/image-version/state/adoption.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  awaitRestore,
  beginRestore,
  decideRestore,
  restored,
  restoreRefused,
  restoreTaken,
  type Seen,
} from "../../../../src/image-version/state/restoring.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  acceptingOf,
  at,
  changeOf,
  COMPLETED,
  effectsOf,
  lookOf,
  succeeded,
  time,
  told,
  toldOf,
  VERSION_ID,
} from "../../../support/transitions.js";

const LISTED = { name: "1.0.0", location: "westus" };
const NOTHING: Seen = { look: undefined, deleted: undefined };
const SHOWN = lookOf("Succeeded", COMPLETED, { seconds: 2_000 });

/** The version was made, and is gone; its restore is accepted after so many seconds. */
function requested(
  seconds = 2_000,
  life: Partial<ImageVersionRecord> = {},
): ImageVersionPair {
  const made = { ...succeeded().record, ...life };
  const now = at(1_000).now;
  return told(
    accept(
      acceptingOf(changeOf({}, { byHand: true }), {
        kind: "RestoreImageVersion",
      }),
      { ...withoutLife(made, now), ...endedLife(made, now) },
      at(seconds),
    ),
  );
}

const sent = (seconds = 2_000): ImageVersionPair =>
  told(beginRestore(requested(), undefined, at(seconds)));

const taken = (seconds = 2_000): ImageVersionPair =>
  told(restoreTaken(sent(seconds), "https://arm/1", at(seconds + 1)));

const decide = (
  { record }: ImageVersionPair,
  seen: Seen,
  seconds: number,
): string => {
  const decision = decideRestore(record, seen, at(seconds));
  return decision.kind === "wait" ? decision.why : decision.kind;
};

describe("what comes next", () => {
  test.each<[string, Seen, string]>([
    [
      "Azure lists it and does not show it",
      { look: undefined, deleted: LISTED },
      "send",
    ],
    [
      "Azure shows it and lists it no more",
      { look: SHOWN, deleted: undefined },
      "restored",
    ],
    [
      "Azure shows it and lists it",
      { look: SHOWN, deleted: LISTED },
      "Azure shows the version, and lists it as deleted: one of both is behind.",
    ],
    [
      "somebody deletes it again",
      { look: lookOf("Deleting"), deleted: undefined },
      "Azure is deleting the version.",
    ],
    [
      "neither is so",
      NOTHING,
      "Azure does not show the version, and does not list it as deleted.",
    ],
  ])("where %s", (_, seen, expected) => {
    expect(decide(requested(), seen, 2_000)).toBe(expected);
  });

  test("a look from before the deletion is no restore of others", () => {
    const pair = requested(1_100);
    const seen = {
      look: lookOf("Succeeded", COMPLETED, { seconds: 1_100 }),
      deleted: undefined,
    };
    expect(decide(pair, seen, 1_100)).toContain("under the number before");
    expect(
      decide(told(beginRestore(pair, undefined, at(1_100))), seen, 1_100),
    ).toBe("restored");
  });

  test("a request without an answer is sent again once it cannot be under way, one with an answer once no look is as old", () => {
    const seen = { look: undefined, deleted: LISTED };
    expect(decide(sent(), seen, 2_119)).toContain("outcome");
    expect(decide(sent(), seen, 2_120)).toBe("send");
    expect(decide(taken(), seen, 2_599)).toContain("has accepted");
    expect(decide(taken(), seen, 2_601)).toBe("send");
    expect(decide(sent(), NOTHING, 2_119)).toContain("outcome");
    // Of another operation's nothing is waited for here: a step waits for it before.
    const { record, operation } = requested();
    const { lastAttempt } = sent().record;
    if (lastAttempt === undefined) throw new Error("nothing was sent");
    expect(
      decide({ record: { ...record, lastAttempt }, operation }, seen, 2_001),
    ).toBe("send");
    // Refused, none is under way.
    expect(decide(restoreRefused(sent()), seen, 2_001)).toBe("send");
  });

  test("what Azure accepts three times and does not do fails", () => {
    const again = (pair: ImageVersionPair, seconds: number) =>
      told(
        restoreTaken(
          beginRestore(pair, undefined, at(seconds)),
          undefined,
          at(seconds),
        ),
      );
    const thrice = again(again(taken(), 3_000), 4_000);
    expect(thrice.record.rewrites).toBe(2);
    expect(
      decideRestore(
        thrice.record,
        { look: undefined, deleted: LISTED },
        at(5_000),
      ),
    ).toMatchObject({
      kind: "failed",
      failure: { code: "OverriddenByAzure" },
    });
  });

  test("what was refused or had no answer is no request that Azure has not done", () => {
    const pair = told(beginRestore(sent(), undefined, at(3_000)));
    expect(pair.record.rewrites).toBe(0);
  });

  test("what neither shows ten times in a row is gone for good", () => {
    let pair = requested();
    for (let looks = 1; looks < 10; looks += 1) {
      const decision = decideRestore(pair.record, NOTHING, at(2_000));
      if (decision.kind !== "wait") throw new Error(decision.kind);
      pair = told(awaitRestore(pair, decision, at(2_000)));
      expect(pair.record.consecutiveNotFound).toBe(looks);
    }
    expect(decideRestore(pair.record, NOTHING, at(2_000))).toMatchObject({
      kind: "failed",
      failure: { code: "ImageVersionGone" },
    });
    // Seen in between, it is counted anew.
    const seen = { look: SHOWN, deleted: LISTED };
    const decision = decideRestore(pair.record, seen, at(2_000));
    if (decision.kind !== "wait") throw new Error(decision.kind);
    expect(
      awaitRestore(pair, decision, at(2_000)).record.consecutiveNotFound,
    ).toBe(0);
  });
});

test("is told once, however often it is sent, and a look follows in any case", () => {
  const first = beginRestore(requested(), undefined, at(2_000));
  expect(effectsOf(first)).toContain("event restoring");
  expect(first.record.dueTime).toBe(time(2_120));
  expect(first.record.lastAttempt).toMatchObject({
    regions: [],
    sentFor: [first.operation.id],
  });
  expect(first.operation.history.at(-1)?.message).toBe(
    "The restore request is sent to Azure Resource Manager.",
  );
  expect(first.operation).not.toHaveProperty("warnings");
  const second = beginRestore(told(first), undefined, at(3_000));
  expect(toldOf(second)).toEqual([]);
  expect(second.record.ticks).toBe(1);
  expect(second.operation).toMatchObject({
    history: { length: first.operation.history.length },
    waitReason: expect.stringContaining("is sent again") as string,
  });
});

test("says what its proof has found beside what was said before", () => {
  const found = (code: string) => ({
    rule: "r",
    code,
    severity: "warning" as const,
    pointer: "",
    message: "m",
    remediation: "",
  });
  const { record, operation } = requested();
  const pair = beginRestore(
    { record, operation: { ...operation, warnings: [found("Before")] } },
    {
      record: { encryptionTypes: { set: "Unknown" }, dataDiskLuns: [1] },
      operation: { warnings: [found("Proven")] },
    },
    at(2_000),
  );
  expect(pair.operation.warnings?.map(({ code }) => code)).toEqual([
    "Before",
    "Proven",
  ]);
  expect(pair.record).toMatchObject({
    encryptionTypes: { set: "Unknown" },
    dataDiskLuns: [1],
  });
});

test("what ARM answers is kept for the reason of a failure", () => {
  const pair = taken();
  expect(pair.record.armOperationUrl).toBe("https://arm/1");
  expect(pair.operation.waitReason).toBe(
    "Azure Resource Manager has accepted the restore request.",
  );
  const again = beginRestore(pair, undefined, at(3_000));
  expect(again.record).not.toHaveProperty("armOperationUrl");
  expect(restoreTaken(again, undefined, at(3_001)).record).not.toHaveProperty(
    "armOperationUrl",
  );
});

describe("once Azure has it", () => {
  test("what Sigil knew of the same life it knows again", () => {
    const made = succeeded().record;
    const pair = restored(taken(), SHOWN, at(2_100));
    expect(pair.record).toMatchObject({
      state: "Replicating",
      exists: true,
      lastApplied: made.lastApplied,
      publishedDate: SHOWN.publishedDate,
      lastAttempt: { outcome: "shown" },
      regions: [
        { name: "westus", state: "Unknown", attempts: 1 },
        { name: "eastus2", state: "Unknown", attempts: 1 },
      ],
    });
    expect(pair.record).not.toHaveProperty("deletedLife");
    expect(pair.record).not.toHaveProperty("lifeBefore");
    expect(pair.operation.regions.map(({ name }) => name)).toEqual([
      "westus",
      "eastus2",
    ]);
    expect(toldOf(pair)).toContain("2/restored");
    expect(
      pair.record.outbox.flatMap((effect) =>
        effect.kind === "event" ? [effect.event.data] : [],
      ),
    ).toContainEqual({
      operationId: pair.operation.id,
      regions: ["westus", "eastus2"],
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      "Azure shows the version again; its regions are followed.",
    );
  });

  test("that it was held back, made by others or left by a canceled creation is known again, too", () => {
    const life: Partial<ImageVersionRecord> = {
      overriddenRule: { when: "manual" },
      unmanaged: true,
      excludedByCancel: true,
    };
    const back = (given: Partial<ImageVersionRecord>): ImageVersionRecord =>
      restored(
        told(beginRestore(requested(2_000, given), undefined, at(2_000))),
        SHOWN,
        at(2_100),
      ).record;
    expect(back(life)).toMatchObject(life);
    for (const name of Object.keys(life))
      expect(back({})).not.toHaveProperty(name);
  });

  test("of a version that was never seen it knows nothing", () => {
    const { deletedLife: _, ...record } = requested().record;
    const { publishedDate: __, ...look } = SHOWN;
    expect(
      restored({ ...requested(), record }, look, at(2_100)).record,
    ).toMatchObject({ unmanaged: true, exists: true });
  });

  test("of another life it knows nothing: it is one of others", () => {
    const { record } = restored(
      taken(),
      lookOf("Succeeded", COMPLETED, { publishedDate: time(1_999) }),
      at(2_100),
    );
    expect(record.unmanaged).toBe(true);
    expect(record).not.toHaveProperty("lastApplied");
  });

  test("where others have restored it, nothing was sent, and that is said", () => {
    const pair = restored(requested(), SHOWN, at(2_100));
    expect(pair.record).not.toHaveProperty("lastAttempt");
    expect(pair.operation.history.at(-1)?.message).toContain(
      "restored by others",
    );
  });

  test.each(["tested", "allRegionsReady"] as const)(
    "a version under the rule %s is looked after if that waits for tests",
    (when) => {
      const body = { ...managedImageRequest(), sigil: { promotion: { when } } };
      const { lastApplied = {} } = succeeded(body).record;
      const pair = restored(
        told(
          beginRestore(requested(2_000, { lastApplied }), undefined, at(2_000)),
        ),
        SHOWN,
        at(2_100),
      );
      const rows = pair.record.outbox.flatMap((effect) =>
        effect.kind === "index" ? effect.put : [],
      );
      expect(rows.some(({ target }) => target.includes(VERSION_ID))).toBe(
        when === "tested",
      );
    },
  );
});
