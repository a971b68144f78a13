import { expect, test } from "vitest";
import type { KeyProblem, KeyState } from "../../../../src/keys/ports.js";
import { statesOf, versionKeys } from "../../../../src/keys/version-keys.js";

const TIMES = ["2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000Z"] as const;
const uses = ["westus", "eastus2"].map((region) => ({
  diskEncryptionSetId: `/${region}`,
  region,
}));
const problem = (code: string): KeyProblem => ({
  code,
  severity: "error",
  message: "bad",
  remediation: "mend it",
  breaks: ["update"],
  seenBy: "set",
});
const state = (diskEncryptionSetId: string, more: Partial<KeyState> = {}): KeyState => ({
  diskEncryptionSetId,
  lookedTime: TIMES[1],
  problems: [],
  notSeen: [],
  sequence: 0,
  ...more,
});
const keys = (sets: readonly KeyState[], madeWith = {}) =>
  versionKeys(statesOf({ sets }), uses, madeWith);

test("without own keys there is nothing to say", () => {
  expect(versionKeys(statesOf(undefined), [], {})).toBeUndefined();
});

test("safe is what was seen in each region, and is well", () => {
  expect(keys([state("/WESTUS", { lookedTime: TIMES[0] }), state("/eastus2")])).toMatchObject({
    state: "Safe",
    seenTime: TIMES[0],
    problems: [],
    notSeen: [],
  });
});

test("a set that was not looked at, or of which not everything was seen, is never safe", () => {
  expect(keys([state("/westus")])).toEqual({
    state: "Unknown",
    sets: [{ diskEncryptionSetId: "/westus", regions: ["westus"] }],
    problems: [],
    notSeen: [
      {
        diskEncryptionSetId: "/eastus2",
        regions: ["eastus2"],
        code: "NotLookedAtYet",
        message: expect.stringContaining("not read") as string,
      },
    ],
  });
  expect(versionKeys(statesOf(undefined), uses, {})?.state).toBe("Unknown");
  const notSeen = [{ code: "ManagedHsm", message: "no" }];
  expect(keys([state("/westus", { notSeen }), state("/eastus2")])).toMatchObject({
    state: "Unknown",
    notSeen: [{ code: "ManagedHsm" }],
  });
});

test("each set that was looked at says its key, and until when that can be used", () => {
  const key = { keyUrl: "https://key", expiresTime: TIMES[1] };
  expect(keys([state("/westus", key)])?.sets).toEqual([
    { diskEncryptionSetId: "/westus", regions: ["westus"], ...key },
  ]);
});

test("one set that is bad puts the version at risk, and says where", () => {
  expect(
    keys([
      state("/westus", {
        problems: [problem("KeyDisabled")],
        keyUrl: "https://key",
        since: TIMES[0],
      }),
      state("/eastus2"),
    ]),
  ).toMatchObject({
    state: "AtRisk",
    problems: [
      {
        diskEncryptionSetId: "/westus",
        regions: ["westus"],
        keyUrl: "https://key",
        since: TIMES[0],
        code: "KeyDisabled",
      },
    ],
  });
});

test("a set's type is a problem of versions that were made with another", () => {
  const sets = [
    state("/westus", {
      encryptionType: "EncryptionAtRestWithCustomerKey",
      problems: [problem("DiskEncryptionSetTypeChanged")],
    }),
    state("/eastus2"),
  ];
  expect(keys(sets)?.state).toBe("Safe");
  expect(keys(sets, { "/westus": "EncryptionAtRestWithCustomerKey" })?.state).toBe("Safe");
  expect(keys(sets, { "/westus": "EncryptionAtRestWithPlatformAndCustomerKeys" })?.state).toBe(
    "AtRisk",
  );
});
