/** What Azure has, asked of it directly, and what a user sees of it through the product. */
import { expect } from "vitest";
import type { CloudEvent } from "../../../../src/events/cloud-event.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../../src/image-version/commands/promote.js";
import { retryImageVersion } from "../../../../src/image-version/commands/retry.js";
import { deleteImageVersion } from "../../../../src/image-version/commands/delete.js";
import {
  patchImageVersion,
  putImageVersion,
  type PutAnswer,
  type PutImageVersion,
} from "../../../../src/image-version/commands/put.js";
import type {
  ImageVersionRequest,
  ImageVersionView,
} from "../../../../src/image-version/contract.js";
import type { Dependencies } from "../../../../src/image-version/ports.js";
import { getImageVersion } from "../../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../../src/image-version/queries/views.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { recordKeyOf, type OperationRecord } from "../../../../src/operation/records.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import { keyOf } from "../../../../src/resource-id.js";
import { commandOf, idOf, TRACEPARENT, type InProcess } from "../../../support/dependencies.js";
import { nextDefinition } from "../../../support/own-world.js";
import { seedResource } from "../../../support/requests.js";

export const BY = {
  requestedBy: { appId: "operator" },
  traceparent: TRACEPARENT,
  allowNoLatest: true,
};

/** Id of an image definition without versions. */
export async function newDefinition(world: InProcess): Promise<string> {
  const name = `Truth${nextDefinition(world)}`;
  await world.simulator.control.putResource(
    resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").imageDefinition(
      "MyGallery",
      name,
      "westus",
    ),
  );
  return seedResource(`galleries/MyGallery/images/${name}`);
}

/** A region as ARM shows it. */
export interface ShownRegion {
  readonly name: string;
  readonly regionalReplicaCount?: number;
  readonly excludeFromLatest?: boolean;
  readonly additionalReplicaSets?: readonly unknown[];
  readonly encryption?: unknown;
}

/** A version as ARM shows it, with nothing taken out. */
export interface Shown {
  readonly location: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: {
    readonly provisioningState: string;
    readonly publishingProfile: {
      readonly publishedDate: string;
      readonly excludeFromLatest?: boolean;
      readonly endOfLifeDate?: string;
      readonly targetRegions: readonly ShownRegion[];
    };
    readonly safetyProfile?: Readonly<Record<string, unknown>>;
    readonly replicationStatus?: {
      readonly summary: readonly {
        readonly region: string;
        readonly state: string;
        readonly progress: number;
      }[];
    };
  };
}

export const profileOf = ({ properties }: Shown) => properties.publishingProfile;

async function arm(
  { armOptions: { endpoint, scope, credential }, simulator }: InProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const answered = await simulator.answer({
    method,
    url: `${endpoint}${path}${path.includes("?") ? "&" : "?"}api-version=2026-03-03`,
    headers: {
      authorization: `Bearer ${(await credential.getToken(scope))?.token}`,
      "content-type": "application/json",
    },
    body: body === undefined ? "" : JSON.stringify(body),
  });
  if (answered === undefined) throw new Error(`${method} ${path} was reset`);
  const { status, body: text } = answered;
  return {
    status,
    body: text === "" ? {} : (JSON.parse(text) as unknown),
  };
}

/** What Azure has; undefined where it has none. */
export async function inAzure(world: InProcess, versionId: string): Promise<Shown | undefined> {
  const { status, body } = await arm(world, "GET", `${versionId}?$expand=ReplicationStatus`);
  if (status === 404) return undefined;
  expect(status, JSON.stringify(body)).toBe(200);
  return body as Shown;
}

/** The same, where it must be there. */
export async function shownIn(world: InProcess, versionId: string): Promise<Shown> {
  const shown = await inAzure(world, versionId);
  if (shown === undefined) throw new Error(`Azure has no ${versionId}`);
  return shown;
}

/** Another client than Sigil changes or makes a version, and comes back when Azure has done. */
export async function outside(
  world: InProcess,
  method: "PUT" | "PATCH" | "DELETE",
  versionId: string,
  body?: unknown,
): Promise<void> {
  const answer = await arm(world, method, versionId, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  for (let looks = 0; looks < 1_000; looks += 1) {
    const shown = await inAzure(world, versionId);
    const state = shown?.properties.provisioningState;
    if (state === undefined || state === "Succeeded" || state === "Failed") return;
    world.clock.advance(10_000);
  }
  throw new Error(`Azure does not end with ${versionId}`);
}

export function canonicalName(name: string): string {
  return name.replace(/\s+/gu, "").toLowerCase();
}

/** Canonical names of the regions that Azure has, in its order. */
export function regionNames(shown: Shown): readonly string[] {
  return shown.properties.publishingProfile.targetRegions.map(({ name }) => canonicalName(name));
}

export function regionIn(shown: Shown, name: string): ShownRegion {
  const found = shown.properties.publishingProfile.targetRegions.find(
    (region) => canonicalName(region.name) === name,
  );
  if (found === undefined) throw new Error(`Azure has no ${name}`);
  return found;
}

/** What GET answers. */
export async function seen({ deps }: InProcess, versionId: string): Promise<ImageVersionView> {
  return viewImageVersion(await getImageVersion(deps, idOf(versionId)), deps.now());
}

/** The ETag of GET. */
export async function etagOf({ deps }: InProcess, versionId: string): Promise<string> {
  return (await getImageVersion(deps, idOf(versionId))).etag;
}

export function put(
  { deps }: { deps: Dependencies },
  versionId: string,
  body: ImageVersionRequest,
  more: Partial<PutImageVersion> = {},
): Promise<PutAnswer> {
  return putImageVersion(deps, commandOf(versionId, structuredClone(body), more));
}

export function patch(
  { deps }: { deps: Dependencies },
  versionId: string,
  merge: unknown,
  more: object = {},
): Promise<PutAnswer> {
  return patchImageVersion(deps, {
    id: idOf(versionId),
    patch: merge,
    validate: () => [],
    ...BY,
    ...more,
  });
}

export function operationIn(answer: PutAnswer): OperationRecord {
  if (answer.kind === "accepted") return answer.operation;
  throw new Error("nothing was to be changed");
}

export const byHand = {
  promote: ({ deps }: InProcess, versionId: string) =>
    promoteImageVersion(deps, { id: idOf(versionId), ...BY }),
  demote: ({ deps }: InProcess, versionId: string) =>
    demoteImageVersion(deps, { id: idOf(versionId), ...BY }),
  remove: ({ deps }: InProcess, versionId: string) =>
    deleteImageVersion(deps, { id: idOf(versionId), ...BY }),
  retry: ({ deps }: InProcess, versionId: string, regions?: readonly string[]) =>
    retryImageVersion(deps, {
      id: idOf(versionId),
      ...BY,
      ...(regions && { regions }),
    }),
};

export function cancel(
  { deps }: InProcess,
  { id }: Pick<OperationRecord, "id">,
): Promise<OperationRecord> {
  return cancelOperation(deps, id, BY.requestedBy, BY);
}

/** The operation as it is stored now. */
export async function operation(
  { deps }: InProcess,
  { id }: Pick<OperationRecord, "id">,
): Promise<OperationRecord> {
  const stored = (await deps.store.readOperation(id))?.operation;
  if (stored === undefined) throw new Error(`${id} is gone`);
  return stored;
}

/** Runs what is due and moves the clock until all of these have ended. */
export async function ended(
  world: InProcess,
  operations: readonly Pick<OperationRecord, "id">[],
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly OperationRecord[]> {
  for (let ticks = 0; ticks < 4_000; ticks += 1) {
    await world.runDue();
    const all = await Promise.all(operations.map((one) => operation(world, one)));
    if (all.every(({ endTime }) => endTime !== undefined)) return all;
    await meanwhile();
    const dueTimes = await Promise.all(
      operations.map(async ({ id }) => {
        const key = recordKeyOf(id) ?? "";
        const stored = await world.deps.rollbacks.read(key);
        return Date.parse(stored?.record.dueTime ?? "");
      }),
    );
    const waits = dueTimes.map((dueMs) => dueMs - world.clock.now()).filter((ms) => ms > 0);
    // A rollback waits for the operations on versions, which have records of their own.
    world.clock.advance(Math.max(1_000, Math.min(15_000, ...waits)));
  }
  throw new Error("an operation does not end");
}

/** PUT, and its operation once it has ended. */
export async function putThrough(
  world: InProcess,
  versionId: string,
  body: ImageVersionRequest,
  more: Partial<PutImageVersion> = {},
): Promise<OperationRecord> {
  const accepted = operationIn(await put(world, versionId, body, more));
  const [last] = await ended(world, [accepted]);
  if (last === undefined) throw new Error("no operation");
  return last;
}

/** The version is made by Sigil, and what was told of that is forgotten. */
export async function made(
  world: InProcess,
  versionId: string,
  body: ImageVersionRequest,
): Promise<void> {
  expect(await putThrough(world, versionId, body)).toMatchObject({
    status: "Succeeded",
  });
  await world.takeEvents();
  world.simulator.control.clearRequests();
}

/** Runs for a while, whether or not anything is due. */
export async function pass(world: InProcess, ms: number): Promise<void> {
  const end = world.clock.now() + ms;
  const stepMs = Math.max(5_000, ms / 300);
  while (world.clock.now() < end) {
    await world.runDue();
    world.clock.advance(Math.min(stepMs, end - world.clock.now()));
  }
  await world.runDue();
}

/** Runs what is due and moves the clock until that is so. */
export async function until(
  world: InProcess,
  isSo: () => Promise<boolean>,
  tickMs = 5_000,
): Promise<void> {
  for (let ticks = 0; ticks < 2_000; ticks += 1) {
    await world.runDue();
    if (await isSo()) return;
    world.clock.advance(tickMs);
  }
  throw new Error("it never is");
}

/** Whether Azure has the version out of latest. */
export async function isExcluded(world: InProcess, versionId: string): Promise<boolean> {
  const { publishingProfile } = (await shownIn(world, versionId)).properties;
  return publishingProfile.excludeFromLatest === true;
}

export async function stateOf({ deps }: InProcess, versionId: string): Promise<string | undefined> {
  return (await deps.store.read(keyOf(versionId)))?.record.state;
}

/** Ids of the events of an operation, without the operation's own id and without progress. */
export function facts(
  events: readonly CloudEvent[],
  { id }: Pick<OperationRecord, "id">,
): string[] {
  return events
    .map((event) => event.id)
    .filter((eventId) => eventId.startsWith(`${id}/`) && !eventId.includes("/replicating/"))
    .map((eventId) => eventId.slice(id.length + 1));
}

export const puts = ({ simulator }: InProcess): number =>
  simulator.control.countRequests({ method: "PUT" });

export type Regions = NonNullable<
  NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>["targetRegions"]
>;

/** A body with platform-managed keys. */
export function plain(
  regions: Regions = [{ name: "westus" }, { name: "eastus2" }],
  more: {
    readonly tags?: Record<string, string>;
    readonly publishing?: object;
    readonly safety?: object;
    readonly sigil?: ImageVersionRequest["sigil"];
  } = {},
): ImageVersionRequest {
  return {
    location: "westus",
    ...(more.tags && { tags: more.tags }),
    ...(more.sigil && { sigil: more.sigil }),
    properties: {
      publishingProfile: { targetRegions: regions, ...more.publishing },
      storageProfile: { source: { id: seedResource("images/myImage") } },
      ...(more.safety && { safetyProfile: more.safety }),
    },
  };
}

export const PARTS = {
  tags: { build: "1", team: "images" },
  publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
  safety: { blockDeletionBeforeEndOfLife: true },
};

/** A body that says something of each kind. */
export const FULL = plain(
  [{ name: "westus", regionalReplicaCount: 2 }, { name: "eastus2" }],
  PARTS,
);

/** As a body with platform keys, in the words of another client. */
export function foreign(body: ImageVersionRequest): unknown {
  const { sigil: _, ...rest } = body;
  return rest;
}

/** Meets requests of one version. */
export const faultOn = ({ simulator }: InProcess, versionId: string, given: object): unknown =>
  simulator.control.addFault({ path: `${versionId}\\?`, ...given });

/** The next looks at a version show it as it was then. */
export const showAs = (
  world: InProcess,
  versionId: string,
  body: Shown | undefined,
  more: object = { times: 1 },
): unknown => faultOn(world, versionId, { method: "GET", status: 200, body, ...more });

/** Tags in Azure, from now on without faults. */
export async function tagsIn(world: InProcess, versionId: string): Promise<Shown["tags"]> {
  world.simulator.control.clearFaults();
  return (await shownIn(world, versionId)).tags;
}

/** PATCH, and its operation once it has ended. */
export async function patchThrough(
  world: InProcess,
  versionId: string,
  merge: unknown,
  more: object = {},
): Promise<OperationRecord> {
  const accepted = operationIn(await patch(world, versionId, merge, more));
  const [last] = await ended(world, [accepted]);
  return last ?? expect.fail();
}

/** What was told of others' changes, and of latest. */
export async function toldOfChanges(
  world: InProcess,
  versionId: string,
): Promise<readonly string[]> {
  return (await world.takeEvents()).flatMap(({ type, subject }) =>
    subject === versionId && /ChangedOutside|Promoted|Demoted/u.test(type) ? [type] : [],
  );
}
