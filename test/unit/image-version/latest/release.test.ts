import { describe, expect, it } from "vitest";
import {
  EVERYWHERE,
  isReleased,
  released,
  releasedIn,
  releaseOf,
  type Release,
} from "../../../../src/image-version/latest/release.js";
import { withLatest } from "../../../../src/image-version/latest/flags.js";
import { managedImageRequest } from "../../../support/requests.js";

const REGIONS = ["westus", "eastus2"];
const held = (...but: string[]): Release => ({ in: "all", but, by: "request" });
const waves = (...where: string[]): Release => ({
  in: where,
  but: [],
  by: "rule",
});
const NOWHERE: Release = { in: "none", but: [], by: "rule" };

describe("where a release has the version in latest", () => {
  it.each([
    [EVERYWHERE, ["westus", "eastus2"]],
    [held("eastus2"), ["westus"]],
    [NOWHERE, []],
    [waves("westus"), ["westus"]],
    [{ in: ["westus", "eastus2"], but: ["westus"], by: "rule" }, ["eastus2"]],
  ] as const)("%j: in %j", (release, where) => {
    expect(releasedIn(release, REGIONS)).toEqual(where);
  });

  it("has a region that comes, where it is in all", () => {
    expect(isReleased(EVERYWHERE, "uksouth")).toBe(true);
    expect(isReleased(waves("westus"), "uksouth")).toBe(false);
  });
});

describe("a promotion", () => {
  const promoted = (before: Release, regions?: readonly string[]) =>
    released(before, { kind: "include", by: "person", ...(regions && { regions }) }, REGIONS);

  it("has the version in latest everywhere", () => {
    expect(promoted(NOWHERE)).toEqual({ in: "all", but: [], by: "person" });
  });

  it("leaves out what requests hold back", () => {
    expect(promoted(held("eastus2")).but).toEqual(["eastus2"]);
  });

  it("has what requests hold back, where nothing else would be left", () => {
    expect(promoted(held("westus", "eastus2")).but).toEqual([]);
  });

  it("adds the regions that it names", () => {
    expect(promoted(NOWHERE, ["westus"]).in).toEqual(["westus"]);
    expect(promoted(waves("westus"), ["eastus2", "westus"]).in).toEqual(REGIONS);
  });

  it("has a region that it names though a request has held it back", () => {
    expect(promoted(held("eastus2"), ["eastus2"])).toEqual({
      in: "all",
      but: [],
      by: "person",
    });
  });
});

describe("a demotion", () => {
  it("has the version nowhere in latest, and forgets no region that a request holds back", () => {
    expect(released(held("westus"), { kind: "exclude", by: "person" }, REGIONS)).toEqual({
      in: "none",
      but: ["westus"],
      by: "person",
    });
  });

  it("of regions holds back those, and once", () => {
    expect(
      released(
        held("westus"),
        { kind: "exclude", by: "request", regions: ["westus", "eastus2"] },
        REGIONS,
      ),
    ).toEqual({ in: "all", but: ["westus", "eastus2"], by: "request" });
  });
});

it("is as it is given where it is set", () => {
  expect(released(NOWHERE, { kind: "set", release: held("westus") }, REGIONS)).toEqual(
    held("westus"),
  );
});

describe("the release of a version that others have made", () => {
  const body = managedImageRequest();

  it.each([
    [REGIONS, { in: "all", but: [], by: "request" }],
    [["westus"], { in: "all", but: ["eastus2"], by: "request" }],
    [[], { in: "none", but: [], by: "request" }],
  ])("in latest in %j", (where, release) => {
    expect(releaseOf(withLatest(body, where))).toEqual(release);
  });
});
