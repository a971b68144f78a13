/** A request that is accepted, and one that begins. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  accept,
  emptyRecord,
  started,
  untilQuiet,
  withRequest,
} from "../../../../src/image-version/state/accepting.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  acceptingOf,
  at,
  changeOf,
  COMPLETED,
  eventsOf,
  KEY,
  lookOf,
  putOf,
  succeeded,
  time,
  VERSION_ID,
  withRecord,
} from "../../../support/transitions.js";
import { EAST } from "./updating.js";

describe("an operation that is accepted", () => {
  test("is not started, and has what was asked of it", () => {
    const { record, operation } = accept(
      acceptingOf(putOf(managedImageRequest()), {
        requestKey: "k",
        event: { source: "urn:build", id: "7" },
      }),
      undefined,
      at(0),
      [{ code: "RegionKept", pointer: "", message: "It is kept." }],
    );
    expect(operation).toMatchObject({
      id: `${KEY}-1`,
      kind: "CreateImageVersion",
      status: "NotStarted",
      createdTime: time(0),
      requestKey: "k",
      request: { source: "urn:build", id: "7" },
      warnings: [{ code: "RegionKept" }],
      regions: [
        { name: "westus", state: "Unknown" },
        { name: "eastus2", state: "Unknown" },
      ],
      history: [{ state: "Accepted" }],
    });
    expect(record).toMatchObject({
      state: "Accepted",
      sequence: 1,
      lastSequence: 1,
      step: 1,
      exists: false,
      dueTime: time(0),
    });
    const [event] = eventsOf({ record, operation });
    expect(event?.data).toMatchObject({
      kind: "CreateImageVersion",
      targetRegions: ["westus", "eastus2"],
      request: { source: "urn:build", id: "7" },
    });
  });

  test("deletes where that is its kind", () => {
    const { record } = accept(
      acceptingOf(changeOf({}, { byHand: true }), {
        kind: "DeleteImageVersion",
      }),
      succeeded().record,
      at(50),
    );
    expect(record.state).toBe("DeletionRequested");
  });

  test("keeps what is known of the version, and counts anew", () => {
    const before = succeeded();
    const { record, operation } = accepted(
      undefined,
      withRecord(before, {
        ticks: 7,
        rewrites: 1,
        resends: 2,
        consecutiveNotFound: 3,
        doubt: { what: "unmet/1", since: time(0) },
        repairs: {
          eastus2: { attempts: 3 },
          westeurope: { attempts: 2, removed: { a: 1 } },
        },
      }),
    );
    expect(operation.id).toBe(`${KEY}-2`);
    expect(record).toMatchObject({
      exists: true,
      lastApplied: before.record.lastApplied,
      observed: before.record.observed,
      ticks: 0,
      rewrites: 0,
      resends: 0,
      consecutiveNotFound: 0,
      // What is taken away is still to be added back.
      repairs: { westeurope: { attempts: 0, removed: { a: 1 } } },
    });
    for (const name of ["doubt", "waitingSince", "stalled"])
      expect(record).not.toHaveProperty(name);
    expect(record.repairs).not.toHaveProperty("eastus2");
  });

  test("keeps nothing of regions, keys and disks of a version that is not there", () => {
    const gone = withRecord(succeeded(), {
      exists: false,
      encryptionTypes: { a: "Unknown" },
      dataDiskLuns: [0],
    });
    expect(started(KEY, VERSION_ID, gone.record, at(50))).toMatchObject({
      regions: [],
      encryptionTypes: {},
      dataDiskLuns: [],
    });
    expect(started(KEY, VERSION_ID, undefined, at(50))).toEqual(
      emptyRecord(KEY, VERSION_ID, time(50)),
    );
  });

  test("waits until a PUT of one before can no longer be under way, and says so", () => {
    const { record } = succeeded();
    const lastAttempt = {
      ...(record.lastAttempt ?? expect.fail("nothing was sent")),
      sentTime: time(-20),
      outcome: "unknown",
    } as const;
    const canceled = withRecord(succeeded(), { lastAttempt });
    const waits =
      "What an earlier operation sent to Azure Resource Manager may still be under way.";
    expect(untilQuiet(canceled.record, at(40))).toEqual({
      waitMs: 60_000,
      waits,
    });
    expect(untilQuiet(canceled.record, at(140))).toEqual({ waitMs: 0 });
    expect(accepted(undefined, canceled)).toMatchObject({
      record: { dueTime: time(100) },
      operation: { waitReason: waits, nextAttemptTime: time(100) },
    });
  });

  test("waits as long as ARM has asked for, and for no other answer of it", () => {
    const throttled = withRecord(succeeded(), {
      throttledUntil: time(300),
      dueTime: time(900),
    });
    expect(untilQuiet(throttled.record, at(40))).toEqual({
      waitMs: 260_000,
      waits:
        "Azure Resource Manager has asked Sigil to wait before the next request.",
    });
    expect(untilQuiet(throttled.record, at(300))).toEqual({ waitMs: 0 });
  });
});

describe("a request that begins", () => {
  const { record } = succeeded();

  test("adds its regions, and takes those away that it removes", () => {
    const request = changeOf({
      [EAST]: null,
      [`${regionField("westeurope")}/name`]: "westeurope",
    });
    const after = withRequest(record, "id", request, ["westeurope"], at(50));
    expect(after.requests["id"]).toBe(request);
    expect(after.regions).toMatchObject([
      { name: "westus", state: "Completed" },
      { name: "westeurope", state: "Unknown", progress: 0, attempts: 0 },
    ]);
  });

  test("does not wait for a region that it merely repeats and another has removed", () => {
    const { regions } = record;
    const request = { changes: {}, repeats: { [`${EAST}/name`]: "eastus2" } };
    const { [`${EAST}/name`]: _, ...lastApplied } = record.lastApplied ?? {};
    const removed = {
      ...record,
      lastApplied,
      observed: lookOf("Succeeded", COMPLETED, { changes: { [EAST]: null } }),
      regions: regions.filter(({ name }) => name === "westus"),
    };
    const after = withRequest(removed, "id", request, ["eastus2"], at(50));
    expect(after.regions.map(({ name }) => name)).toEqual(["westus"]);
  });

  test("retries regions at once, as often as if they had never failed", () => {
    const request = changeOf({}, { retries: ["eastus2"] });
    const before = { ...record, repairs: { eastus2: { attempts: 3 } } };
    const after = withRequest(before, "id", request, ["eastus2"], at(50));
    expect(after.repairs["eastus2"]).toEqual({
      attempts: 0,
      dueTime: time(50),
    });
    expect(after.regions[1]).toMatchObject({
      name: "eastus2",
      state: "Failed",
    });
  });
});
