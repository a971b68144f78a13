import { expect, it } from "vitest";
import {
  countTexts,
  coverOf,
  setRows,
  statesIn,
  type SetState,
} from "../../../../src/page/src/keys/set-rows.js";
import { seenSpan } from "../../../../src/page/src/times.js";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const at = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

const setOf = (id: string, more: object = {}) => ({
  id,
  region: "westus",
  encryptionType: "EncryptionAtRestWithCustomerKey" as const,
  provisioningState: "Succeeded",
  rotationToLatestKeyVersionEnabled: true,
  ...more,
});
const stateOf = (more: Partial<SetState> = {}): SetState => ({
  seenTime: at(8),
  problems: [],
  notSeen: [],
  ...more,
});
const problem = (code: string, severity: "error" | "warning") => ({
  code,
  severity,
  message: `${code} message`,
  remediation: `${code} remediation`,
  breaks: [],
});
const image = { subscriptionId: "s", resourceGroupName: "g", galleryName: "G", imageName: "I" };
const USED = [{ image, versions: ["1.0.0"], latest: 1 }];

const IDS = ["works", "Broken", "unread", "unknown", "soon", "rotation", "failed", "unused"];
const STATES = new Map<string, SetState>([
  ["works", stateOf({ seenTime: at(31), expiresTime: at(-9_000) })],
  [
    "broken",
    stateOf({ problems: [problem("KeyExpiring", "warning"), problem("KeyDisabled", "error")] }),
  ],
  [
    "unread",
    stateOf({ seenTime: at(1), notSeen: [{ code: "InsufficientPermission", message: "No." }] }),
  ],
  ["soon", stateOf({ problems: [problem("KeyExpiring", "warning")] })],
  ["rotation", stateOf()],
  ["failed", stateOf()],
  ["unused", stateOf()],
]);
const rows = setRows(
  IDS.map((id) =>
    setOf(id, {
      ...(id === "failed" && { provisioningState: "Failed" }),
      ...(id === "rotation" && { autoKeyRotationError: { code: "Denied", message: "Why." } }),
    }),
  ),
  new Map(IDS.filter((id) => id !== "unused").map((id) => [id.toLowerCase(), USED])),
  STATES,
);

it("what is broken stands first, then what soon is, then what nobody has seen, then what works", () => {
  expect(rows.map(({ set, tile, title }) => [set.id, tile, title])).toEqual([
    ["Broken", "risk", "Key disabled"],
    ["failed", "risk", "Failed"],
    ["rotation", "note-mark", "Not rotated"],
    ["soon", "note-mark", "Key expiring"],
    ["unknown", "unseen", "Not seen yet"],
    ["unread", "unseen", "Not seen yet"],
    ["works", "ready", "Safe"],
    ["unused", "absent", "Unused"],
  ]);
  expect(rows[0]).toMatchObject({
    details: ["KeyDisabled message", "KeyExpiring message"],
    fixes: ["KeyDisabled remediation", "KeyExpiring remediation"],
  });
  expect(rows[2]?.details).toEqual(["Denied: Why."]);
});

it("what could not be seen has no time, whenever that was tried", () => {
  expect(rows.find(({ set }) => set.id === "unread")?.seenTime).toBeUndefined();
  const times = rows.map(({ seenTime }) => seenTime);
  expect(seenSpan(times, NOW)).toBe("seen 8 s to 31 s ago");
  expect(seenSpan(times.slice(0, 1), NOW)).toBe("seen 8 s ago");
  expect(seenSpan([], NOW)).toBe("");
});

it("risks are counted first, also where there are none; no word covers what was not seen", () => {
  expect(countTexts(rows)).toEqual([
    "2 of 8 at risk",
    "2 soon at risk",
    "2 not seen yet",
    "1 safe",
    "1 unused",
  ]);
  expect(countTexts([])).toEqual(["0 of 0 at risk"]);
});

it("opens as few versions as have every set", () => {
  const version = (name: string, ...sets: number[]) => ({
    name,
    regions: sets.map((one) => ({ diskEncryptionSets: [one] })),
  });
  expect(
    coverOf({
      diskEncryptionSets: ["/a", "/b", "/c"],
      versions: [version("1.2.0", 0, 1), version("1.1.0", 1), version("1.0.0", 1, 2)],
    } as unknown as Parameters<typeof coverOf>[0]),
  ).toEqual(["1.2.0", "1.0.0"]);
});

it("says of each set of an opened version what is its own, and nothing where one was never seen", () => {
  const keys = {
    state: "AtRisk" as const,
    seenTime: at(4),
    sets: ["/A", "/b"].map((diskEncryptionSetId) => ({ diskEncryptionSetId, regions: [] })),
    problems: [
      { ...problem("KeyDisabled", "error"), diskEncryptionSetId: "/a", regions: ["westus"] },
    ],
    notSeen: [],
  };
  expect(
    statesIn(keys).map(([id, { seenTime, problems }]) => [id, seenTime, problems.length]),
  ).toEqual([
    ["/a", at(4), 1],
    ["/b", at(4), 0],
  ]);
  const { seenTime: _, ...never } = keys;
  expect(statesIn(never)).toEqual([]);
  expect(statesIn(undefined)).toEqual([]);
});
