import { expect, it } from "vitest";
import { misfitsOf } from "../../../../src/page/src/create/model/misfits.js";
import { writable } from "../../../../src/page/src/create/model/read.js";
import { managedImageRequest, snapshotsRequest } from "../../../support/requests.js";

it("a request has none, also with what the form does not show", () => {
  expect(misfitsOf(managedImageRequest())).toEqual([]);
  expect(misfitsOf(snapshotsRequest("eastus2"))).toEqual([]);
  expect(
    misfitsOf({
      tags: { build: 4711, old: null },
      properties: { provisioningState: { any: 1 } },
      sigil: { promotion: { waves: [{ after: { minutes: 5 } }] } },
      constructor: 1,
    }),
  ).toEqual([]);
});

it("of an answer, what the contract says is read-only is left out, and nothing else", () => {
  const safetyProfile = { blockDeletionBeforeEndOfLife: true };
  expect(
    writable({
      id: "/versions/1.0.0",
      tags: { state: "kept", id: "kept" },
      properties: {
        provisioningState: "Succeeded",
        safetyProfile: { ...safetyProfile, policyViolations: [] },
        storageProfile: { dataDiskImages: [{ lun: 0, sizeInGB: 4, newer: 1 }] },
      },
      sigil: { protected: true, builtFrom: ["/a"], parents: [{ id: "/a" }], regions: [] },
    }),
  ).toEqual({
    tags: { state: "kept", id: "kept" },
    properties: {
      safetyProfile,
      storageProfile: { dataDiskImages: [{ lun: 0, newer: 1 }] },
    },
    sigil: { protected: true, builtFrom: ["/a"] },
  });
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
          replicationMode: { any: 1 },
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
    "/properties/publishingProfile/replicationMode is an object. It must be text.",
    "/properties/storageProfile is an array. It must be an object.",
    "/sigil is a string. It must be an object.",
  ]);
  expect(misfitsOf(null)).toEqual(["The request is null. It must be an object."]);
  expect(misfitsOf([])).toEqual(["The request is an array. It must be an object."]);
});
