/**
 * What the rules need to know of Azure, read once. Invariants:
 *  1. Each distinct resource is read once, however often the request names it.
 *  2. What cannot be seen is told apart from what is not there: a rule never passes for want of a permission.
 *  3. At most `PARALLEL` reads are under way, and none is begun after one that was throttled or unanswered: then the
 *     whole is thrown, retryable, with the time that ARM asked for.
 */
import { ServiceError } from "../../errors.js";
import {
  galleryIdOf,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
} from "../properties/disk-encryption-references.js";
import {
  nameOf,
  type Registrable,
  type Subscriptions,
} from "../../subscription/ports.js";
import type { Denied, Facts, Seen } from "./facts.js";
import type { ResourceManager, ResourceReader } from "../ports.js";
import type { ObservedImageVersion } from "../resources.js";
import { namesSource, sourceReferences } from "./source.js";

/** What facts are read with. */
export interface FactSources {
  readonly resourceManager: Pick<ResourceManager, "getImageVersion">;
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  readonly requiredRegistrations: readonly Registrable[];
}

const PARALLEL = 16;

/**
 * Reads what the rules need to know; what is no id of a set or a source is another rule's finding and is not read. Throws
 * what a read throws, but 403: that is a fact.
 */
export async function gatherFacts(
  {
    resourceManager,
    resources,
    subscriptions,
    requiredRegistrations,
  }: FactSources,
  id: ImageVersionId,
  request: ImageVersionRequest,
  {
    sources: withSources,
    imageVersion: looked,
  }: {
    readonly sources: boolean;
    /** What a look has just shown of the version: it is not read again. */
    readonly imageVersion?: ObservedImageVersion;
  } = { sources: true },
): Promise<Omit<Facts, "known">> {
  const see = bounded(PARALLEL);
  const sets = distinct(
    diskEncryptionReferences(request)
      .filter((use) => namesDiskEncryptionSet(use))
      .map((use) => use.diskEncryptionSetId),
  );
  const named = distinct(
    (withSources ? sourceReferences(request) : [])
      .filter((use) => namesSource(use))
      .map((use) => use.id),
  );
  const imageDefinitionId = imageIdOf(id);
  const [
    gallery,
    imageDefinition,
    imageVersion,
    regions,
    registrations,
    diskEncryptionSets,
    sources,
  ] = await Promise.all([
    see(() => resources.getGallery(galleryIdOf(id))),
    see(() => resources.getImageDefinition(imageDefinitionId)),
    looked === undefined
      ? see(() => resourceManager.getImageVersion(id))
      : { kind: "found" as const, value: looked },
    see(() => subscriptions.listRegions(id.subscriptionId)),
    seeEach(
      new Map(requiredRegistrations.map((what) => [nameOf(what), what])),
      (what) =>
        see(() => subscriptions.getRegistration(id.subscriptionId, what)),
    ),
    seeEach(sets, (set) => see(() => resources.getDiskEncryptionSet(set))),
    seeEach(named, (source) => see(() => resources.getSource(source))),
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
  const [disks, sourceDefinitions] = await Promise.all([
    seeEach(without(machineDisks, sources), (disk) =>
      see(() => resources.getSource(disk)),
    ),
    seeEach(definitions, (definition) =>
      definition.toLowerCase() === imageDefinitionId.toLowerCase()
        ? Promise.resolve(imageDefinition) // Invariant 1.
        : see(() => resources.getImageDefinition(definition)),
    ),
  ]);
  return {
    gallery,
    imageDefinition,
    imageVersion,
    diskEncryptionSets,
    sources: new Map([...sources, ...disks]),
    sourceDefinitions,
    regions,
    registrations,
  };
}

/** Runs reads, at most `parallel` at once, and turns each answer into what was seen. */
function bounded(
  parallel: number,
): <T>(read: () => Promise<T | undefined>) => Promise<Seen<T>> {
  let free = parallel;
  let failure: Error | undefined;
  const waiting: (() => void)[] = [];
  return async (read) => {
    // A slot that falls free is handed to whoever waits, if anybody does.
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      if (failure !== undefined) throw failure; // Invariant 3.
      const value = await read();
      return value === undefined
        ? { kind: "absent" }
        : { kind: "found", value };
    } catch (error) {
      const denied = deniedBy(error);
      if (denied !== undefined) return denied;
      failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

function deniedBy(error: unknown): Denied | undefined {
  if (
    !(error instanceof ServiceError) ||
    error.code !== "ResourceManagerForbidden"
  )
    return undefined;
  const { action, scope } = error.fields;
  return { kind: "denied", action: String(action), scope: String(scope) };
}

async function seeEach<Key, T>(
  keys: ReadonlyMap<string, Key>,
  read: (key: Key) => Promise<Seen<T>>,
): Promise<ReadonlyMap<string, Seen<T>>> {
  return new Map(
    await Promise.all(
      [...keys].map(async ([name, key]) => [name, await read(key)] as const),
    ),
  );
}

/** By lower case, as ARM compares ids. */
function distinct(ids: readonly string[]): ReadonlyMap<string, string> {
  return new Map(ids.map((id) => [id.toLowerCase(), id]));
}

function without<T>(
  keys: ReadonlyMap<string, T>,
  others: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, T> {
  return new Map([...keys].filter(([key]) => !others.has(key)));
}
