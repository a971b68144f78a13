/** What becomes of a write: answered, refused, or not answered. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import {
  beginWrite,
  writeAccepted,
} from "../../../../src/image-version/state/transitions.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  eventsOf,
  KEY,
  succeeded,
  time,
  told,
  toldOf,
  withRecord,
  type Put,
} from "../../../support/transitions.js";
import { EAST, putFor, updating, createPut } from "./updating.js";

describe("a write", () => {
  test("that creates is told once to each operation, though it is sent again otherwise", () => {
    const first = beginWrite(told(accepted()), createPut, undefined, at(10));
    expect(toldOf(first)).toEqual(["1/creating"]);
    const changes = { ...createPut.changes, "/tags/a": "1" };
    expect(
      toldOf(
        beginWrite(told(first), { ...createPut, changes }, undefined, at(200)),
      ),
    ).toEqual([]);
  });

  test("that takes a region away tells so, and keeps what it was", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const pair = beginWrite(
      applied(),
      {
        ...createPut,
        creates: false,
        changes: { [EAST]: null },
        removesRegions: true,
        takesAway: { eastus2: removed },
      },
      undefined,
      at(60),
    );
    expect(toldOf(pair)).toEqual(["1/updating/1", "1/eastus2/repairing/1"]);
    expect(pair.record).toMatchObject({
      opened: true,
      repairs: { eastus2: { attempts: 0, removed } },
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      "eastus2 failed and is removed from the version, to be added back.",
    );
  });

  test("that takes the region away once more, for it was refused before, is the same repair: it is told no more", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const before = withRecord(applied(), {
      updates: 1,
      repairs: { eastus2: { attempts: 0, removed } },
    });
    const pair = beginWrite(
      before,
      {
        ...createPut,
        creates: false,
        changes: { [EAST]: null },
        removesRegions: true,
        takesAway: { eastus2: removed },
      },
      undefined,
      at(60),
    );
    expect(toldOf(pair)).toEqual(["1/updating/2"]);
  });

  test("that adds a region which others have taken away since begins it anew, as another attempt", () => {
    const before = applied();
    const put = { ...createPut, creates: false };
    const after = (changes: Patch) =>
      beginWrite(before, { ...put, changes }, undefined, at(60)).record.regions;
    expect(after({ "/tags/a": "1" })).toEqual(before.record.regions);
    expect(after({ [`${EAST}/name`]: "eastus2" })).toEqual(
      before.record.regions.map((region) =>
        region.name === "eastus2"
          ? { name: "eastus2", state: "Unknown", progress: 0, attempts: 2 }
          : region,
      ),
    );
  });

  test("that adds a region back begins it anew, as another attempt", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const before = withRecord(applied(), {
      regions: applied().record.regions.map((region) =>
        region.name === "eastus2"
          ? { ...region, state: "Failed", attemptsAllowed: 4 }
          : region,
      ),
      repairs: { eastus2: { attempts: 0, removed } },
    });
    const { record, operation } = beginWrite(
      before,
      { ...createPut, creates: false, changes: removed, addsBack: ["eastus2"] },
      undefined,
      at(60),
    );
    expect(record.repairs).toEqual({ eastus2: { attempts: 1, removed } });
    expect(record.regions[1]).toEqual({
      name: "eastus2",
      state: "Unknown",
      progress: 0,
      attempts: 2,
      attemptsAllowed: 4,
    });
    expect(operation.history.at(-1)?.message).toBe(
      "eastus2 is added back to the version.",
    );
  });

  const ofRegions = (names: readonly string[]): ImageVersionPair =>
    withRecord(applied(), {
      repairs: Object.fromEntries(
        names.map((name) => [name, { attempts: 2, dueTime: time(1) }]),
      ),
    });
  const removedOf = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [name, { [`${regionField(name)}/name`]: name }]),
    );
  const BOTH = ["eastus2", "westeurope"];

  test.each<[string, Partial<Put>, ImageVersionPair, string]>([
    [
      "a creation",
      { creates: true },
      told(accepted()),
      "Every check has passed: the create request is sent to Azure Resource Manager.",
    ],
    [
      "an update",
      {},
      applied(),
      "The version in Azure is to be changed: the update is sent to Azure Resource Manager.",
    ],
    [
      "a promotion",
      { promotes: true },
      applied(),
      "The promotion rule holds: the version is included in latest.",
    ],
    [
      "the removal of two regions",
      { takesAway: removedOf(BOTH) },
      ofRegions(BOTH),
      "eastus2, westeurope failed and are removed from the version, to be added back.",
    ],
    [
      "the addition of two regions",
      { addsBack: BOTH },
      ofRegions(BOTH),
      "eastus2, westeurope are added back to the version.",
    ],
  ])("says in the history what it is: %s", (_, more, before, message) => {
    const put = { ...createPut, creates: false, ...more };
    const { operation, record } = beginWrite(before, put, undefined, at(60));
    expect(operation.history.at(-1)).toMatchObject({
      time: time(60),
      message,
    });
    for (const name of Object.keys(record.repairs))
      expect(record.repairs[name]?.attempts).toBe(more.addsBack ? 3 : 2);
  });

  test("that adds a region back which was never repaired is its first repair", () => {
    const put = { ...createPut, creates: false, addsBack: ["eastus2"] };
    const { record } = beginWrite(applied(), put, undefined, at(60));
    expect(record.repairs).toEqual({ eastus2: { attempts: 1 } });
    const again = beginWrite(
      told(beginWrite(applied(), put, undefined, at(60))),
      put,
      undefined,
      at(200),
    );
    expect(again.record.repairs).toEqual({ eastus2: { attempts: 1 } });
  });

  test("tells the regions of the version with an update, and each that is taken away", () => {
    const pair = updating({ "/tags/a": "1" });
    const update = beginWrite(pair, putFor(pair), undefined, at(60));
    expect(eventsOf(update)[0]?.data).toMatchObject({
      regions: ["westus", "eastus2"],
    });
    const own = ["westus", "eastus2"];
    const away = { ...createPut, creates: false, takesAway: removedOf(own) };
    const events = eventsOf(beginWrite(applied(), away, undefined, at(60)));
    expect(
      events
        .filter(({ type }) => type === "Sigil.ImageVersion.RegionRepairing")
        .map(({ data }) => (data as { readonly region: string }).region),
    ).toEqual(own);
  });

  test("that another follows is another one, with an entry of its own", () => {
    const pair = updating({ "/tags/a": "1" });
    const put = putFor(pair);
    const first = beginWrite(pair, put, undefined, at(60));
    const other = { ...put, changes: { "/tags/a": "2" } };
    const second = beginWrite(told(first), other, undefined, at(200));
    expect(second.record.updates).toBe(2);
    expect(second.operation.history).toHaveLength(
      first.operation.history.length + 1,
    );
  });

  test("that promotes says so, and spends its rule no sooner than a look shows it", () => {
    const rule = { when: "allRegionsReady" } as const;
    const before = withRecord(succeeded(), {
      state: "Replicating",
      lastApplied: { [PROMOTION]: rule },
    });
    const written = beginWrite(
      before,
      {
        ...createPut,
        creates: false,
        changes: { [EXCLUDE_FROM_LATEST]: false },
        promotes: true,
      },
      undefined,
      at(60),
    );
    const { record } = writeAccepted(written, undefined, at(61));
    expect(record.lastAttempt?.overridesRule).toBe(true);
    expect(record).not.toHaveProperty("overriddenRule");
  });

  test("that writes again what was not shown is counted", () => {
    const { record } = beginWrite(
      applied(),
      { ...createPut, creates: false, rewrites: true },
      undefined,
      at(60),
    );
    expect(record.rewrites).toBe(1);
  });

  test("is told of those alone for whom it is sent", () => {
    const pair = applied();
    const member = { ...pair.operation, id: `${KEY}-2` };
    const both = withRecord(pair, {
      members: [member],
      requests: {
        ...pair.record.requests,
        [member.id]: changeOf({ "/tags/a": "1" }),
      },
    });
    const after = beginWrite(both, putFor(both), undefined, at(60));
    expect(toldOf(after)).toEqual(["2/updating/1"]);
    expect(after.operation.history).toEqual(pair.operation.history);
    expect(after.record.members[0]?.history).toHaveLength(
      pair.operation.history.length + 1,
    );
  });

  test("keeps what was proven of its sets beside what is known of the others", () => {
    const before = withRecord(applied(), {
      encryptionTypes: { a: "Unknown", b: "Unknown" },
      dataDiskLuns: [0],
    });
    const warnings = [{ code: "W", pointer: "", message: "Mind." }];
    const { record, operation } = beginWrite(
      before,
      { ...createPut, creates: false },
      {
        record: {
          encryptionTypes: { b: "EncryptionAtRestWithCustomerKey" },
          dataDiskLuns: [7],
        },
        operation: { warnings },
      },
      at(60),
    );
    expect(record.encryptionTypes).toEqual({
      a: "Unknown",
      b: "EncryptionAtRestWithCustomerKey",
    });
    expect(record.dataDiskLuns).toEqual([0]);
    expect(operation.warnings).toEqual(warnings);
  });
});
