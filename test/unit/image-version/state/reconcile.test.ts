import { describe, expect, it } from "vitest";
import { exclusionIn, shownFields, latestIn } from "../../../../src/image-version/latest/flags.js";
import {
  fieldsOf,
  regionField,
  regionsIn,
} from "../../../../src/image-version/properties/fields.js";
import { ALLOW_DELETION } from "../../../../src/image-version/properties/table.js";
import { mustShut, reconcile, type Put } from "../../../../src/image-version/state/reconcile.js";
import type {
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  at,
  COMPLETED,
  lookOf,
  succeeded,
  time,
  withRecord,
} from "../../../support/transitions.js";

const A = "/tags/a";
const EAST = regionField("eastus2");
const asks = (patch: VersionRequest["patch"], more: Partial<VersionRequest> = {}) => ({
  "1": { patch, ...more },
});
function record(
  requests: ImageVersionRecord["requests"],
  more: Partial<ImageVersionRecord> = {},
): ImageVersionRecord {
  return withRecord(succeeded(), { state: "Replicating", requests, ...more }).record;
}
function putOfIt(of: ImageVersionRecord, seconds = 20): Put {
  const decision = reconcile(of, at(seconds));
  if (decision.kind !== "put") throw new Error(JSON.stringify(decision));
  return decision;
}

describe("nothing is written (1)", () => {
  const open = asks({ [A]: "1" });
  it.each<[string, Partial<ImageVersionRecord>]>([
    ["while a look is unconfirmed", { unconfirmed: { shows: "x", since: time(1) } }],
    [
      "while the fate of a write is not known",
      {
        write: { changes: {}, sentTime: time(1), answer: "none", sentFor: [] },
      },
    ],
    ["while ARM works on the version", { status: lookOf("Updating", COMPLETED) }],
  ])("%s", (_, more) => {
    expect(reconcile(record(open, more), at(20)).kind).toBe("wait");
  });

  it("where Azure shows all that is asked", () => {
    expect(reconcile(record(asks({ [A]: "1" }, { appliedTime: time(2) })), at(20)).kind).toBe(
      "none",
    );
  });
});

describe("a version that Azure does not have (2)", () => {
  it("is created where a PUT asks for it, with all that the body says", () => {
    const put = putOfIt(accepted().record, 1);
    expect(put.creates).toBe(true);
    expect(regionsIn(fieldsOf(put.body))).toEqual(["westus", "eastus2"]);
    expect(put.body.properties.safetyProfile).toEqual({
      allowDeletionOfReplicatedLocations: false,
    });
    expect(latestIn(put.body)).toEqual(["westus", "eastus2"]);
  });

  it("is created with what else is asked of it meanwhile", () => {
    const { requests, ...first } = accepted().record;
    const both = { ...requests, ...asks({ [A]: "1" }) };
    const put = putOfIt({ ...first, requests: both }, 1);
    expect(put.creates).toBe(true);
    expect(put.body.tags).toEqual({ a: "1" });
  });

  it("is not created by anything else, which fails by name", () => {
    const { status: _, ...gone } = record(asks({ [A]: "1" }));
    expect(reconcile(gone, at(20))).toMatchObject({
      kind: "failed",
      ids: ["1"],
      failure: { code: "ImageVersionGone" },
    });
  });

  it("is not created by a PUT that was canceled", () => {
    const [id = ""] = Object.keys(accepted().record.requests);
    const before = accepted().record;
    const request = before.requests[id];
    const ending = {
      kind: "canceled",
      by: { appId: "x" },
      time: "2026-11-02T09:00:00.000Z",
    } as const;
    expect(
      reconcile({ ...before, requests: { [id]: { patch: {}, ...request, ending } } }, at(1)).kind,
    ).toBe("failed");
  });
});

describe("a body is made of the fact (4)", () => {
  const others = lookOf("Succeeded", COMPLETED, {
    changes: {
      "/tags/policy": "x",
      "/properties/publishingProfile/endOfLifeDate": "2090-01-01T00:00:00.000Z",
      [exclusionIn("eastus2")]: true,
    },
  });

  it("and what nobody asks otherwise is sent as it is, flags too", () => {
    const of = record(asks({ [A]: "1" }), { status: others });
    const put = putOfIt(of);
    expect(put.changes).toEqual({ [A]: "1" });
    expect(shownFields(put.body)).toEqual({
      ...shownFields(others.resource),
      [A]: "1",
      [ALLOW_DELETION]: false,
    });
  });

  it("and says for whom it is sent", () => {
    expect(
      putOfIt(
        record({
          "1": { patch: { [A]: "1" } },
          "2": { patch: { "/tags/b": "2" } },
        }),
      ).sentFor,
    ).toEqual(["1", "2"]);
    expect(
      putOfIt(
        record({ "1": { patch: { [A]: "1" } }, "2": { patch: { "/tags/b": "2" } } }, { window: 1 }),
      ).sentFor,
    ).toEqual(["1"]);
  });

  it("which sets flags where a request is about latest, and nothing else", () => {
    const put = putOfIt(
      record({
        "1": { patch: {}, release: { kind: "exclude", by: "person" } },
      }),
    );
    expect(latestIn(put.body)).toEqual([]);
    expect(put.release).toEqual({ in: "none", but: [], by: "person" });
    expect(Object.keys(put.changes).sort()).toEqual([
      exclusionIn("eastus2"),
      exclusionIn("westus"),
    ]);
  });
});

describe("ARM may remove regions (5)", () => {
  it("while the write removes one", () => {
    const put = putOfIt(record(asks({ [EAST]: null })));
    expect(put.body.properties.safetyProfile?.allowDeletionOfReplicatedLocations).toBe(true);
    expect(regionsIn(fieldsOf(put.body))).toEqual(["westus"]);
  });

  it("and is told otherwise by the next write, which that alone is reason for while the removal is open", () => {
    const status = lookOf("Succeeded", COMPLETED, {
      changes: { [EAST]: null, [ALLOW_DELETION]: true },
    });
    const put = putOfIt(record(asks({ [EAST]: null }), { status }));
    expect(put.changes).toEqual({ [ALLOW_DELETION]: false });
    expect(put.sentFor).toEqual([]);
  });

  it("is no reason to write where others have opened it", () => {
    const status = lookOf("Succeeded", COMPLETED, {
      changes: { [ALLOW_DELETION]: true },
    });
    expect(reconcile(record({}, { status }), at(20)).kind).toBe("none");
  });

  it("where a request through Sigil has asked for that", () => {
    const put = putOfIt(record(asks({ [A]: "1" }), { spec: { [ALLOW_DELETION]: true } }));
    expect(put.body.properties.safetyProfile?.allowDeletionOfReplicatedLocations).toBe(true);
  });
});

describe("a region is taken away for its repair (3)", () => {
  const failed = lookOf("Failed", { ...COMPLETED, eastus2: ["Failed", 10] });
  const due = record(asks({}, { appliedTime: time(2) }), {
    status: failed,
    repairs: { eastus2: { attempts: 0, dueTime: time(15) } },
    regions: [
      { name: "westus", state: "Completed", progress: 100, attempts: 1 },
      { name: "eastus2", state: "Failed", progress: 10, attempts: 1 },
    ],
  });

  it("where the fact shows it Failed, once that is due", () => {
    expect(reconcile(due, at(14)).kind).toBe("none");
    const put = putOfIt(due);
    expect(Object.keys(put.removes)).toEqual(["eastus2"]);
    expect(put.changes[EAST]).toBeNull();
    expect(put.sentFor).toEqual([]);
  });

  it("not where the fact shows it healthy", () => {
    expect(reconcile({ ...due, status: lookOf("Succeeded", COMPLETED) }, at(20)).kind).toBe("none");
  });

  it("never the version's own location", () => {
    const home = {
      ...due,
      status: lookOf("Failed", { ...COMPLETED, westus: ["Failed", 10] }),
      repairs: { westus: { attempts: 0, dueTime: time(15) } },
      regions: due.regions.map((one) => ({
        ...one,
        state: one.name === "westus" ? ("Failed" as const) : ("Completed" as const),
      })),
    };
    expect(reconcile(home, at(20)).kind).toBe("none");
  });

  it("and added back before anything else is taken away", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const away = {
      ...due,
      status: lookOf("Succeeded", {}, { changes: { [EAST]: null } }),
      repairs: { eastus2: { attempts: 0, removed } },
    };
    const put = putOfIt(away);
    expect(put.addsBack).toEqual(["eastus2"]);
    expect(put.removes).toEqual({});
    expect(regionsIn(fieldsOf(put.body))).toContain("eastus2");
  });
});

describe("what cannot be brought about fails, with where", () => {
  it("what never changes, and is there otherwise", () => {
    const decision = reconcile(
      record(
        asks(
          { "/location": "eastus2" },
          { body: { ...managedImageRequest(), location: "eastus2" } },
        ),
      ),
      at(20),
    );
    expect(decision).toMatchObject({
      kind: "failed",
      ids: ["1"],
      failure: {
        code: "ReadBackMismatch",
        message: expect.stringContaining("in 1 place, and this cannot") as string,
        errors: [{ pointer: "/location" }],
      },
    });
  });

  it("a count of a region that is not there any more, and what others ask does not", () => {
    const count = `${regionField("uksouth")}/regionalReplicaCount`;
    const requests = { ...asks({ [count]: 3 }), "2": { patch: { [A]: "1" } } };
    const decision = reconcile(record(requests), at(20));
    expect(decision).toMatchObject({
      kind: "failed",
      ids: ["1"],
      failure: {
        code: "ChangedOutside",
        message: expect.stringContaining("uksouth") as string,
      },
    });
  });
});

it("the permission to remove regions that others have given stays, but where a request removes one", () => {
  const status = lookOf("Succeeded", COMPLETED, {
    changes: { [ALLOW_DELETION]: true },
  });
  expect(mustShut(record(asks({ [A]: "1" }), { status }))).toBe(false);
  expect(mustShut(record(asks({ [EAST]: null }), { status }))).toBe(true);
});
