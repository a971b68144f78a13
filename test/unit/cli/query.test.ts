import { expect, it } from "vitest";
import { runLine } from "./command-line.js";

const row = (place: string, more: object = {}): object => ({
  id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/${place}`,
  latestIn: [],
  managedBy: "Sigil",
  provisioningState: "Succeeded",
  regions: [{ name: "westus", state: "Unknown", excludeFromLatest: false }],
  ...more,
});
const seen = { seenTime: "2026-01-01T09:11:04Z", latestIn: ["westus"] };

it("query asks for every filter, reads all pages, and sorts by gallery, image and number", async () => {
  const { code, stdout, requests } = await runLine(
    "image-version query --subscription-id s --gallery g* --image i --version 1.* --latest --latest-in westus --in a --not-in b --older-than P60D --end-of-life-before 2027-03-01T00:00:00Z --tag team=web -o table",
    (_, number) => [
      200,
      number === 1
        ? { value: [row("b/images/i/versions/1.0.0")], continuationToken: "next" }
        : { value: [row("a/images/i/versions/1.10.0"), row("a/images/i/versions/1.9.0", seen)] },
    ],
  );
  expect(code).toBe(0);
  const [first = "", second = ""] = requests.map(({ path }) => path);
  expect(Object.fromEntries(new URLSearchParams(first.split("?")[1]))).toEqual({
    ...{ subscriptionId: "s", gallery: "g*", image: "i", version: "1.*", latest: "true" },
    ...{ latestIn: "westus", in: "a", notIn: "b", olderThan: "P60D", tag: "team=web" },
    ...{ endOfLifeBefore: "2027-03-01T00:00:00Z", top: "200" },
  });
  expect(second).toContain("continuationToken=next");
  const rows = stdout.split("\n").filter((line) => line.includes("1."));
  expect(rows.map((line) => line.trim().split(/\s{2,}/u))).toEqual([
    ["a", "i", "1.9.0", "westus", "westus", "2026-01-01T09:11"],
    ["a", "i", "1.10.0", "westus", "not seen yet"],
    ["b", "i", "1.0.0", "westus", "not seen yet"],
  ]);
});

it("query is limited to the configured gallery and image definition", async () => {
  const { requests } = await runLine("image-version query --image *", () => [200, { value: [] }], {
    environment: { SIGIL_GALLERY: "prod", SIGIL_IMAGE: "web" },
  });
  expect(requests[0]?.path).toContain("?gallery=prod&image=*&");
});
