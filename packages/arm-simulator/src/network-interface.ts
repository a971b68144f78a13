import { ArmError, resourceNotFound } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import { isObject } from "./json-shape.js";
import { newSecret } from "./machine-life.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

/*
 * Network interfaces, as far as a virtual machine creates them: each of
 * `networkInterfaceConfigurations` becomes one, with its tags. Its name is the configuration's with
 * a suffix: Azure's reference does not specify it, so no client may rely on it.
 */

export interface PlannedInterface {
  readonly deleteOption: string;
  readonly primary: boolean;
  readonly resource: ArmResource;
}

/** The interfaces that a machine's `networkProfile` asks for. */
export function planInterfaces(
  machineId: string,
  location: string,
  networkProfile: unknown,
): readonly PlannedInterface[] {
  const { networkInterfaceConfigurations } = isObject(networkProfile) ? networkProfile : {};
  if (!Array.isArray(networkInterfaceConfigurations)) return [];
  const group = machineId.replace(/\/providers\/.*$/u, "");
  return networkInterfaceConfigurations.filter(isObject).map((asked) => {
    const name = `${String(asked["name"])}-${newSecret().slice(0, 8)}`;
    const properties = isObject(asked["properties"]) ? asked["properties"] : {};
    const { deleteOption, primary, ...rest } = properties;
    return {
      deleteOption: typeof deleteOption === "string" ? deleteOption : "Detach",
      primary: primary === true,
      resource: {
        id: `${group}/providers/Microsoft.Network/networkInterfaces/${name}`,
        name,
        type: "Microsoft.Network/networkInterfaces",
        location,
        ...(isObject(asked["tags"]) ? { tags: asked["tags"] as Record<string, string> } : {}),
        managedBy: machineId,
        properties: {
          ...rest,
          virtualMachine: { id: machineId },
          provisioningState: "Succeeded",
        },
      },
    };
  });
}

/** GET and DELETE of one; undefined for another method. */
export async function answerNetworkInterface(
  store: Store,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const found = store.findResource(request.path);
  const [, group = "", name = ""] =
    /\/resourceGroups\/([^/]+)\/.*\/([^/]+)$/iu.exec(request.path) ?? [];
  switch (request.method) {
    case "GET":
      if (found === undefined)
        throw resourceNotFound(`Microsoft.Network/networkInterfaces/${name}`, group);
      return { status: 200, body: found };
    case "DELETE":
      if (found === undefined) return { status: 204 };
      if (found.managedBy !== undefined)
        throw new ArmError(
          400,
          "NicInUse",
          `Network Interface ${found.id} is used by existing resource ${found.managedBy}. In order to delete the network interface, it must be dissociated from the resource.`,
        );
      store.removeResource(found.id);
      await store.commit();
      return { status: 200 };
    default:
      return undefined;
  }
}
