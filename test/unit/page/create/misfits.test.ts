import { expect, it } from "vitest";
import { misfitsOf } from "../../../../src/page/src/create/model/misfits.js";
import { managedImageRequest, snapshotsRequest } from "../../../support/requests.js";

it("a request has none, also with what the form does not show", () => {
  expect(misfitsOf(managedImageRequest())).toEqual([]);
  expect(misfitsOf(snapshotsRequest("eastus2"))).toEqual([]);
  expect(
    misfitsOf({
      tags: { build: 4711, old: null },
      properties: { publishingProfile: { replicationMode: { any: 1 } } },
      constructor: 1,
    }),
  ).toEqual([]);
});

it("each member of another kind is named, all at once", () => {
  expect(
    misfitsOf({
      location: {},
      tags: { "a/b": { c: 1 }, d: true },
      properties: {
        publishingProfile: {
          targetRegions: ["westus", null, { regionalReplicaCount: [1] }],
          excludeFromLatest: "no",
        },
        storageProfile: [],
      },
      sigil: "x",
    }),
  ).toEqual([
    "/location is an object. It must be text.",
    "/tags/a~1b is an object. It must be text.",
    "/tags/d is true. It must be text.",
    "/properties/publishingProfile/targetRegions/0 is a string. It must be an object.",
    "/properties/publishingProfile/targetRegions/1 is null.",
    "/properties/publishingProfile/targetRegions/2/regionalReplicaCount is an array. It must be a number.",
    "/properties/publishingProfile/excludeFromLatest is a string. It must be true or false.",
    "/properties/storageProfile is an array. It must be an object.",
    "/sigil is a string. It must be an object.",
  ]);
  expect(misfitsOf(null)).toEqual(["The request is null. It must be an object."]);
  expect(misfitsOf([])).toEqual(["The request is an array. It must be an object."]);
});
