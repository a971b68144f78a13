/** Rollbacks of image definitions that others have made versions of. */
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { listImageVersions } from "../../../src/image-version/queries/get.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import type { RollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import {
  idOf,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
} from "../../support/requests.js";

const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
export const BY = {
  requestedBy: { appId: "operator" },
  traceparent: TRACEPARENT,
};
export const WESTUS = seedRegion("westus", "WestUS");
export const EASTUS2 = seedRegion("eastus2", "EastUS2");

let definitions = 0;
/** Id of an image definition without versions. */
export async function define({ simulator }: InProcess): Promise<string> {
  definitions += 1;
  await simulator.control.putResource(
    of.imageDefinition("MyGallery", `RolledBack${definitions}`, "westus"),
  );
  return seedResource(`galleries/MyGallery/images/RolledBack${definitions}`);
}

export const versionId = (number: string, image: string): string =>
  `${image}/versions/${number}`;

export type Profile = NonNullable<
  ImageVersionRequest["properties"]["publishingProfile"]
>;

export function body(profile: Partial<Profile> = {}): ImageVersionRequest {
  const { properties, ...rest } = managedImageRequest();
  return {
    ...rest,
    properties: {
      ...properties,
      publishingProfile: { targetRegions: [WESTUS], ...profile },
    },
  };
}

export const HELD_BACK = { excludeFromLatest: true };

/** Made by other hands than Sigil's: a rollback is of all that Azure has. */
export async function inAzure(
  world: InProcess,
  versions: Readonly<Record<string, Partial<Profile>>>,
  image: string,
): Promise<void> {
  for (const [number, profile] of Object.entries(versions))
    await world.deps.resourceManager.putImageVersion(
      idOf(versionId(number, image)),
      canonicalForm(body(profile)),
    );
  world.clock.advance(10 * 60_000);
  world.simulator.control.clearRequests();
}

export function commandOf(
  to: string | undefined,
  image: string,
): Omit<RollBackImage, "idempotencyKey"> {
  const { versionName: _, ...names } = idOf(versionId("0.0.0", image));
  return { image: names, ...(to !== undefined && { to }), ...BY };
}

/** Each version, its number and whether it is promoted or the latest; lowest first. */
export async function shown(
  world: InProcess,
  image: string,
): Promise<string[]> {
  const { value } = await listImageVersions(
    {
      ...world.deps,
      looks: createLooks(world.deps.resourceManager, world.deps.now),
    },
    image,
    100,
    undefined,
  );
  return value
    .map(({ id: { versionName }, look, latest }) =>
      [
        versionName,
        look?.resource.properties.publishingProfile?.excludeFromLatest === true
          ? "held back"
          : latest
            ? "latest"
            : "promoted",
      ].join(" "),
    )
    .reverse();
}

export const puts = (world: InProcess): number =>
  world.simulator.control.countRequests({ method: "PUT" });
