import type { Finding } from "../../errors.js";
import { seenSets, seeSets, type SeeDependencies } from "../../keys/see-sets.js";
import {
  statesOf,
  versionKeys,
  type KeyStatesBySet,
  type VersionKeys,
} from "../../keys/version-keys.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionView } from "../contract.js";
import type { KeyState } from "../../keys/ports.js";
import { omit } from "../../objects.js";
import type { Dependencies } from "../ports.js";
import {
  diskEncryptionReferences,
  namesDiskEncryptionSet,
} from "../properties/disk-encryption-references.js";
import { patched } from "../properties/body.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import type { Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { keysNotRefreshed } from "./age-warnings.js";
import type { KnownImageVersion } from "./get.js";

type KeysView = NonNullable<ImageVersionView["sigil"]["keys"]>;

type SetUses = Parameters<typeof versionKeys>[1];
type Version = Pick<KnownImageVersion, "look" | "record">;

interface KnownKeys {
  readonly states: KeyStatesBySet;
  of(
    this: void,
    uses: SetUses,
    record: Pick<ImageVersionRecord, "encryptionTypes"> | undefined,
  ): VersionKeys | undefined;
}

/** Undefined if no key guardian runs. */
export async function storedKeys(
  { keyGuardian }: Pick<Dependencies, "keyGuardian">,
  imageId: string,
): Promise<KeyStatesBySet | undefined> {
  return keyGuardian && statesOf((await keyGuardian.keyStates.read(imageId))?.document);
}

/**
 * What is stored, or this instance has seen since, of the keys of these sets. Undefined if no key
 * guardian runs. Costs one read; none if there are no sets.
 */
export async function readKeys(
  deps: Pick<Dependencies, "keyGuardian"> & SeeDependencies,
  imageId: string,
  ids: readonly string[],
): Promise<KnownKeys | undefined> {
  const { keyGuardian } = deps;
  const stored = ids.length === 0 ? undefined : await storedKeys(deps, imageId);
  if (stored === undefined || keyGuardian === undefined) return undefined;
  const states = await seenSets(deps, keyGuardian, ids, stored);
  return {
    states,
    of: (uses, record) => versionKeys(states, uses, record?.encryptionTypes ?? {}),
  };
}

/**
 * Each version with its keys, without the details of each set's key. All versions are of one image
 * definition.
 */
export async function withKeys<V extends Version>(
  deps: Pick<Dependencies, "keyGuardian"> & SeeDependencies,
  imageId: string,
  versions: readonly V[],
): Promise<readonly (readonly [V, KeysView | undefined])[]> {
  const uses = versions.map(({ look }) => usesOf(look));
  const known = await readKeys(
    deps,
    imageId,
    uses.flat().map(({ diskEncryptionSetId }) => diskEncryptionSetId),
  );
  return versions.map((version, i) => {
    const keys = known?.of(uses[i] ?? [], version.record);
    if (keys === undefined) return [version, undefined];
    const listed = omit(viewKeys(keys), "sets");
    return [version, listed];
  });
}

/** A warning that the keys of an opened version were last seen before the requested time. */
export function keysAgeWarnings(
  keys: KeysView | undefined,
  { now }: Pick<Dependencies, "now">,
): readonly Finding[] {
  const { seenTime } = keys ?? {};
  return seenTime !== undefined && now().getTime() - Date.parse(seenTime) > OLD_MS
    ? [keysNotRefreshed(seenTime)]
    : [];
}

/** Older keys were not read although they should be: a read takes seconds. */
const OLD_MS = 60_000;
/** The greatest age of a stored state that is used. */
const KEEP_MS = 30_000;
const ANEW_MS = 5_000;

/**
 * The keys of one version. With `looks`, each set was seen in the last 30 s; with `refresh`, in the
 * last 5 s. A set that cannot be read keeps its known state.
 */
export async function openedKeys(
  deps: Pick<Dependencies, "keyGuardian"> & SeeDependencies,
  imageId: string,
  { look, record }: Version,
  looks: boolean,
  refresh = false,
): Promise<KeysView | undefined> {
  const { keyGuardian } = deps;
  const uses = usesOf(look);
  const ids = uses.map(({ diskEncryptionSetId }) => diskEncryptionSetId);
  const stored = ids.length === 0 ? undefined : await storedKeys(deps, imageId);
  if (stored === undefined || keyGuardian === undefined) return undefined;
  const sinceMs = deps.now().getTime() - (refresh ? ANEW_MS : KEEP_MS);
  const old = ids.filter((set) => timeOf(stored.get(set.toLowerCase())) <= sinceMs);
  const use = refresh ? "showAnew" : "show";
  const states = looks
    ? await seeSets(deps, keyGuardian, imageId, old, stored, use)
    : await seenSets(deps, keyGuardian, ids, stored);
  const keys = versionKeys(states, uses, record?.encryptionTypes ?? {});
  return keys && viewKeys(keys);
}

function timeOf(state: KeyState | undefined): number {
  return state === undefined ? -Infinity : Date.parse(state.lookedTime);
}

export function usesOf(look: Pick<Look, "resource"> | undefined): SetUses {
  return look === undefined
    ? []
    : diskEncryptionReferences(look.resource)
        .filter((reference) => namesDiskEncryptionSet(reference))
        .map(({ diskEncryptionSetId, region }) => ({
          diskEncryptionSetId,
          region: canonicalRegion(region),
        }));
}

/** Includes the regions that a repair removed. */
export function withRemovedRegions(
  { resource }: Pick<Look, "resource">,
  { repairs }: Pick<ImageVersionRecord, "repairs">,
): Pick<Look, "resource"> {
  const shown = regionsIn(fieldsOf(resource));
  const fields = Object.entries(repairs).flatMap(([name, { removed }]) =>
    shown.includes(name) ? [] : [{ ...removed }],
  );
  return fields.length === 0
    ? { resource }
    : { resource: patched(resource, Object.assign({}, ...fields) as Patch) };
}

function viewKeys({ sets, problems, notSeen, ...keys }: VersionKeys): KeysView {
  return {
    ...keys,
    sets: sets.map(({ regions, ...set }) => ({
      ...set,
      regions: [...regions],
    })),
    problems: problems.map(({ regions, breaks, ...problem }) => ({
      ...problem,
      regions: [...regions],
      breaks: [...breaks],
    })),
    notSeen: notSeen.map(({ regions, ...one }) => ({
      ...one,
      regions: [...regions],
    })),
  };
}
