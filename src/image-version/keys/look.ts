/** Looks at disk encryption sets and their keys, each once for all who ask. */
import { ServiceError } from "../../errors.js";
import type { DiskEncryptionSet } from "../resources.js";
import { parseResourceId } from "../../resource-id.js";
import { isExpiring, type KeySight, type SetSight, type Sight } from "./judge.js";
import type { KeyDependencies } from "./ports.js";

export interface LookDependencies extends Pick<KeyDependencies, "keyReader" | "keyExpiryMs"> {
  readonly resources: {
    getDiskEncryptionSet(id: string): Promise<DiskEncryptionSet | undefined>;
  };
  readonly now: () => Date;
}

export interface KeyLooks {
  /** Throws what passes: then nothing is known that was not before. */
  look(this: void, setId: string): Promise<SetSight>;
  /** The same of the key of a set that was read. */
  keyOf(this: void, set: DiskEncryptionSet): Promise<KeySight>;
  /** How many reads of Azure were made. */
  readonly reads: number;
}

/** For one run, or one request: what was read is not read again. */
export function createKeyLooks({
  resources,
  keyReader,
  keyExpiryMs,
  now,
}: LookDependencies): KeyLooks {
  const sights = new Map<string, Promise<unknown>>();
  let reads = 0;
  const once = <T>(
    read: () => Promise<T | undefined>,
    ...names: readonly string[]
  ): Promise<Sight<T>> => {
    const key = names.join(" ").toLowerCase();
    const known = sights.get(key);
    if (known !== undefined) return known as Promise<Sight<T>>;
    reads += 1;
    const sight = sightOf(read);
    sights.set(key, sight);
    return sight;
  };
  const keyAt = ({ vaultId, name }: KeyAddress, version?: string) =>
    once(() => keyReader.getKey(vaultId, name, version), vaultId, name, version ?? "");
  const keyOf: KeyLooks["keyOf"] = async (set) => {
    if (set.keyUrl === undefined) return {};
    const address = addressOf(set, set.keyUrl);
    if ("code" in address) return { key: { kind: "unseen", ...address } };
    const key = await keyAt(address, address.version);
    if (key.kind === "absent") {
      const { vaultId } = address;
      const vault = await once(
        async () => (await keyReader.hasVault(vaultId)) || undefined,
        vaultId,
      );
      return { key, vault };
    }
    const newest =
      key.kind === "found" &&
      set.rotationToLatestKeyVersionEnabled &&
      isExpiring(key.value, now(), keyExpiryMs)
        ? await keyAt(address)
        : undefined;
    return {
      key,
      ...(newest && { newest: newest.kind === "absent" ? key : newest }),
    };
  };
  return {
    get reads() {
      return reads;
    },
    keyOf,
    async look(setId) {
      const set = await once(() => resources.getDiskEncryptionSet(setId), setId);
      return {
        set,
        ...(set.kind === "found" && (await keyOf(set.value))),
      };
    },
  };
}

/** What says no is not asked again, and is not there to be seen; what passes is thrown. */
async function sightOf<T>(read: () => Promise<T | undefined>): Promise<Sight<T>> {
  try {
    const value = await read();
    return value === undefined ? { kind: "absent" } : { kind: "found", value };
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable) throw error;
    return {
      kind: "unseen",
      code: error.code === "ResourceManagerForbidden" ? "InsufficientPermission" : error.code,
      message: error.message,
    };
  }
}

interface KeyAddress {
  readonly vaultId: string;
  readonly name: string;
  readonly version?: string;
}

/** `https://{vault}/keys/{name}/{version}`. */
const KEY_URL =
  /^https:\/\/([-\w.]+)(?::\d+)?\/keys\/([-0-9A-Za-z]{1,127})(?:\/([0-9A-Za-z]{1,127}))?\/?$/u;

/** Where Azure Resource Manager has the key, or why it does not. */
function addressOf(
  { id, vaultId, federatedClientId }: DiskEncryptionSet,
  keyUrl: string,
): KeyAddress | { readonly code: string; readonly message: string } {
  const [, host = "", name, version] = KEY_URL.exec(keyUrl) ?? [];
  if (federatedClientId !== undefined)
    return {
      code: "KeyInOtherTenant",
      message: `${keyUrl}, the key of ${id}, is in another tenant: neither it nor the consent there can be seen. What a rotation meets is told.`,
    };
  if (host.includes(".managedhsm."))
    return {
      code: "ManagedHsm",
      message: `${keyUrl}, the key of ${id}, is in a managed HSM, whose keys are not read.`,
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
      message: `${id} does not say which vault its key ${keyUrl} is in, as one with a key of another subscription does not.`,
    };
  return { vaultId, name, ...(version !== undefined && { version }) };
}
