import { describe, expect, it } from "vitest";
import { exclusionIn } from "../../../../src/image-version/latest/flags.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { askedOf } from "../../../../src/image-version/state/applied.js";
import type { VersionRequest } from "../../../../src/image-version/state/record.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { managedImageRequest } from "../../../support/requests.js";
import { at, COMPLETED, lookOf, succeeded, withRecord } from "../../../support/transitions.js";
import { withApplications } from "../../../support/decisions.js";

const WEST = exclusionIn("westus");
const EAST = exclusionIn("eastus2");
const TAGGED = canonicalForm({
  ...managedImageRequest(),
  tags: { a: "1", b: "1" },
});

/** Of a version that others have taken out of latest in both regions and given a tag. */
const asking = (request: VersionRequest) =>
  withRecord(succeeded(), {
    state: "Replicating",
    requests: { "1": request },
    status: lookOf("Succeeded", COMPLETED, {
      changes: { [WEST]: true, [EAST]: true, "/tags/a": "1", "/tags/b": "2" },
    }),
  });

describe("a request asks of latest", () => {
  const flags = (request: VersionRequest) => askedOf(asking(request).record, request);

  it("the flags of the regions that it names", () => {
    const release = {
      kind: "include",
      by: "person",
      regions: ["westus"],
    } as const;
    expect(flags({ patch: {}, release })).toEqual({ [WEST]: false });
  });

  it("those of all where it names none, and none where it says nothing", () => {
    const release = { kind: "include", by: "person" } as const;
    expect(flags({ patch: {}, release })).toEqual({
      [WEST]: false,
      [EAST]: false,
    });
    expect(flags({ patch: { "/tags/a": "1" } })).toEqual({ "/tags/a": "1" });
  });
});

describe("what a whole body says is Sigil's once it is applied", () => {
  const specOf = (request: VersionRequest) =>
    withApplications(asking(request), at(20)).record.spec ?? {};

  it("as far as Azure shows it", () => {
    const spec = specOf({ patch: {}, body: TAGGED, adopts: true });
    expect(spec).toMatchObject({ "/tags/a": "1" });
    expect(spec).not.toHaveProperty(["/tags/b"]);
  });

  it("and nothing of a body that says no more than what it changes", () => {
    const spec = specOf({ patch: {}, body: TAGGED });
    expect(spec).not.toHaveProperty(["/tags/a"]);
  });
});

it("the release is what facts have shown, unless the request is about latest", () => {
  const before = succeeded().record.release;
  const after = withApplications(asking({ patch: {}, body: TAGGED }), at(20));
  expect(after.record.release).toEqual(before);
});

it("a region that a repair has away, and that is to go, is not to come back", () => {
  const removed = { [`${regionField("uksouth")}/name`]: "uksouth" };
  const away = { attempts: 1, removed };
  const repairsAfter = (patch: Patch) => {
    const before = withRecord(asking({ patch }), {
      repairs: { uksouth: away },
    });
    return withApplications(before, at(20)).record.repairs;
  };
  expect(repairsAfter({ [regionField("uksouth")]: null })).toEqual({});
  expect(repairsAfter({ "/tags/a": "1" })).toEqual({ uksouth: away });
});
