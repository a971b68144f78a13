import { expect, test } from "vitest";
import { routeOf, seenText, tileOf } from "../../../../src/page/src/overview/attention.js";

const IMAGE = {
  subscriptionId: "s",
  resourceGroupName: "g",
  galleryName: "G",
  imageName: "I",
};
const VERSION =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/G/images/I/versions/1.0.0";
const row = (severity: "error" | "warning", about: object) => ({
  severity,
  code: "",
  title: "",
  message: "",
  about,
  whatToDo: { verb: "", sentence: "", request: "" },
});

test.each([
  [
    "risk",
    { view: "keys", subscriptionId: "s" },
    row("error", { diskEncryptionSetId: "/d", versions: [VERSION] }),
  ],
  ["note-mark", { view: "keys" }, row("warning", { diskEncryptionSetId: "/d" })],
  [
    "failed",
    { view: "operation", operationId: "op" },
    row("error", { versions: [VERSION], operationId: "op" }),
  ],
  [
    "failed",
    { view: "version", image: IMAGE, version: "1.0.0" },
    row("error", { versions: [VERSION] }),
  ],
  [
    "held",
    { view: "version", image: IMAGE, version: "1.0.0" },
    row("warning", { versions: [VERSION] }),
  ],
  ["note-mark", { view: "rejected" }, row("warning", {})],
])("%s leads to %j", (tile, route, one) => {
  expect([tileOf(one), routeOf(one)]).toEqual([tile, route]);
});

const SEEN = { versions: 395, neverVersions: 0, sets: 69, neverSets: 0 };
const TIMES = { newest: "2026-06-01T11:56:00Z", oldest: "2026-05-31T16:30:00Z" };
test.each([
  ["", SEEN, true],
  ["Regions seen 4 min to 19 h ago", { ...SEEN, ...TIMES }, true],
  [
    "12 of 395 versions not seen yet · keys of 1 of 69 sets not seen yet, or more than two hours ago · some image definitions are still being read",
    { ...SEEN, neverVersions: 12, neverSets: 1 },
    false,
  ],
])("says %j of what was seen", (said, seen, complete) => {
  expect(seenText({ seen, complete }, Date.parse("2026-06-01T12:00:00Z"))).toBe(said);
});
