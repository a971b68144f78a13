/** What is built on a base: a snapshot of a disk that a machine had, as pipelines leave it behind. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { childrenScope } from "../../../src/listings.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { keyOf } from "../../../src/resource-id.js";
import type { InProcess } from "../../support/dependencies.js";
import { body, versionId, WESTUS } from "../image-version/rollbacks.js";
import { ended, operationIn, put } from "../image-version/truth/support.js";

export const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");

const { osDiskImage } = WESTUS.encryption ?? {};
/** With the customer key of its only disk. */
export const HOME = { ...WESTUS, encryption: { osDiskImage } } as typeof WESTUS;

/** A body whose source is the snapshot `name`. */
export function ofSnapshot(name: string, sigil: object = {}): ImageVersionRequest {
  const whole = body({ targetRegions: [HOME] });
  return {
    ...whole,
    properties: {
      ...whole.properties,
      storageProfile: { osDiskImage: { source: { id: of.id(`snapshots/${name}`) } } },
    },
    sigil,
  };
}

/** The snapshot `name`, of a disk with such `creationData`; `lost`: the disk is gone since. */
export async function snapshotOf(
  { simulator: { control } }: InProcess,
  name: string,
  creationData: object,
  lost = false,
): Promise<void> {
  const disk = of.id(`disks/${name}`);
  await control.putResource(
    of.disk("disks", name, "westus", { os: true }, { creationData: { ...creationData } }),
  );
  const copied = { creationData: { createOption: "Copy", sourceResourceId: disk } };
  await control.putResource(of.disk("snapshots", name, "westus", { os: true }, copied));
  if (lost) await control.removeResource(disk);
}

/** A version of the image, built by way of a snapshot from `base`; its operation as it has ended. */
export async function build(
  world: InProcess,
  id: string,
  base: string,
  sigil: object = {},
): Promise<OperationRecord | undefined> {
  const name = `built${keyOf(id).slice(0, 12)}`;
  await snapshotOf(world, name, { galleryImageReference: { id: base } });
  const [end] = await ended(world, [operationIn(await put(world, id, ofSnapshot(name, sigil)))]);
  return end;
}

export function recordOf({ deps }: InProcess, id: string): Promise<ImageVersionRecord | undefined> {
  return deps.store.readRecord(keyOf(id));
}

/** The numbers in the rows of children of `parent`. */
export async function childrenOf({ deps }: InProcess, parent: string): Promise<readonly string[]> {
  const { rows } = await deps.index.page(childrenScope(parent), 100);
  return rows.map(({ target }) => target.split("/").at(-1) ?? "").sort();
}

export { versionId };
