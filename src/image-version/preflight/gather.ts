/**
 * What the rules need to know of Azure, read once. Invariants:
 *  1. Each distinct resource is read once, however often the request names it.
 *  2. What cannot be seen is told apart from what is not there: a rule never passes for want of a permission.
 *  3. Reads are bounded, and end with the first that was throttled or unanswered (see.ts).
 *  4. The subscription is asked first. Where it is not there, may not be seen or has a resource provider not registered,
 *     the request is refused for that, and nothing else is read.
 *  5. No more than `maxReads` resources are read for one request, beside at most nine to find out what it is made of.
 */
import {
  galleryIdOf,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  isRegistered,
  nameOf,
  type Registrable,
  type RegistrationState,
  type Subscriptions,
} from "../../subscription/ports.js";
import { hasConfidentialDataDisks } from "../properties/disk-encryption-references.js";
import type { Gathered, Seen } from "../rules/gathered.js";
import { CONFIDENTIAL_DATA_DISKS } from "../rules/unregistered.js";
import { setToSee } from "../keys/look.js";
import { valueOf, type KeyMemory } from "../keys/memory.js";
import type { ResourceManager, ResourceReader } from "../ports.js";
import type { ImageSource } from "../resources.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { distinct, namedResources, requireFewReads } from "./named.js";
import { parentageOf, unreadAt } from "./parents.js";
import { bounded, seeEach } from "./see.js";
import { seeTerms } from "./terms.js";

/** What it is read with. */
export interface FactSources {
  readonly resourceManager: Pick<ResourceManager, "getImageVersion" | "listDeletedVersions">;
  readonly resources: ResourceReader;
  readonly looks: { readonly keys: KeyMemory };
  readonly subscriptions: Subscriptions;
  readonly requiredRegistrations: readonly Registrable[];
  /** How many distinct resources may be read for one request. */
  readonly maxReads: number;
}

/** Reads what the rules need to know. Throws ServiceError TooManyReads, and what a read throws, but 403: that is a fact. */
export async function gather(
  {
    resourceManager,
    resources,
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
  }: {
    readonly sources: boolean;
    /** What a look has just shown of the version: it is not read again. */
    readonly imageVersion?: Gathered["imageVersion"];
  } = { sources: true },
): Promise<Omit<Gathered, "known">> {
  const see = bounded();
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
    // Where nothing is deleted softly, there is none to be restored.
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

/** What the sources were made of, and that again, as far as Azure shows it. */
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
/** For each step. */
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

/** Of a resource provider: without a preview feature there is much to be seen. */
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
