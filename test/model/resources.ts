import { toImageSource, type WireSource } from "../../src/azure/arm/sources.js";
import type { ResourceReader } from "../../src/image-version/ports.js";
import type {
  DiskEncryptionSet,
  EncryptionType,
  ImageDefinition,
} from "../../src/image-version/resources.js";
import { canonicalRegion, parseResourceId } from "../../src/resource-id.js";
import type { Arm } from "./arm.js";
import type { Way } from "./faults.js";

/** Each type shows its own. */
interface WireResource {
  readonly id: string;
  readonly location: string;
  readonly properties: {
    readonly provisioningState: string;
    readonly osType: string;
    readonly osState: string;
    readonly hyperVGeneration: string;
    readonly architecture: string;
    readonly encryptionType: EncryptionType;
    readonly activeKey: {
      readonly keyUrl: string;
      readonly sourceVault: { readonly id: string };
    };
  };
}

/** What requests name, as the simulator has it, and as far as the model's world goes. */
export function resourcesOf(arm: Arm, way: Way): ResourceReader {
  async function get<Wire>(path: string): Promise<Wire | undefined> {
    const { status, body } = await way.call("GET", () => arm.ask("GET", path));
    return status === 404 ? undefined : (body as Wire);
  }
  /** An id of another type names nothing: it is not asked for. */
  async function find<Wire = WireResource>(
    id: string,
    ...types: readonly string[]
  ): Promise<Wire | undefined> {
    const type = parseResourceId(id)?.type ?? "";
    return types.includes(type) ? get(id) : undefined;
  }
  return {
    async getGallery(id) {
      return (await find(id, "galleries")) && { id, sharing: "Private" };
    },
    async getImageDefinition(id) {
      const found = await find(id, "galleries/images");
      return found && definitionOf(id, found.properties);
    },
    async listImageDefinitions(galleryId) {
      if (parseResourceId(galleryId)?.type !== "galleries") return undefined;
      const list = await get<{
        value: readonly (WireResource & { readonly name: string })[];
      }>(`${galleryId}/images`);
      return list?.value.map(({ name, location, properties }) => ({
        ...definitionOf(`${galleryId}/images/${name}`, properties),
        name,
        region: canonicalRegion(location),
      }));
    },
    async getDiskEncryptionSet(id) {
      const found = await find(id, "diskencryptionsets");
      return found && setOf(id, found);
    },
    async getSource(id) {
      const type = parseResourceId(id)?.type ?? "";
      const found = await find<WireSource>(
        id,
        "images",
        "galleries/images/versions",
      );
      return found && toImageSource(id, type, found);
    },
    async listDiskEncryptionSets(subscriptionId) {
      const list = await get<{ value: readonly WireResource[] }>(
        `/subscriptions/${subscriptionId}/providers/Microsoft.Compute/diskEncryptionSets`,
      );
      return list && { value: list.value.map((each) => setOf(each.id, each)) };
    },
  };
}

function definitionOf(
  id: string,
  {
    osType,
    osState,
    hyperVGeneration,
    architecture,
  }: WireResource["properties"],
): ImageDefinition {
  return {
    id,
    osType,
    osState,
    hyperVGeneration,
    architecture,
    securityType: "Standard",
  };
}

function setOf(
  id: string,
  { location, properties }: WireResource,
): DiskEncryptionSet {
  const { provisioningState, encryptionType, activeKey } = properties;
  return {
    id,
    region: canonicalRegion(location),
    provisioningState,
    encryptionType,
    keyUrl: activeKey.keyUrl,
    vaultId: activeKey.sourceVault.id,
    rotationToLatestKeyVersionEnabled: true,
  };
}
