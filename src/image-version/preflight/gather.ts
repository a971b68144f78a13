/**
 * Reads from Azure what the rules need to know, once. Invariants:
 *  1. Each distinct resource is read once, however often the request names it.
 *  2. A resource that Sigil may not read differs from one that does not exist: a rule never passes
 *     for lack of a permission.
 *  3. Reads are bounded, and end with the first that is throttled or unanswered (see.ts).
 *  4. The subscription is read first. If it does not exist, may not be read, or has an unregistered
 *     resource provider, the request is refused for that, and nothing else is read.
 *  5. At most `maxReads` resources are read for one request, plus at most nine to trace the origin
 *     of its sources.
 */
import {
  galleryIdOf,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import { withSnapshots } from "../capture/facts.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  isRegistered,
  nameOf,
  type Registrable,
  type RegistrationState,
  type Subscriptions,
} from "../../subscription/ports.js";
import { hasConfidentialDataDisks } from "../properties/disk-encryption-references.js";
import type { Gathered } from "../rules/gathered.js";
import { bounded, seeEach, type Seen, distinct } from "../../bounded-reads.js";
import { CONFIDENTIAL_DATA_DISKS } from "../rules/unregistered.js";
import { setToSee } from "../../keys/look.js";
import { valueOf, type KeyMemory } from "../../keys/memory.js";
import type { ResourceManager, ResourceReader } from "../ports.js";
import type { ImageSource } from "../resources.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { namedResources, requireFewReads } from "./named.js";
import { parentageOf, unreadAt } from "./parents.js";
import { seeTerms } from "./terms.js";

/** What it needs for reading. */
export interface FactSources {
  readonly resourceManager: Pick<ResourceManager, "getImageVersion" | "listDeletedVersions">;
  readonly resources: ResourceReader;
  readonly looks: { readonly keys: KeyMemory };
  readonly subscriptions: Subscriptions;
  readonly requiredRegistrations: readonly Registrable[];
  /** The most distinct resources that are read for one request. */
  readonly maxReads: number;
}

/**
 * Reads what the rules need to know. Throws ServiceError TooManyReads, and what a read throws,
 * except 403, which is an answer.
 */
export async function gather(
  {
    resourceManager,
    resources: reader,
    looks,
    subscriptions,
    requiredRegistrations: always,
    maxReads,
  }: FactSources,
  id: ImageVersionId,
  request: ImageVersionRequest,
  {
    sources: withSources,
    imageVersion: looked,
    capture,
  }: {
    readonly sources: boolean;
    /** Id of the machine whose disks the snapshots in the request are of. */
    readonly capture?: string | undefined;
    /** What a recent look showed of the version, which is not read again. */
    readonly imageVersion?: Gathered["imageVersion"];
  } = { sources: true },
): Promise<Omit<Gathered, "known">> {
  const see = bounded();
  const resources = withSnapshots(reader, capture);
  const requiredRegistrations = hasConfidentialDataDisks(request)
    ? [...always, CONFIDENTIAL_DATA_DISKS]
    : always;
  const all = namedResources(id, request);
  const named = withSources ? all : { ...all, sources: new Map<string, string>() };
  requireFewReads(maxReads, requiredRegistrations.length, named); // Invariant 5.
  const registrations = await seeEach(
    new Map(requiredRegistrations.map((what) => [nameOf(what), what])),
    (what) => see(() => subscriptions.getRegistration(id.subscriptionId, what)),
  );
  if (requiredRegistrations.some((what) => isMissing(what, registrations)))
    return {
      ...UNREAD,
      ...(looked && { imageVersion: looked }),
      registrations,
    }; // Invariant 4.
  const imageDefinitionId = imageIdOf(id);
  const [gallery, imageDefinition, imageVersion, regions, diskEncryptionSets, sources] =
    await Promise.all([
      see(() => resources.getGallery(galleryIdOf(id))),
      see(() => resources.getImageDefinition(imageDefinitionId)),
      looked ?? see(() => resourceManager.getImageVersion(id)),
      see(() => subscriptions.listRegions(id.subscriptionId)),
      seeEach(named.diskEncryptionSets, (set) =>
        see(async () => valueOf(await looks.keys.see(setToSee(resources, set), "act"))),
      ),
      seeEach(named.sources, (source) => see(() => resources.getSource(source))),
    ]);

  const found = [...sources.values()].flatMap((seen) =>
    seen.kind === "found" ? [seen.value] : [],
  );
  const machineDisks = distinct(
    found.flatMap(({ osDisk, dataDisks }) =>
      [osDisk, ...dataDisks].flatMap((disk) => disk.id ?? []),
    ),
  );
  const definitions = distinct(
    found.flatMap((source) => {
      const version = parseImageVersionId(source.id);
      return version === undefined ? [] : [imageIdOf(version)];
    }),
  );
  const plan = imageDefinition.kind === "found" ? imageDefinition.value.purchasePlan : undefined;
  const furtherDisks = without(machineDisks, sources);
  requireFewReads(
    maxReads,
    requiredRegistrations.length,
    named,
    furtherDisks.size + definitions.size,
  );
  const [disks, sourceDefinitions, deleted, terms] = await Promise.all([
    seeEach(furtherDisks, (disk) => see(() => resources.getSource(disk))),
    seeEach(definitions, (definition) =>
      definition.toLowerCase() === imageDefinitionId.toLowerCase()
        ? Promise.resolve(imageDefinition) // Invariant 1.
        : see(() => resources.getImageDefinition(definition)),
    ),
    // Without soft delete there is no deleted version to restore.
    gallery.kind === "found" && gallery.value.softDelete === true && imageVersion.kind === "absent"
      ? see(() => deletedVersion({ resourceManager }, id))
      : undefined,
    plan && seeTerms(subscriptions, id.subscriptionId, plan),
  ]);
  const allSources = new Map([...sources, ...disks]);
  const parentage = withSources
    ? await traced(request, allSources, (one) => see(() => resources.getSource(one)))
    : undefined;
  return {
    gallery,
    imageDefinition,
    imageVersion,
    ...(parentage && { parentage }),
    ...(deleted && { deletedVersion: deleted }),
    diskEncryptionSets,
    sources: allSources,
    sourceDefinitions,
    ...(terms && { terms }),
    regions,
    registrations,
  };
}

/** The origin of the sources, and the origin of that, as far as Azure shows them. */
async function traced(
  request: ImageVersionRequest,
  sources: Gathered["sources"],
  read: (id: string) => Promise<Seen<ImageSource>>,
): Promise<Gathered["parentage"]> {
  let known = sources;
  for (let step = 0; step < TRACE_STEPS; step += 1) {
    const unread = unreadAt(parentageOf(request, known) ?? {}, known).slice(0, TRACE_READS);
    if (unread.length === 0) break;
    known = new Map([...known, ...(await seeEach(distinct(unread), read))]);
  }
  return parentageOf(request, known);
}

const TRACE_STEPS = 3;
/** The most reads of one step. */
const TRACE_READS = 3;

const UNREAD = {
  gallery: { kind: "unread" },
  imageDefinition: { kind: "unread" },
  imageVersion: { kind: "unread" },
  regions: { kind: "unread" },
  diskEncryptionSets: new Map(),
  sources: new Map(),
  sourceDefinitions: new Map(),
} as const;

/**
 * Only a missing resource provider stops the reads: without a preview feature there is still much
 * to judge.
 */
function isMissing(
  what: Registrable,
  registrations: ReadonlyMap<string, Seen<RegistrationState>>,
): boolean {
  const seen = registrations.get(nameOf(what));
  return what.feature === undefined && !(seen?.kind === "found" && isRegistered(seen.value));
}

function without<T>(
  keys: ReadonlyMap<string, T>,
  others: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, T> {
  return new Map([...keys].filter(([key]) => !others.has(key)));
}
