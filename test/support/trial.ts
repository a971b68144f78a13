import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import type { SimulatorControl } from "@sigil-local/arm-simulator/control";
import type { ArmResource } from "@sigil-local/arm-simulator/parts/state";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { managedImageRequest, seedRegion, seedResource } from "./requests.js";

export type TargetRegion = NonNullable<
  NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>["targetRegions"]
>[number];
export type StorageProfile = ImageVersionRequest["properties"]["storageProfile"];
type PublishingProfile = NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>;

export const HOME = "westus";
export const OTHER_SUBSCRIPTION = "0d9d2b45-6f3f-4d5e-9a51-6f7b8c9d0e1f";

/** What one case asks of Azure: a version's resource id, and the body of its PUT. */
export interface Ask {
  readonly id: string;
  readonly body: ImageVersionRequest;
}

/** What one case may arrange in the simulated Azure; all that it puts there has names of its own. */
export class Trial {
  readonly of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
  readonly control: SimulatorControl;
  readonly #number: number;
  readonly #after: (() => Promise<void>)[] = [];

  readonly #create: (asked: Ask) => Promise<void>;

  /** `create` makes a version in Azure and comes back when it is ready. */
  constructor(control: SimulatorControl, number: number, create: (asked: Ask) => Promise<void>) {
    this.control = control;
    this.#number = number;
    this.#create = create;
  }

  /** Makes a version by other hands than Sigil's, and answers its id. */
  async make(
    change: Parameters<Trial["ask"]>[0] = {},
    id = `${seedResource("galleries/MyGallery/images/MyImage")}/versions/2.${this.#number}.0`,
  ): Promise<string> {
    await this.#create({ ...this.ask(change), id });
    return id;
  }

  /** A name that no other case has. */
  name(word: string): string {
    return `${word}${this.#number}`;
  }

  /** A resource as it is now. */
  resource(id: string): ArmResource {
    const found = this.control.resources().find((one) => one.id === id);
    if (found === undefined) throw new Error(`${id} is not there`);
    return found;
  }

  /** Puts a resource as it is, and answers its id. */
  async put(resource: ArmResource): Promise<string> {
    await this.control.putResource(resource);
    return resource.id;
  }

  /** A change to what all cases share, taken back at the end. */
  async change(make: () => Promise<void>, takeBack: () => Promise<void>): Promise<void> {
    this.#after.push(takeBack);
    await make();
  }

  async end(): Promise<void> {
    for (const takeBack of this.#after.reverse()) await takeBack();
  }

  /** The seed's first sample under a name of its own, changed. */
  ask(
    change: {
      readonly location?: string;
      readonly regions?: readonly TargetRegion[];
      readonly storage?: StorageProfile;
      readonly publishing?: Partial<PublishingProfile>;
      readonly definition?: string;
    } = {},
  ): Ask {
    const { location, properties } = managedImageRequest();
    const image = change.definition ?? "galleries/MyGallery/images/MyImage";
    return {
      id: `${seedResource(image)}/versions/1.${this.#number}.0`,
      body: {
        location: change.location ?? location,
        properties: {
          ...properties,
          publishingProfile: {
            ...properties.publishingProfile,
            ...change.publishing,
            ...(change.regions && { targetRegions: [...change.regions] }),
          },
          storageProfile: change.storage ?? properties.storageProfile,
        },
      },
    };
  }
}

/** The two regions of the seed's samples, each with its sets for the OS disk and the data disk at LUN 0. */
export function seedRegions(): TargetRegion[] {
  return [seedRegion(HOME, "WestUS"), seedRegion("eastus2", "EastUS2")];
}

/** A region with the sets that are named; no entry where one is not. */
export function regionWith(
  name: string,
  os: string | undefined,
  dataDisks: Readonly<Record<number, string>> = {},
): TargetRegion {
  const luns = Object.entries(dataDisks);
  return {
    name,
    encryption: {
      ...(os !== undefined && { osDiskImage: { diskEncryptionSetId: os } }),
      ...(luns.length > 0 && {
        dataDiskImages: luns.map(([lun, diskEncryptionSetId]) => ({
          lun: Number(lun),
          diskEncryptionSetId,
        })),
      }),
    },
  };
}

export function seedSet(name: string): string {
  return seedResource(`diskEncryptionSets/${name}DiskEncryptionSet1`);
}
