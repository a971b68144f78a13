import { expect, test } from "vitest";
import { ExpectedEvents } from "../src/demo/expected-events.js";
import type { ReceivedEvent } from "../src/demo/subscriber.js";

function expectedEvents(): ExpectedEvents {
  return new ExpectedEvents([
    { version: "1.0.0", outcome: "succeeds", regions: ["westus"] },
    { version: "1.0.2", outcome: "is refused", regions: ["eastus"] },
  ]);
}

function event(
  kind: string,
  version: string,
  data: Partial<ReceivedEvent["data"]> = {},
  id = `${version}/${kind}`,
): ReceivedEvent {
  const time = "2026-01-01T00:00:00.000Z";
  return {
    id,
    kind,
    version,
    time,
    json: {},
    data: { operationId: "o", ...data },
  };
}

test("resolves once every event of a version has come, whatever came of its progress", async () => {
  const events = expectedEvents();
  const all = events.receivedAll("1.0.0");
  for (const each of [
    event("Accepted", "1.0.0"),
    event("Creating", "1.0.0"),
    event("RegionReplicating", "1.0.0", { region: "westus", progress: 40 }),
    event("RegionCompleted", "1.0.0", { region: "westus" }),
    event("Completed", "1.0.0"),
  ])
    expect(events.receive(each)).toBeUndefined();

  await all;

  expect(events.missing()).toEqual(["1.0.2 Accepted", "1.0.2 Failed"]);
});

test("objects to an event that was not to happen, with its reason (invariant 1)", () => {
  const events = expectedEvents();

  expect(
    events.receive(
      event("Failed", "1.0.0", {
        error: { message: "No such image.", errorCount: 1 },
      }),
    ),
  ).toBe("1.0.0: Failed was not expected. No such image.");
});

test("objects to a fact that is told a second time under another id (invariant 1)", () => {
  const events = expectedEvents();
  events.receive(event("Accepted", "1.0.0"));

  expect(events.receive(event("Accepted", "1.0.0", {}, "other"))).toContain(
    "Accepted was not expected",
  );
});

test("objects to an event that comes twice (invariant 2)", () => {
  const events = expectedEvents();
  const progress = event("RegionReplicating", "1.0.0", { region: "westus" });
  events.receive(progress);

  expect(events.receive(progress)).toContain("arrived twice");
});

test("of a version that is promoted once tested a second Accepted and Completed come, and no third", () => {
  const events = new ExpectedEvents([
    {
      version: "1.0.3",
      outcome: "is promoted once tested",
      regions: ["westus"],
    },
  ]);
  for (const [i, kind] of ["Accepted", "Accepted", "Completed"].entries())
    expect(events.receive(event(kind, "1.0.3", {}, String(i)))).toBeUndefined();
  expect(events.missing()).toEqual([
    "1.0.3 Creating",
    "1.0.3 RegionCompleted westus",
    "1.0.3 TestRequested",
    "1.0.3 RegionTested westus",
    "1.0.3 TestResultReported westus",
    "1.0.3 Tested",
    "1.0.3 Updating",
    "1.0.3 Promoted",
    "1.0.3 Completed",
  ]);
  expect(events.receive(event("Accepted", "1.0.3", {}, "third"))).toContain("was not expected");
});
