/**
 * The parents of a version, as far as Azure reports the origin of its sources. Pure. Invariant: unknown is never "none". Example:
 *
 *   snapshot → disk → galleries/base/images/rhel9/versions/1.1.0    ids: [that version]
 *   snapshot → a disk that is gone                                  ids: [], endsAt: [the disk]
 */
import { isComputeResourceId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { parentNamed } from "../properties/parents.js";
import { sourceReferences } from "../properties/source-references.js";
import type { ImageSource, Parentage } from "../resources.js";
import { found, type Seen } from "../../bounded-reads.js";

/** Keys are ids in lower case. */
type Sources = ReadonlyMap<string, Seen<ImageSource>>;

/** The most resources between a source and the parent version. */
const MOST_STEPS = 4;

const DATA_DISKS = "/dataDiskImages/";

/** Undefined if the request names no readable source. For data disks, only `sources` count: their origins are not traced. */
export function parentageOf(
  request: ImageVersionRequest,
  sources: Sources,
): Omit<Parentage, "time"> | undefined {
  const { communityGalleryImageId } = request.properties.storageProfile?.source ?? {};
  const references = sourceReferences(request);
  if (references.length === 0 && communityGalleryImageId === undefined) return undefined;
  const ids = new Map<string, string>();
  const ends = new Map<string, string>();
  const follow = (id: string, steps: number): void => {
    const parent = parentNamed(id);
    if (parent !== undefined) {
      ids.set(parent.toLowerCase(), parent);
      return;
    }
    const before = steps === 0 ? [] : originsOf(found(sources.get(id.toLowerCase())));
    if (before.length === 0) ends.set(id.toLowerCase(), id);
    for (const one of before) follow(one, steps - 1);
  };
  if (communityGalleryImageId !== undefined) follow(communityGalleryImageId, 0);
  for (const { id, pointer } of references) {
    const isOfData = pointer.includes(DATA_DISKS);
    const names = isOfData ? (found(sources.get(id.toLowerCase()))?.madeOf ?? []) : [id];
    for (const name of names)
      if (!isOfData || parentNamed(name) !== undefined) follow(name, MOST_STEPS);
  }
  return { ids: [...ids.values()], ...(ends.size > 0 && { endsAt: [...ends.values()] }) };
}

/** If a machine does not report its origin, its OS disk may. */
function originsOf(source: ImageSource | undefined): readonly string[] {
  const { madeOf, osDisk } = source ?? {};
  return madeOf ?? (osDisk?.id === undefined ? [] : [osDisk.id]);
}

/** The ends of the trace that have not been read. */
export function unreadAt(
  { endsAt = [] }: Pick<Parentage, "endsAt">,
  sources: Sources,
): readonly string[] {
  return endsAt.filter(
    (id) =>
      !sources.has(id.toLowerCase()) &&
      ["disks", "snapshots", "images", "virtualMachines"].some((type) =>
        isComputeResourceId(id, type),
      ),
  );
}
