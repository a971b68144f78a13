import { parseResourceId } from "../../resource-id.js";

/** A resource as the Azure CLI's commands name it: `--subscription S --resource-group G --name N`. */
export function azNames(id: string): string {
  const resource = parseResourceId(id);
  return resource === undefined
    ? `--ids ${id}`
    : `--subscription ${resource.subscriptionId} --resource-group ${resource.resourceGroupName} --name ${resource.names.at(-1)}`;
}
