import { parseResourceId } from "../resource-id.js";
import { shellWord } from "../shell-words.js";

/** A resource as the Azure CLI's commands name it: `--subscription S --resource-group G --name N`. */
export function azNames(id: string): string {
  const resource = parseResourceId(id);
  return resource === undefined
    ? `--ids ${id}`
    : `--subscription ${resource.subscriptionId} --resource-group ${resource.resourceGroupName} --name ${resource.names.at(-1)}`;
}

/** The command that sets a disk encryption set's key; without `keyUrl` the reader fills it in. */
export function setKeyCommand(id: string, keyUrl?: string): string {
  const key = keyUrl === undefined ? "{key}" : shellWord(keyUrl);
  return `az disk-encryption-set update ${azNames(id)} --key-url ${key}`;
}
