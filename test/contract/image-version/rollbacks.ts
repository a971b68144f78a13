/** Rollbacks of image definitions that others have made versions of. */
import { afterEach, beforeEach } from "vitest";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { listImageVersions } from "../../../src/image-version/queries/get.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import {
  planRollback,
  rollBackImage,
  type RollBackImage,
} from "../../../src/image-version/rollback/roll-back.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import {
  idOf,
  startInProcess,
  TRACEPARENT,
  type InProcess,
  type InProcessOptions,
} from "../../support/dependencies.js";
import { operationOf } from "../../support/merging.js";
import { nextDefinition } from "../../support/own-world.js";
import { managedImageRequest, seedRegion, seedResource } from "../../support/requests.js";

const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
export const BY = {
  requestedBy: { appId: "operator" },
  traceparent: TRACEPARENT,
  allowNoLatest: true,
};
export const WESTUS = seedRegion("westus", "WestUS");
export const EASTUS2 = seedRegion("eastus2", "EastUS2");

/** Id of an image definition without versions. */
export async function define(world: InProcess): Promise<string> {
  const name = `RolledBack${nextDefinition(world)}`;
  await world.simulator.control.putResource(of.imageDefinition("MyGallery", name, "westus"));
  return seedResource(`galleries/MyGallery/images/${name}`);
}

export const versionId = (number: string, image: string): string => `${image}/versions/${number}`;

export type Profile = NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>;

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
export async function shown(world: InProcess, image: string): Promise<string[]> {
  const { value } = await listImageVersions(
    {
      ...world.deps,
      looks: createLooks(world.deps.resourceManager, world.deps.resources, world.deps.now),
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

/** A world for each test, and an image definition in it; `each` is given both. Answers what the tests do with them. */
export function inOwnWorld(
  each: (world: InProcess, image: string) => void,
  options: InProcessOptions = {},
) {
  let world: InProcess;
  let image: string;
  beforeEach(async () => {
    world = await startInProcess({
      replicationMs: 60_000,
      spread: 0,
      pace: { repairAttempts: 0 },
      callMs: 5,
      ...options,
    });
    image = await define(world);
    each(world, image);
  });
  afterEach(() => world.close());
  return {
    versionId: (number: string, ofImage = image): string => versionId(number, ofImage),
    inAzure: (versions: Parameters<typeof inAzure>[1], ofImage = image): Promise<void> =>
      inAzure(world, versions, ofImage),
    commandOf: (to: string | undefined, ofImage = image) => commandOf(to, ofImage),
    shown: (ofImage = image): Promise<string[]> => shown(world, ofImage),
    puts: (): number => puts(world),
    rollBack: (to?: string, ofImage = image): Promise<OperationRecord> =>
      rollBackImage(world.deps, commandOf(to, ofImage)),
    plan: (to?: string, ofImage = image) => planRollback(world.deps, commandOf(to, ofImage)),
    /** Numbers of the versions that were written, in order. */
    written: (): (string | undefined)[] =>
      world.simulator.control
        .requests()
        .filter(({ method }) => method === "PUT")
        .map(({ path }) => path.split("/").at(-1)),
    told: async ({ id }: OperationRecord): Promise<string[]> =>
      (await world.takeEvents())
        .map((event) => event.id)
        .filter((eventId) => eventId.startsWith(`${id}/`))
        .map((eventId) => eventId.slice(id.length + 1)),
    operationOf: (one: OperationRecord): Promise<OperationRecord> => operationOf(world, one),
  };
}
