import { ArmError } from "./arm-error.js";
import { isObject } from "./json-shape.js";
import { parseComputeId } from "./resource-id.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

/** Properties that a copy inherits from its source, unless the request sets them. */
const COPIED = [
  "osType",
  "hyperVGeneration",
  "diskSizeGB",
  "supportedCapabilities",
  "securityProfile",
  "purchasePlan",
  "encryption",
] as const;

/**
 * A disk or snapshot with what it inherits from its source. Assumed: that it inherits the
 * encryption if the request names none, and the message for a missing source. Refuses to capture a
 * Trusted Launch machine in a managed image, in the words of hashicorp/packer#13189.
 */
export function asMadeOf(store: Store, resource: ArmResource): ArmResource {
  const { properties = {} } = resource;
  switch (parseComputeId(resource.id)?.type.toLowerCase()) {
    case "images": {
      const id = textIn(properties["sourceVirtualMachine"], "id") ?? "";
      const profile = store.findResource(id)?.properties?.["securityProfile"];
      if (textIn(profile, "securityType") === "TrustedLaunch")
        throw new ArmError(
          409,
          "OperationNotAllowed",
          "Creation of managed images are not supported for virtual machine with TrustedLaunch security type.",
        );
      return resource;
    }
    case "disks":
    case "snapshots": {
      const id = textIn(properties["creationData"], "sourceResourceId");
      if (id === undefined) return resource;
      const source = store.findResource(id);
      if (source === undefined) throw store.notFound(id);
      const copied = Object.fromEntries(
        COPIED.filter((name) => source.properties?.[name] !== undefined).map((name) => [
          name,
          source.properties?.[name],
        ]),
      );
      return { ...resource, properties: { ...copied, ...properties } };
    }
    default:
      return resource;
  }
}

function textIn(value: unknown, member: string): string | undefined {
  const found = isObject(value) ? value[member] : undefined;
  return typeof found === "string" ? found : undefined;
}
