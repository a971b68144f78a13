import { ServiceError } from "../../errors.js";
import type { Key, KeyReader } from "../../keys/ports.js";
import type { ArmClient } from "./client.js";
import type { ArmCall } from "./errors.js";
import { urlOf } from "./pages.js";

/** From "Keys" and "Vaults" in the REST reference of Key Vault's management plane. */
const KEY_VAULT_API_VERSION = "2023-07-01";

/** Reads keys through ARM's own endpoints: two reads do not justify a package. */
export function createKeyReader(arm: ArmClient): KeyReader {
  async function read<Wire>(id: string, action: string): Promise<Wire | undefined> {
    const call: ArmCall = { what: `the read of ${id}`, action, scope: id };
    const url = urlOf(arm, id, KEY_VAULT_API_VERSION);
    return arm.bodyOf<Wire>(call, await arm.request(call, "GET", url));
  }

  return {
    async getKey(vaultId, name, version) {
      const id = `${vaultId}/keys/${name}`;
      const key =
        version === undefined
          ? await read<WireKey>(id, "Microsoft.KeyVault/vaults/keys/read")
          : await read<WireKey>(
              `${id}/versions/${version}`,
              "Microsoft.KeyVault/vaults/keys/versions/read",
            );
      return key && toKey(id, key);
    },

    async hasVault(vaultId) {
      const vault = await read(vaultId, "Microsoft.KeyVault/vaults/read");
      return vault !== undefined;
    },
  };
}

interface WireKey {
  readonly properties?: {
    readonly attributes?: {
      readonly enabled?: boolean;
      /** Seconds since 1970. */
      readonly nbf?: number;
      readonly exp?: number;
    };
    readonly keyUriWithVersion?: string;
  };
}

function toKey(id: string, { properties = {} }: WireKey): Key {
  const { attributes = {}, keyUriWithVersion: url } = properties;
  const { enabled, nbf, exp } = attributes;
  if (typeof enabled !== "boolean")
    throw new ServiceError(
      "ResourceManagerRefused",
      `Azure Resource Manager does not say whether ${id} is enabled.`,
    );
  return {
    enabled,
    ...(nbf !== undefined && { notBefore: timeOf(nbf) }),
    ...(exp !== undefined && { expires: timeOf(exp) }),
    ...(url && { url }),
  };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
