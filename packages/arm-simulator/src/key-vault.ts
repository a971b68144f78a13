import { ArmError } from "./arm-error.js";
import type { ArmAnswer } from "./arm-request.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";
import { withKeys } from "./world.js";

/*
 * Vaults and their keys on the management plane, only to be read. A key has one version, unless
 * others are put under its `versions`. A key in a missing vault is missing, too.
 */

export function getVault(store: Store, path: string): ArmAnswer {
  const found = store.findResource(path);
  if (found === undefined) throw notFound(path);
  return { status: 200, body: found };
}

export function getKey(
  store: Store,
  path: string,
  [vault = "", key = "", version]: readonly string[],
): ArmAnswer {
  if (store.findResource(vault) === undefined) throw notFound(vault);
  const own = store.findResource(path);
  if (own !== undefined) return { status: 200, body: own };
  const newest = store.findResource(`${vault}/keys/${key}`);
  const url = newest?.properties?.["keyUriWithVersion"];
  if (
    newest === undefined ||
    version === undefined ||
    typeof url !== "string" ||
    !url.endsWith(`/${version}`)
  )
    throw notFound(path);
  return {
    status: 200,
    body: {
      ...newest,
      id: `${newest.id}/versions/${version}`,
      name: version,
      type: "Microsoft.KeyVault/vaults/keys/versions",
    },
  };
}

/** Puts a resource; a new disk encryption set also gets its vault and key, if they are missing. */
export function putWithKeys(store: Store, resource: ArmResource): void {
  const isNew = store.findResource(resource.id) === undefined;
  store.putResource(resource);
  for (const one of isNew ? withKeys([resource]) : [])
    if (store.findResource(one.id) === undefined) store.putResource(one);
}

/**
 * Why nothing can be encrypted with the key of a set; undefined: it works, or its vault is missing.
 */
export function keyFault(store: Store, { properties }: ArmResource): string | undefined {
  const { keyUrl = "", sourceVault } = (properties?.["activeKey"] ?? {}) as {
    readonly keyUrl?: string;
    readonly sourceVault?: { readonly id: string };
  };
  const [, name, version] = /\/keys\/([^/]+)(?:\/([^/]+))?$/u.exec(keyUrl) ?? [];
  // A vault that was moved to another resource group is not where the set says, and its keys work on.
  if (
    sourceVault === undefined ||
    name === undefined ||
    store.findResource(sourceVault.id) === undefined
  )
    return undefined;
  const path = `${sourceVault.id}/keys/${name}`;
  let key: ArmResource;
  try {
    key = getKey(store, version === undefined ? path : `${path}/versions/${version}`, [
      sourceVault.id,
      name,
      ...(version === undefined ? [] : [version]),
    ]).body as ArmResource;
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    return "does not exist";
  }
  const {
    enabled,
    nbf = 0,
    exp = Infinity,
  } = (key.properties?.["attributes"] ?? {}) as {
    readonly enabled?: boolean;
    readonly nbf?: number;
    readonly exp?: number;
  };
  const seconds = store.now() / 1_000;
  if (enabled === false) return "is disabled";
  if (nbf > seconds) return "is not valid yet";
  return exp <= seconds ? "has expired" : undefined;
}

function notFound(id: string): ArmError {
  const [, group = "", path = ""] = /resourceGroups\/([^/]+)\/providers\/(.+)$/iu.exec(id) ?? [];
  return new ArmError(
    404,
    "ResourceNotFound",
    `The Resource '${path}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}
