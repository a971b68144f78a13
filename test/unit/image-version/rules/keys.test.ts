import { describe, expect, test } from "vitest";
import type { KeySight } from "../../../../src/keys/judge.js";
import type { Key, KeyState } from "../../../../src/keys/ports.js";
import { finding, findings, NOW, REGIONS, setId } from "./subject.js";

const POINTER = `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`;
const ID = setId("eastus2-os");
const URL = "https://vault.vault.azure.net/keys/eastus2-os/1";
const EXPIRY_MS = 30 * 86_400_000;

const at = (ms: number): string => new Date(NOW.getTime() + ms).toISOString();
const found = (key: Partial<Key>): KeySight => ({
  key: { kind: "found", value: { enabled: true, ...key } },
});
const unseen = {
  kind: "unseen",
  code: "InsufficientPermission",
  message: "No right.",
} as const;

/** With what was seen of the key of the OS disk's set in eastus2. */
const seenKey = (sight: KeySight, last?: KeyState) =>
  findings({
    gathered: {
      keys: {
        bySet: new Map([[ID.toLowerCase(), sight]]),
        lastKnown: new Map(last && [[ID.toLowerCase(), last]]),
        expiryMs: EXPIRY_MS,
      },
    },
  });

describe("a key that is put to use", () => {
  test.each<readonly [string, KeySight, string, string]>([
    [
      "KeyDisabled",
      found({ enabled: false }),
      "is disabled",
      "az keyvault key set-attributes --vault-name vault --name eastus2-os --enabled true",
    ],
    ["KeyNotYetValid", found({ notBefore: at(1) }), `is not valid before ${at(1)}`, "--not-before"],
    ["KeyExpired", found({ expires: at(0) }), `has expired: ${at(0)}`, "--expires"],
    [
      "KeyNotFound",
      { key: { kind: "absent" }, vault: { kind: "found", value: true } },
      "no longer exists",
      "az keyvault key recover --vault-name vault --name eastus2-os",
    ],
  ])("stops the request: %s", (code, sight, message, remediation) => {
    expect(seenKey(sight)).toEqual([finding(code, POINTER, [URL, ID, message], remediation)]);
  });

  test.each<readonly [string, KeySight, string, string]>([
    [
      "KeyExpiring",
      found({ expires: at(EXPIRY_MS) }),
      `expires soon: ${at(EXPIRY_MS)}`,
      "az keyvault key rotate --vault-name vault --name eastus2-os",
    ],
    [
      "KeyVaultNotFound",
      { key: { kind: "absent" }, vault: { kind: "absent" } },
      "is in a vault that is not where it was",
      `--key-url ${URL} --source-vault vault`,
    ],
  ])("is warned of: %s", (code, sight, message, remediation) => {
    expect(seenKey(sight)).toEqual([
      finding(code, POINTER, [URL, ID, message], remediation, "warning"),
    ]);
  });

  test.each<readonly [string, KeySight]>([
    ["works", found({ notBefore: at(0), expires: at(EXPIRY_MS + 1) })],
    [
      "is followed by a newer one",
      {
        ...found({ expires: at(1) }),
        newest: { kind: "found", value: { enabled: true } },
      },
    ],
  ])("that %s is not told of", (_, sight) => {
    expect(seenKey(sight)).toEqual([]);
  });
});

describe("what was not seen of a key is a warning", () => {
  const state: KeyState = {
    diskEncryptionSetId: ID,
    lookedTime: "2025-12-31T23:00:00.000Z",
    problems: [],
    notSeen: [],
    sequence: 1,
  };
  const problem = {
    code: "KeyDisabled",
    severity: "error",
    message: "",
    remediation: "",
    breaks: [],
    seenBy: "key",
  } as const;

  test.each<readonly [string, KeyState | undefined]>([
    ["The key guardian has not read it yet.", undefined],
    [`${state.lookedTime}: it works.`, state],
    [`${state.lookedTime}: not seen either.`, { ...state, notSeen: [unseen] }],
    [`${state.lookedTime}: KeyDisabled.`, { ...state, problems: [problem], notSeen: [unseen] }],
  ])("%s", (words, last) => {
    expect(seenKey({ key: unseen }, last)).toEqual([
      finding(
        "KeyNotSeen",
        POINTER,
        words,
        [`az disk-encryption-set show`, "az keyvault key show"],
        "warning",
      ),
    ]);
  });

  test("with the reason, also of the vault and of the newest version", () => {
    for (const sight of [
      { key: { kind: "absent" }, vault: unseen },
      { ...found({ expires: at(1) }), newest: unseen },
    ] as const)
      expect(seenKey(sight)).toContainEqual(
        finding(
          "KeyNotSeen",
          POINTER,
          [ID, "InsufficientPermission"],
          [`az disk-encryption-set show`, "az keyvault key show"],
          "warning",
        ),
      );
  });
});

test("a set whose key was not looked at, as one that the version has already, is not judged", () => {
  expect(findings({})).toEqual([]);
});
