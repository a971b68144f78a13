import { describe, expect, test } from "vitest";
import type { Key, DiskEncryptionSet } from "../../../../src/keys/ports.js";
import { judgeSet, type SetSight, type Sight } from "../../../../src/keys/judge.js";

const SET =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Keys/providers/Microsoft.Compute/diskEncryptionSets/West";
const NOW = new Date("2026-01-01T00:00:00Z");
const DAY_MS = 86_400_000;

const set = (more: Partial<DiskEncryptionSet> = {}): SetSight["set"] => ({
  kind: "found",
  value: {
    id: SET,
    region: "westus",
    provisioningState: "Succeeded",
    encryptionType: "EncryptionAtRestWithCustomerKey",
    keyUrl: "https://vault.vault.azure.net/keys/west/1",
    rotationToLatestKeyVersionEnabled: false,
    ...more,
  },
});
const key = (more: Partial<Key> = {}): Sight<Key> => ({
  kind: "found",
  value: { enabled: true, ...more },
});
const unseen = {
  kind: "unseen",
  code: "InsufficientPermission",
  message: "may not",
} as const;
const inDays = (days: number): string => new Date(NOW.getTime() + days * DAY_MS).toISOString();

const judged = (sight: SetSight, madeWith: Parameters<typeof judgeSet>[2] = []) =>
  judgeSet(SET, sight, madeWith, { now: NOW, expiryMs: 30 * DAY_MS });
const codes = (...args: Parameters<typeof judged>) =>
  judged(...args).problems.map(({ code }) => code);

test("a set that works, with a key that does, has no problem", () => {
  expect(judged({ set: set(), key: key({ expires: inDays(31) }) })).toEqual({
    problems: [],
    notSeen: [],
    expiresTime: inDays(31),
    seen: { set: true, key: true },
  });
});

describe("of the set", () => {
  test.each([
    ["DiskEncryptionSetNotFound", { set: { kind: "absent" } }],
    ["DiskEncryptionSetNotReady", { set: set({ provisioningState: "Failed" }) }],
  ] as const)("%s breaks updates and deployments", (code, sight) => {
    expect(judged(sight)).toMatchObject({
      problems: [
        {
          code,
          severity: "error",
          breaks: ["update", "deployment"],
          seenBy: "set",
        },
      ],
    });
  });

  test("one without a key cannot encrypt", () => {
    const { keyUrl: _, ...value } = (set() as { readonly value: DiskEncryptionSet }).value;
    expect(codes({ set: { kind: "found", value } })).toEqual(["DiskEncryptionSetWithoutKey"]);
  });

  test("one that is being changed is neither well nor bad", () => {
    expect(codes({ set: set({ provisioningState: "Updating" }), key: key() })).toEqual([]);
  });

  test("a rotation that fails breaks nothing yet", () => {
    const autoKeyRotationError = { code: "Forbidden", message: "no access" };
    expect(judged({ set: set({ autoKeyRotationError }), key: key() })).toMatchObject({
      problems: [
        {
          code: "DiskEncryptionSetKeyRotationFailing",
          severity: "warning",
          breaks: [],
          message: expect.stringContaining("Forbidden: no access") as string,
        },
      ],
    });
  });

  test("it is of another type than a version was made with", () => {
    const sight = { set: set(), key: key() };
    expect(codes(sight, ["EncryptionAtRestWithCustomerKey", "Unknown"])).toEqual([]);
    expect(codes(sight, ["EncryptionAtRestWithPlatformAndCustomerKeys"])).toEqual([
      "DiskEncryptionSetTypeChanged",
    ]);
  });
});

describe("of the key", () => {
  test.each([
    ["KeyDisabled", "error", { enabled: false }],
    ["KeyExpired", "error", { expires: inDays(0) }],
    ["KeyExpired", "error", { expires: inDays(-1) }],
    ["KeyExpiring", "warning", { expires: inDays(30) }],
    ["KeyNotYetValid", "error", { notBefore: inDays(1) }],
  ] as const)("%s is a %s, and machines that run stop", (code, severity, more) => {
    expect(judged({ set: set(), key: key(more) })).toMatchObject({
      problems: [
        {
          code,
          severity,
          breaks: ["update", "deployment", "runningMachines"],
          seenBy: "key",
          message: expect.stringMatching(/^https:.*keys\/west\/1, the key of /u) as string,
        },
      ],
    });
  });

  test("it is gone where its vault is there; a vault that is not may have been moved", () => {
    const gone = { set: set(), key: { kind: "absent" } } as const;
    expect(judged({ ...gone, vault: { kind: "found", value: true } })).toMatchObject({
      problems: [{ code: "KeyNotFound", severity: "error" }],
      seen: { key: true },
    });
    expect(judged({ ...gone, vault: { kind: "absent" } })).toMatchObject({
      problems: [{ code: "KeyVaultNotFound", severity: "warning" }],
      seen: { key: true },
    });
    expect(judged({ ...gone, vault: unseen })).toMatchObject({
      problems: [],
      notSeen: [{ code: "InsufficientPermission" }],
      seen: { key: false },
    });
  });

  test("one that expires soon is replaced where the set follows the newest, and that lasts", () => {
    const expiring = { set: set(), key: key({ expires: inDays(2) }) };
    expect(codes({ ...expiring, newest: key() })).toEqual([]);
    for (const newest of [key({ enabled: false }), key({ expires: inDays(3) }), unseen])
      expect(codes({ ...expiring, newest })).toEqual(["KeyExpiring"]);
  });
});

test("what cannot be looked at is said, and is neither well nor bad", () => {
  const notSeen = [{ code: "InsufficientPermission", message: "may not" }];
  expect(judged({ set: unseen })).toEqual({
    problems: [],
    notSeen,
    seen: { set: false, key: false },
  });
  expect(judged({ set: set(), key: unseen })).toEqual({
    problems: [],
    notSeen,
    seen: { set: true, key: false },
  });
});
