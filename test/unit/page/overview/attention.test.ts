import { expect, test } from "vitest";
import { attentionOf } from "../../../../src/page/src/overview/attention.js";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const NOTHING = { stuck: [], rejected: [] };

const problem = (code: string, severity: "error" | "warning") => ({
  code,
  severity,
  message: "",
  remediation: "",
  breaks: [],
});

/** An image definition whose versions all have the same sets. */
function known(
  imageName: string,
  problems: readonly (readonly [set: string, ReturnType<typeof problem>])[],
  more: object = {},
) {
  return {
    image: {
      subscriptionId: "s",
      resourceGroupName: "g",
      galleryName: "G",
      imageName,
    },
    summary: {
      etag: "",
      body: {
        time: "2026-06-01T12:00:00Z",
        complete: true,
        seen: { never: 0 },
        diskEncryptionSets: problems.map(
          ([set]) => `/subscriptions/s/resourceGroups/g/sets/${set}`,
        ),
        keys: problems.map(([, one], diskEncryptionSet) => ({
          diskEncryptionSet,
          problems: [one],
          notSeen: [],
        })),
        versions: ["1.0.1", "1.0.0"].map((name) => ({
          name,
          managedBy: "Sigil" as const,
          provisioningState: "Succeeded",
          state: "Succeeded",
          latest: false,
          excludeFromLatest: false,
          ...(problems.length > 0 && { keys: "AtRisk" as const }),
          regions: [
            {
              name: "westus",
              state: "Completed" as const,
              progress: 100,
              latest: false,
              excludeFromLatest: false,
              encryptionType: "EncryptionAtRestWithCustomerKey" as const,
              diskEncryptionSets: problems.map((_, index) => index),
            },
          ],
          ...more,
        })),
      },
    },
  };
}

test("keys at risk are one line, of however many versions and images, with the way to them", () => {
  const images = [
    known("One", [
      ["a", problem("KeyExpiring", "warning")],
      ["b", problem("KeyDisabled", "error")],
    ]),
    known("Two", [["B", problem("KeyDisabled", "error")]]),
  ];
  expect(attentionOf(images, NOTHING, NOW)).toEqual([
    {
      tile: "risk",
      title: "2 keys at risk",
      text: "a: key expiring, B: key disabled",
      to: { view: "keys", subscriptionId: "s" },
      rank: 1,
    },
  ]);
});

test("a key that only expires is after what is broken now", () => {
  const images = [
    known("One", [["a", problem("KeyExpiring", "warning")]]),
    known("Two", [], { provisioningState: "Failed" }),
  ];
  expect(attentionOf(images, NOTHING, NOW).map(({ title, tile }) => [title, tile])).toEqual([
    ["Two 1.0.1", "failed"],
    ["Two 1.0.0", "failed"],
    ["1 key at risk", "risk"],
  ]);
});

test("a version that waits for a person is said once", () => {
  const lines = (more: object) =>
    attentionOf([known("One", [], more)], NOTHING, NOW).map(
      ({ title, text }) => `${title}: ${text}`,
    );
  const go = { state: "Waiting", message: "", wave: 2, waitsForGo: true };
  const conditions = [{ type: "NeedsAttention", reason: "WaitsForGo" }];
  expect(lines({ conditions, rollout: go })).toEqual([
    "One 1.0.1: Wave 2 waits for a person",
    "One 1.0.0: Wave 2 waits for a person",
  ]);
  expect(
    lines({
      rollout: { state: "NeedsAttention", message: "" },
      conditions: [{ type: "Paused" }],
    })[0],
  ).toEqual("One 1.0.1: Its rule is paused");
  expect(lines({ rollout: { state: "Waiting", message: "" } })).toEqual([]);
});

test("rejected requests are one line, and so is that they could not be read", () => {
  const rejected = ["2025-05-01T12:00:00Z", "2025-05-02T12:00:00Z"].map((enqueuedTime, index) => ({
    id: `${index}`,
    enqueuedTime,
    rejectionCode: "InvalidRequest",
    rejectionReason: "1 error was found in the message.",
    errors: [],
    size: 5,
  }));
  expect(attentionOf([], { stuck: [], rejected }, NOW)).toMatchObject([
    {
      tile: "held",
      title: "2 rejected requests",
      text: "The oldest came 1 May 2025. Correct it, or send it again.",
      to: { view: "rejected" },
    },
  ]);
  expect(attentionOf([], { stuck: [], rejected: new Error("No answer.") }, NOW)).toMatchObject([
    { title: "Rejected requests could not be read", text: "No answer." },
  ]);
});
