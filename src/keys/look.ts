/** Looks at disk encryption sets and their keys, unless the memory saw them recently. */
import { parseResourceId } from "../resource-id.js";
import type { KeyDependencies, DiskEncryptionSet } from "./ports.js";
import {
  isExpiring,
  keyWorks,
  setWorks,
  type KeySight,
  type SetSight,
  type Sight,
} from "./judge.js";
import type { KeyMemory, KeyUse, Shown, ToSee } from "./memory.js";

export interface LookDependencies extends Pick<KeyDependencies, "keyReader" | "keyExpiryMs"> {
  readonly resources: SetReader;
  readonly looks: { readonly keys: KeyMemory };
  readonly now: () => Date;
}

interface SetReader {
  getDiskEncryptionSet(id: string): Promise<DiskEncryptionSet | undefined>;
}

/** When its oldest read began. */
interface Timed {
  readonly timeMs: number;
}

export interface KeyLooks {
  /**
   * Seen no earlier than `afterMs`, unless an older answer stands in. Throws transient errors, and
   * then learns nothing.
   */
  look(this: void, setId: string, afterMs?: number): Promise<SetSight & Timed>;
  /** The same for the key of a set that was read. */
  keyOf(this: void, set: DiskEncryptionSet): Promise<KeySight>;
  /** The number of reads from Azure. */
  readonly reads: number;
}

/** For one run or one request, in which nothing is read twice. */
export function createKeyLooks(
  { resources, keyReader, keyExpiryMs, now, looks }: LookDependencies,
  use: KeyUse,
): KeyLooks {
  const seen = new Map<string, Promise<Shown<unknown>>>();
  let reads = 0;
  const see = async <T>(what: ToSee<T>, afterMs: number): Promise<Shown<T>> => {
    const key = what.names.join(" ").toLowerCase();
    const before = seen.get(key) as Promise<Shown<T>> | undefined;
    if (before !== undefined && (await before).timeMs >= afterMs) return before;
    const read = (): Promise<T | undefined> => {
      reads += 1;
      return what.read();
    };
    const shown = looks.keys.see({ ...what, read }, use, afterMs);
    seen.set(key, shown);
    return shown;
  };
  const keyAt = ({ vaultId, name, version }: KeyAddress, afterMs: number) =>
    see(
      {
        names: [vaultId, name, version ?? ""],
        read: () => keyReader.getKey(vaultId, name, version),
        works: (key) => keyWorks(key, now()),
      },
      afterMs,
    );
  const keyOf = async (set: DiskEncryptionSet, afterMs: number): Promise<KeySight & Timed> => {
    if (set.keyUrl === undefined) return { timeMs: Infinity };
    const address = addressOf(set, set.keyUrl);
    if ("code" in address) return { key: { kind: "unseen", ...address }, timeMs: Infinity };
    const shown = await keyAt(address, afterMs);
    const key = sightOf(shown);
    if (key.kind === "absent") {
      const { vaultId } = address;
      const vault = await see(
        {
          names: [vaultId],
          read: async () => ((await keyReader.hasVault(vaultId)) ? (true as const) : undefined),
          works: (isThere) => isThere,
        },
        afterMs,
      );
      return { key, vault: sightOf(vault), timeMs: Math.min(shown.timeMs, vault.timeMs) };
    }
    const { vaultId, name } = address;
    const next =
      key.kind === "found" &&
      set.rotationToLatestKeyVersionEnabled &&
      isExpiring(key.value, now(), keyExpiryMs)
        ? await keyAt({ vaultId, name }, afterMs)
        : undefined;
    const newest = next && sightOf(next);
    return {
      key,
      ...(newest && { newest: newest.kind === "absent" ? key : newest }),
      timeMs: Math.min(shown.timeMs, next?.timeMs ?? Infinity),
    };
  };
  return {
    get reads() {
      return reads;
    },
    keyOf: (set) => keyOf(set, -Infinity),
    async look(setId, afterMs = -Infinity) {
      const shown = await see(setToSee(resources, setId), afterMs);
      const set = sightOf(shown);
      if (set.kind !== "found") return { set, timeMs: shown.timeMs };
      const { timeMs, ...key } = await keyOf(set.value, afterMs);
      return { set, ...key, timeMs: Math.min(shown.timeMs, timeMs) };
    },
  };
}

/** How the memory reads a set. */
export function setToSee(resources: SetReader, id: string): ToSee<DiskEncryptionSet> {
  return { names: [id], read: () => resources.getDiskEncryptionSet(id), works: setWorks };
}

/** A refusal means that Sigil could not look. */
function sightOf<T>({ value, error }: Shown<T>): Sight<T> {
  if (error?.code === "ResourceManagerForbidden") {
    const lacking = error.findings.map(
      ({ message, remediation = "" }) => `${message} ${remediation}`,
    );
    return {
      kind: "unseen",
      code: "InsufficientPermission",
      message: lacking.join(" ") || error.message,
    };
  }
  if (error !== undefined) return { kind: "unseen", code: error.code, message: error.message };
  return value === undefined ? { kind: "absent" } : { kind: "found", value };
}

interface KeyAddress {
  readonly vaultId: string;
  readonly name: string;
  readonly version?: string;
}

/** `https://{vault}/keys/{name}/{version}`. */
const KEY_URL =
  /^https:\/\/([-\w.]+)(?::\d+)?\/keys\/([-0-9A-Za-z]{1,127})(?:\/([0-9A-Za-z]{1,127}))?\/?$/u;

/** The address of the key in Azure Resource Manager, or why it has none. */
function addressOf(
  { id, vaultId, federatedClientId }: DiskEncryptionSet,
  keyUrl: string,
): KeyAddress | { readonly code: string; readonly message: string } {
  const [, host = "", name, version] = KEY_URL.exec(keyUrl) ?? [];
  if (federatedClientId !== undefined)
    return {
      code: "KeyInOtherTenant",
      message: `${keyUrl}, the key of ${id}, is in another tenant. Sigil cannot read it or its consent, and only reports a failing rotation.`,
    };
  if (host.includes(".managedhsm."))
    return {
      code: "ManagedHsm",
      message: `${keyUrl}, the key of ${id}, is in a managed HSM, whose keys Sigil does not read.`,
    };
  const vault = vaultId === undefined ? undefined : parseResourceId(vaultId);
  if (
    name === undefined ||
    vaultId === undefined ||
    vault?.type !== "vaults" ||
    vault.namespace.toLowerCase() !== "microsoft.keyvault"
  )
    return {
      code: "KeyVaultNotNamed",
      message: `${id} does not name the vault of its key ${keyUrl}, which Azure omits for a key of another subscription.`,
    };
  return { vaultId, name, ...(version !== undefined && { version }) };
}
