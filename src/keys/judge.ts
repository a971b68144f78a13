/**
 * Judges a disk encryption set and its key. Pure. Invariant: what was not seen is in `notSeen`, and
 * never counts as working.
 */
import { azNames, setKeyCommand } from "./az-names.js";
import type {
  Breakage,
  Key,
  KeyProblem,
  NotSeen,
  DiskEncryptionSet,
  EncryptionType,
} from "./ports.js";

/** The result of a look; `unseen`: Sigil could not look, and why. */
export type Sight<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "absent" }
  | ({ readonly kind: "unseen" } & NotSeen);

export interface SetSight extends KeySight {
  readonly set: Sight<DiskEncryptionSet>;
}

export interface KeySight {
  /** The key of the set; absent: the set has none, or does not exist. */
  readonly key?: Sight<Key>;
  /** The vault of a key that does not exist. */
  readonly vault?: Sight<true>;
  /**
   * If the set follows the newest version of the key, and its own version expires soon: the newest
   * version.
   */
  readonly newest?: Sight<Key>;
}

export interface Judged {
  readonly problems: readonly KeyProblem[];
  readonly notSeen: readonly NotSeen[];
  /** When the set's version of the key expires, RFC 3339; absent: never, or it was not seen. */
  readonly expiresTime?: string;
  readonly seen: Readonly<Record<KeyProblem["seenBy"], boolean>>;
}

interface KeyTime {
  readonly now: Date;
  /** A key that expires within this time is at risk. */
  readonly expiryMs: number;
}

const NEW_USE: readonly Breakage[] = ["update", "deployment"];
/** "When a key is either disabled, deleted, or expired, any VMs with either OS or data disks using that key will automatically shut down" (Server-side encryption of Azure Disk Storage). */
const ALL_USE: readonly Breakage[] = [...NEW_USE, "runningMachines"];

/** `madeWith`: the set's types when it encrypted its versions. */
export function judgeSet(
  id: string,
  sight: SetSight,
  madeWith: readonly EncryptionType[],
  time: KeyTime,
): Judged {
  const { set, key, vault, newest } = sight;
  const keyUrl = set.kind === "found" ? set.value.keyUrl : undefined;
  const expires = key?.kind === "found" ? key.value.expires : undefined;
  return {
    problems: [...setProblems(id, set, madeWith), ...judgeKey(id, keyUrl, sight, time)],
    notSeen: notSeenOf(set, key, vault, newest),
    ...(expires !== undefined && { expiresTime: expires }),
    seen: {
      set: set.kind !== "unseen",
      // A set that is gone, or has no key, has no key to look at.
      key: [set, key, vault, newest].every((sight) => sight?.kind !== "unseen"),
    },
  };
}

/** The problems of a set's key. */
export function judgeKey(
  id: string,
  keyUrl: string | undefined,
  { key, vault, newest }: KeySight,
  { now, expiryMs }: KeyTime,
): readonly KeyProblem[] {
  const faults =
    key?.kind === "found"
      ? keyProblems(keyUrl, key.value, newest, now, expiryMs)
      : key?.kind === "absent"
        ? missingKey(id, keyUrl, vault)
        : [];
  return faults.map((fault) => ({
    ...fault,
    message: `${keyUrl}, the key of ${id}, ${fault.message}`,
    seenBy: "key",
  }));
}

export function notSeenOf(...sights: readonly (Sight<unknown> | undefined)[]): readonly NotSeen[] {
  return sights.flatMap((sight) =>
    sight?.kind === "unseen" ? [{ code: sight.code, message: sight.message }] : [],
  );
}

function setProblems(
  id: string,
  sight: SetSight["set"],
  madeWith: readonly EncryptionType[],
): readonly KeyProblem[] {
  const problem = (
    code: string,
    message: string,
    remediation: string,
    breaks = NEW_USE,
    severity: KeyProblem["severity"] = "error",
  ): KeyProblem => ({
    code,
    severity,
    message,
    remediation,
    breaks,
    seenBy: "set",
  });
  if (sight.kind === "unseen") return [];
  if (sight.kind === "absent")
    return [
      problem(
        SET_NOT_FOUND,
        `${id} no longer exists.`,
        `Publish the regions again with another set, or create the set again with its name and key: az disk-encryption-set create ${azNames(id)} --location {region} --key-url {key}`,
      ),
    ];
  const { provisioningState, keyUrl, autoKeyRotationError, encryptionType } = sight.value;
  const was = madeWith.filter((type) => type !== "Unknown" && type !== encryptionType);
  return [
    // A set that is being changed is neither working nor broken.
    ...(provisioningState === "Failed"
      ? [
          problem(
            "DiskEncryptionSetNotReady",
            `${id} is in provisioning state ${provisioningState}.`,
            `Set its key again: ${setKeyCommand(id, keyUrl)}`,
          ),
        ]
      : []),
    ...(keyUrl === undefined
      ? [
          problem(
            "DiskEncryptionSetWithoutKey",
            `${id} has no active key.`,
            `Set its key: ${setKeyCommand(id, keyUrl)}`,
          ),
        ]
      : []),
    ...(autoKeyRotationError === undefined
      ? []
      : [
          problem(
            "DiskEncryptionSetKeyRotationFailing",
            `The key of ${id} no longer rotates: ${autoKeyRotationError.code}: ${autoKeyRotationError.message}`,
            `Grant the set's identity access to its vault again (in another tenant: its application's consent), then set the key again: ${setKeyCommand(id, keyUrl)}`,
            [],
            "warning",
          ),
        ]),
    ...(was.length > 0
      ? [
          problem(
            TYPE_CHANGED,
            `${id} is now of type ${encryptionType}; versions were created with it as ${[...new Set(was)].join(", ")}.`,
            "The set was created again under its name. Publish a new version with a set of the type that it needs.",
          ),
        ]
      : []),
  ];
}

export const SET_NOT_FOUND = "DiskEncryptionSetNotFound";

/** A problem only of versions that were created while the set had another type. */
export const TYPE_CHANGED = "DiskEncryptionSetTypeChanged";

type KeyFault = Omit<KeyProblem, "seenBy">;

/** A key as the Azure CLI's commands name it. */
function keyNames(keyUrl: string | undefined): string {
  return `--vault-name ${vaultOf(keyUrl)} --name ${/\/keys\/([\w-]+)/u.exec(keyUrl ?? "")?.[1] ?? "{key}"}`;
}

function vaultOf(keyUrl: string | undefined): string {
  return /^https:\/\/([\w-]+)\./u.exec(keyUrl ?? "")?.[1] ?? "{vault}";
}

function missingKey(
  id: string,
  keyUrl: string | undefined,
  vault: SetSight["vault"],
): readonly KeyFault[] {
  switch (vault?.kind) {
    case "found":
      return [
        {
          code: "KeyNotFound",
          severity: "error",
          message: "no longer exists.",
          remediation: `Recover it before it is purged: az keyvault key recover ${keyNames(keyUrl)}`,
          breaks: ALL_USE,
        },
      ];
    // A set keeps its vault's old resource id, so one whose vault moved to another resource group
    // still works.
    case "absent":
      return [
        {
          code: "KeyVaultNotFound",
          severity: "warning",
          message:
            "is in a vault that is not where it was: it was deleted, or moved to another resource group.",
          remediation: `If the vault was deleted, recover it before it is purged: az keyvault recover --name ${vaultOf(keyUrl)}. If it was moved, set the key again: ${setKeyCommand(id, keyUrl)} --source-vault ${vaultOf(keyUrl)}`,
          breaks: ALL_USE,
        },
      ];
    case "unseen":
    case undefined:
      return [];
  }
}

function keyProblems(
  keyUrl: string | undefined,
  key: Key,
  newest: SetSight["newest"],
  now: Date,
  expiryMs: number,
): readonly KeyFault[] {
  const { enabled, expires, notBefore } = key;
  const nowMs = now.getTime();
  const fault = (
    code: string,
    message: string,
    remediation: string,
    severity: KeyProblem["severity"] = "error",
  ): KeyFault => ({ code, severity, message, remediation, breaks: ALL_USE });
  return [
    ...(enabled
      ? []
      : [
          fault(
            "KeyDisabled",
            "is disabled.",
            `Enable it: az keyvault key set-attributes ${keyNames(keyUrl)} --enabled true`,
          ),
        ]),
    ...(notBefore !== undefined && Date.parse(notBefore) > nowMs
      ? [
          fault(
            "KeyNotYetValid",
            `is not valid before ${notBefore}.`,
            `Set an earlier activation date: az keyvault key set-attributes ${keyNames(keyUrl)} --not-before {time}`,
          ),
        ]
      : []),
    ...(expires !== undefined && Date.parse(expires) <= nowMs
      ? [
          fault(
            "KeyExpired",
            `has expired: ${expires}.`,
            `Set a later expiry date: az keyvault key set-attributes ${keyNames(keyUrl)} --expires {time}. Or rotate it, and let the set use the new version.`,
          ),
        ]
      : isExpiring(key, now, expiryMs) && !isFollowed(newest, now, expiryMs)
        ? [
            fault(
              "KeyExpiring",
              `expires soon: ${expires}.`,
              `Rotate it before that, and let the set use the new version: az keyvault key rotate ${keyNames(keyUrl)}`,
              "warning",
            ),
          ]
        : []),
  ];
}

/** Whether versions can be created with it. */
export function setWorks(set: DiskEncryptionSet): boolean {
  return (
    set.provisioningState === "Succeeded" &&
    setProblems(set.id, { kind: "found", value: set }, []).length === 0
  );
}

/** Whether it can be used now. */
export function keyWorks(key: Key, now: Date): boolean {
  return keyProblems(undefined, key, undefined, now, 0).length === 0;
}

/** Whether it works now, and will stop before the time that is asked about. */
export function isExpiring({ expires }: Key, now: Date, expiryMs: number): boolean {
  return expires !== undefined && Date.parse(expires) - now.getTime() <= expiryMs;
}

/** Whether the set takes another version of the key before this one expires. */
function isFollowed(newest: SetSight["newest"], now: Date, expiryMs: number): boolean {
  return (
    newest?.kind === "found" && newest.value.enabled && !isExpiring(newest.value, now, expiryMs)
  );
}
