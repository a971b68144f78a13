import { expect, it } from "vitest";
import { gatesOf } from "../../../src/authorization/gallery-policy.js";
import { parseGalleryPolicy } from "../../../src/config/gallery-policy-document.js";

const GATE = {
  images: [{ subscriptionId: "*", galleryName: "Golden*", imageName: "web-*" }],
  regions: ["West US"],
  tests: [{ name: "scan", reporters: [{ appId: "scanner" }] }, { name: "sigil/machine" }],
};
const read = (gate: object) => parseGalleryPolicy(JSON.stringify({ rules: [], gates: [gate] }));

it("a gate is of the image definitions that it names, in any case", () => {
  expect(read(GATE)).toEqual({ policy: { rules: [], gates: [GATE] } });
  const image = {
    subscriptionId: "00000000-0000-0000-0000-000000000000",
    resourceGroupName: "images",
    galleryName: "golden1",
    imageName: "WEB-linux",
  };
  expect(gatesOf([GATE], image)).toEqual([GATE]);
  expect(gatesOf([GATE], { ...image, imageName: "db" })).toEqual([]);
});

it.each([
  [{ ...GATE, tests: [] }, "/gates/0/tests"],
  [{ ...GATE, images: [{}] }, "/gates/0/images/0"],
  [
    { ...GATE, tests: [{ name: "scan", reporters: [{ role: "any" }] }] },
    "/gates/0/tests/0/reporters/0",
  ],
])("%j is refused where it is wrong", (gate, pointer) => {
  expect(read(gate)).toMatchObject({
    mistakes: [expect.stringContaining(pointer)],
  });
});
