import { describe, expect, it } from "vitest";
import type { Version } from "../../../../src/page/src/dialogs/action.js";
import { offersOf } from "../../../../src/page/src/version/offered.js";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const region = (name: string, state = "Completed") => ({
  name,
  state,
  progress: state === "Completed" ? 100 : 40,
  attempts: 1,
  encryption: {
    osDiskImage: { type: "EncryptionAtRestWithPlatformKey" },
    dataDiskImages: [],
  },
});

function version(sigil: object = {}, profile: object = {}, more: object = {}) {
  return {
    name: "1.0.0",
    properties: {
      provisioningState: "Succeeded",
      publishingProfile: {
        targetRegions: [
          { name: "West US", excludeFromLatest: false },
          { name: "eastus2", excludeFromLatest: true },
        ],
        ...profile,
      },
      ...more,
    },
    sigil: {
      managedBy: "Sigil",
      latest: false,
      latestIn: ["westus"],
      state: "Succeeded",
      regions: [region("westus"), region("eastus2")],
      ...sigil,
    },
  } as unknown as Version;
}

const of = (one: Version, more: object = {}) => [
  ...offersOf(one, {
    operation: undefined,
    mayWrite: true,
    mayAdmin: false,
    mayApprove: false,
    mayCancel: false,
    hasTestProfile: false,
    nowMs: NOW,
    ...more,
  }),
];

const GATE = [{ type: "GateClosed", regions: ["eastus2"] }];

describe("what is offered", () => {
  it("a version that is in latest in one region of two may be promoted and demoted", () => {
    expect(of(version())).toEqual([
      "change",
      "tags",
      "promote",
      "demote",
      "rollback",
      "protect",
      "revoke",
      "delete",
    ]);
  });

  it.each([
    ["a reader nothing", version(), { mayWrite: false }, []],
    [
      "a promotion also where keys break: the service says whether that hinders it",
      version({ keys: { problems: [{ severity: "error", regions: [] }] } }),
      {},
      ["change", "tags", "promote", "demote", "rollback", "protect", "revoke", "delete"],
    ],
    [
      "no promotion where it is in latest everywhere, no rollback to the latest",
      version({ latest: true }, { targetRegions: [] }),
      {},
      ["change", "tags", "demote", "protect", "revoke", "delete"],
    ],
    [
      "no deletion of what is protected; an Admin takes that off",
      version({ protected: true }),
      { mayAdmin: true },
      ["change", "tags", "promote", "demote", "rollback", "unprotect", "revoke"],
    ],
    [
      "no deletion before an end of life that blocks it",
      version(
        {},
        { endOfLifeDate: "2026-07-01T00:00:00Z" },
        { safetyProfile: { blockDeletionBeforeEndOfLife: true } },
      ),
      {},
      ["change", "tags", "promote", "demote", "rollback", "protect", "revoke"],
    ],
    [
      "of what is taken back neither promotion, rollback nor test; an Admin lifts that",
      version({ revocation: { reason: "CVE" }, latestIn: [] }),
      { mayAdmin: true, hasTestProfile: true },
      ["change", "tags", "demote", "protect", "unrevoke", "delete"],
    ],
    [
      "another revocation of what is revoked and still the latest somewhere",
      version({ revocation: { reason: "CVE" } }),
      {},
      ["change", "tags", "demote", "protect", "revoke", "delete"],
    ],
    [
      "an approval to who approves, where a gate is closed",
      version({ conditions: GATE }),
      { mayWrite: false, mayApprove: true },
      ["approve"],
    ],
    [
      "no promotion through a closed gate",
      version({ conditions: GATE }),
      {},
      ["change", "tags", "demote", "rollback", "protect", "revoke", "delete"],
    ],
    [
      "a promotion where the next wave has no closed gate",
      version({
        conditions: GATE,
        rollout: { wave: 1 },
        promotion: { waves: [{ regions: ["West US"] }] },
      }),
      {},
      ["change", "tags", "promote", "demote", "rollback", "protect", "revoke", "delete"],
    ],
    ["no approval where none is", version(), { mayWrite: false, mayApprove: true }, []],
    ["nothing of what is deleted", version({ state: "Deleting" }), {}, []],
    [
      "a test where there is a profile, a retry where a region has failed",
      version({ regions: [region("westus"), region("eastus2", "Failed")] }),
      { hasTestProfile: true },
      [
        "change",
        "tags",
        "promote",
        "demote",
        "rollback",
        "test",
        "retry",
        "protect",
        "revoke",
        "delete",
      ],
    ],
  ])("%s", (_, one, more, offers) => {
    expect(of(one, more)).toEqual(offers);
  });

  const waiting = { ...region("eastus2", "Failed"), nextAttemptTime: "2026-06-01T13:00:00Z" };
  it.each([
    ["once nothing runs", region("eastus2", "Failed"), undefined, true],
    ["not while an operation repairs it", region("eastus2", "Failed"), "Running", false],
    ["while an operation waits for its next attempt", waiting, "Running", true],
  ])("a failed region is retried %s", (_, failed, status, isOffered) => {
    const operation = status && { status };
    expect(of(version({ regions: [failed] }), { operation }).includes("retry")).toBe(isOffered);
  });
});
