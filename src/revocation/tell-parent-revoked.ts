/**
 * Tells each version that was built from a revoked one. Two look, so that none is missed: the
 * revocation, once its ban is stored, and a new version, once it is listed under its parents. Both
 * tell the same event: its id is made of the revoked version, its revokedTime and the version told.
 */
import { whatToDo } from "../conditions/conditions.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { keyedEvent } from "../events/operation-event.js";
import type { ImageVersionRecord } from "../image-version/index.js";
import type { Pair, TrackedRecord } from "../operation/records.js";
import { parseImageVersionId } from "../resource-id.js";
import { knownDescendants, type KnownDescendant } from "./descendants.js";
import { inherited, inheritedBans, type InheritedBan } from "./inherited.js";
import type { RevocationDependencies } from "./ports.js";
import { revocationKeyOf, type RevocationRecord } from "./record.js";

type Told = Pick<KnownDescendant, "id" | "latestIn" | "known"> & { readonly ban: InheritedBan };

/** Of a revocation: to all descendants; of a version: of its own revoked ancestors. */
export async function tellParentRevoked(
  deps: RevocationDependencies,
  { record, operation: { traceparent } }: Pair<TrackedRecord>,
): Promise<void> {
  const { events, eventSource, now } = deps.imageVersions;
  const { key, resourceId } = record;
  const told =
    key === revocationKeyOf(resourceId)
      ? await ofDescendants(deps, record as RevocationRecord)
      : await ofAncestors(deps, record as ImageVersionRecord);
  const context = { source: eventSource, time: now().toISOString(), traceparent };
  await events.publish(told.map((one) => eventOf(one, { ...context, subject: one.id })));
}

async function ofDescendants(
  deps: RevocationDependencies,
  { ban, resourceId }: RevocationRecord,
): Promise<readonly Told[]> {
  const id = parseImageVersionId(resourceId);
  if (ban === undefined || id === undefined) return [];
  const { found } = await knownDescendants(deps, id);
  return found.map((one) => ({ ...one, ban: inherited(ban, { id: resourceId, time: one.time }) }));
}

async function ofAncestors(
  { imageVersions: { store }, revocations }: RevocationDependencies,
  record: ImageVersionRecord,
): Promise<readonly Told[]> {
  if (record.status === undefined) return [];
  const bans = await inheritedBans({ store, revocations }, record);
  return bans.map((ban) => ({ id: record.resourceId, latestIn: [], known: false, ban }));
}

function eventOf(
  { id, latestIn, known, ban: { id: parent, ban, holdsSince } }: Told,
  context: Parameters<typeof keyedEvent>[0],
): CloudEvent {
  const { reason, replacement, revokedTime } = ban;
  return keyedEvent(
    context,
    IMAGE_VERSION_EVENT.parentRevoked,
    "parent-revoked",
    [parent.toLowerCase(), revokedTime, id.toLowerCase()],
    {
      parent,
      reason,
      ...(replacement !== undefined && { replacement }),
      holds: holdsSince !== undefined,
      latestIn: [...latestIn],
      ...(known === false && { known }),
      whatToDo: whatToDo("ParentRevoked", id),
    },
  );
}
