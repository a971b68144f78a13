import { ArmError } from "./arm-error.js";
import type { ArmAnswer } from "./arm-request.js";
import type { Store } from "./store.js";

/*
 * Vaults and their keys on the management plane, read alone. A key has one version, unless others are put under its `versions`.
 * What is in a vault that is not there is not there either.
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

function notFound(id: string): ArmError {
  const [, group = "", path = ""] =
    /resourceGroups\/([^/]+)\/providers\/(.+)$/iu.exec(id) ?? [];
  return new ArmError(
    404,
    "ResourceNotFound",
    `The Resource '${path}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}
