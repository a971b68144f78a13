/** Versions of one image, of which several ask several things at once. */
import { expect } from "vitest";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import { targetRegionsOf } from "../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { OPEN_SCOPE } from "../../src/operation/catalog.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { keyOf } from "../../src/resource-id.js";
import { idOf, request, type InProcess } from "./dependencies.js";
import { largeWorld } from "./requests.js";

/** As many callers, each with a region of its own to add. */
export const CALLERS = 20;
export const large = largeWorld(CALLERS + 1, 1);
export const [HOME = { name: "" }, ...OTHERS] =
  large.request.properties.publishingProfile?.targetRegions ?? [];
export const [A = HOME, B = HOME, C = HOME] = OTHERS;
export type Region = typeof HOME;

/** The request for a version in these regions. */
export function body(
  regions: readonly Region[],
  more: Partial<ImageVersionRequest> & { publishing?: object } = {},
): ImageVersionRequest {
  const { publishing, ...rest } = more;
  return {
    ...large.request,
    ...rest,
    properties: {
      ...large.request.properties,
      publishingProfile: { targetRegions: [...regions], ...publishing },
    },
  };
}

/** The version is made, and what was told and sent for that is forgotten. */
export async function made(
  world: InProcess,
  versionId: string,
  regions: readonly Region[] = [HOME],
): Promise<void> {
  await request(world.deps, versionId, body(regions));
  expect(await world.finish(versionId)).toMatchObject({ status: "Succeeded" });
  await world.takeEvents();
  world.simulator.control.clearRequests();
}

/** The operation as it is stored now. */
export async function operationOf(
  { deps }: InProcess,
  { id }: Pick<OperationRecord, "id">,
): Promise<OperationRecord> {
  const operation = (await deps.store.readOperation(id))?.operation;
  if (operation === undefined) throw new Error(`${id} is gone`);
  return operation;
}

/** How many PUTs ARM got. */
export function puts({ simulator }: InProcess): number {
  return simulator.control.countRequests({ method: "PUT" });
}

/** What ARM shows of the version. */
export async function inAzure(
  { deps }: InProcess,
  versionId: string,
): Promise<ImageVersionRequest> {
  const shown = await deps.resourceManager.getImageVersion(idOf(versionId));
  if (shown === undefined) throw new Error(`${versionId} is gone`);
  return shown.resource;
}

/** Names of the regions that ARM shows, sorted as by `names`. */
export async function regionsInAzure(
  world: InProcess,
  versionId: string,
): Promise<readonly string[]> {
  return targetRegionsOf(await inAzure(world, versionId))
    .map(({ name }) => name.replace(/ /gu, "").toLowerCase())
    .sort();
}

export function names(...regions: readonly Region[]): string[] {
  return regions.map(({ name }) => name).sort();
}

/** The facts that were told of an operation, in order, without its progress. */
export function told(
  events: readonly CloudEvent[],
  { id: operationId }: Pick<OperationRecord, "id">,
): string[] {
  return events
    .map((event) => event.id)
    .filter(
      (eventId) => eventId.startsWith(`${operationId}/`) && !eventId.includes("/replicating/"),
    )
    .map((eventId) => eventId.slice(operationId.length + 1));
}

/** The version's operations that the index lists as open. */
export async function openOperations(
  { deps }: InProcess,
  versionId: string,
): Promise<readonly string[]> {
  const { rows } = await deps.index.page(OPEN_SCOPE, 100);
  return rows.map(({ target }) => target).filter((target) => target.startsWith(keyOf(versionId)));
}
