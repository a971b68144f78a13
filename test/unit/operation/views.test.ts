/** An operation as the API shows it. */
import { describe, expect, test } from "vitest";
import type { OperationRecord, RegionRecord } from "../../../src/operation/records.js";
import type { RegionTestRecord } from "../../../src/machine-test/region-record.js";
import { viewRegion } from "../../../src/operation/views.js";
import { accepted, time } from "../../support/transitions.js";
import { viewOperation } from "../../support/views.js";

const operationWith = (more: Partial<OperationRecord>): OperationRecord => ({
  ...accepted().operation,
  status: "Running",
  regions: [],
  ...more,
});

const region = (name: string, more: Partial<RegionRecord> = {}): RegionRecord => ({
  name,
  state: "Replicating",
  progress: 50,
  attempts: 1,
  ...more,
});

const machine: RegionTestRecord = {
  name: "westus",
  state: "Gone",
  attempts: 1,
  attemptsAllowed: 3,
  machineSize: "Standard_D2s_v5",
  work: { sends: 1, delays: 0, deletions: 1, deletionsSent: 1 },
};

const tested = (...detail: readonly RegionTestRecord[]) => ({ kind: "TestImageVersion", detail });

describe("the test of a region", () => {
  const full: RegionTestRecord = {
    ...machine,
    result: "passed",
    disks: [{ id: "/disks/os", encryptionType: "X" }],
    output: "agent is ready",
    left: ["/disks/1"],
  };
  const testsOf = (one: RegionTestRecord, showsOutput?: boolean) =>
    viewOperation(operationWith(tested(one)), undefined, showsOutput).tests;
  const { work: _, ...shown } = full;
  const { output: __, ...withoutOutput } = shown;

  test("is shown with its disks and what it has left, and not what it does next", () => {
    expect(testsOf(full)).toStrictEqual([withoutOutput]);
  });

  test("has what its machine has said for administrators alone", () => {
    expect(testsOf(full, true)).toStrictEqual([shown]);
    expect(testsOf(full, false)).toStrictEqual([withoutOutput]);
  });

  test("has no member of what is not known", () => {
    const { work: _, ...rest } = machine;
    for (const showsOutput of [true, false])
      expect(testsOf(machine, showsOutput)).toStrictEqual([rest]);
  });
});

test("an operation without tests, warnings or a rollback has no such member", () => {
  const view = viewOperation(operationWith({}));
  for (const member of [
    "tests",
    "warnings",
    "rollback",
    "registrations",
    "error",
    "calls",
    "expectedEndTime",
  ])
    expect(view).not.toHaveProperty(member);
});

test("a rollback is shown with its regions", () => {
  const rollback = {
    from: "1.0.1",
    to: "1.0.0",
    regions: [{ name: "westus", from: "1.0.1", to: "1.0.0" }],
  };
  const operation = operationWith({ kind: "RollBackImage", detail: rollback });
  expect(viewOperation(operation).rollback).toStrictEqual(rollback);
});

describe("an end is expected", () => {
  const west = region("westus", { expectedEndTime: time(200) });
  const east = region("eastus2", { expectedEndTime: time(300) });
  const expected = (...regions: RegionRecord[]) =>
    viewOperation(operationWith({ regions })).expectedEndTime;

  test("of the operation when the last region is expected to be done", () => {
    expect(expected(west, east)).toBe(time(300));
    expect(expected(east, west)).toBe(time(300));
    // What is done delays nothing.
    expect(expected(west, region("uksouth", { state: "Completed" }))).toBe(time(200));
  });

  test("not where that is not known of each region, nor once it has ended", () => {
    expect(expected(west, region("eastus2"))).toBeUndefined();
    expect(expected()).toBeUndefined();
    const ended = operationWith({ regions: [west], endTime: time(100) });
    expect(viewOperation(ended)).not.toHaveProperty("expectedEndTime");
    expect(viewOperation(ended).regions[0]).not.toHaveProperty("expectedEndTime");
  });

  test("of a region while it is followed", () => {
    expect(viewRegion(west, true)).toStrictEqual(west);
    expect(viewRegion(west, false)).toStrictEqual(region("westus"));
    expect(viewRegion(region("westus"), true)).toStrictEqual(region("westus"));
  });
});

describe("percentComplete", () => {
  const done: RegionTestRecord = { ...machine, result: "failed" };
  const registration = (state: string) => ({
    name: "Microsoft.Compute",
    state,
  });

  test.each<[string, Partial<OperationRecord>, number]>([
    ["is the mean of regions", { regions: [region("westus")] }, 50],
    ["counts a test that has a result", tested(done, machine), 50],
    ["counts tests that have none", tested(machine), 0],
    [
      "counts what is registered",
      {
        kind: "PrepareSubscription",
        detail: [
          registration("Registered"),
          registration("Registering"),
          registration("NotRegistered"),
        ],
      },
      33,
    ],
    [
      "counts them alike",
      {
        regions: [region("westus")],
        ...tested(done),
      },
      75,
    ],
    ["keeps 100 for success", tested(done), 99],
    ["is 100 then, whatever is left", { status: "Succeeded", ...tested(machine) }, 100],
    ["is 0 before the start", { status: "NotStarted", ...tested(done) }, 0],
    ["is 0 where nothing counts", {}, 0],
  ])("%s", (_, more, percent) => {
    expect(viewOperation(operationWith(more)).percentComplete).toBe(percent);
  });
});

test("what was asked of Azure is shown to whoever asks for it, with how much is left out", () => {
  const operation = operationWith({
    calls: [],
    omittedReads: 2,
    omittedWrites: 1,
  });
  expect(viewOperation(operation, "calls")).toMatchObject({
    calls: [],
    omittedReads: 2,
    omittedWrites: 1,
  });
  const plain = viewOperation(operation);
  for (const member of ["calls", "omittedReads", "omittedWrites"])
    expect(plain).not.toHaveProperty(member);
});
