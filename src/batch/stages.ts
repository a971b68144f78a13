/**
 * The stages of a batch. Invariant: a stage begins once every item of the stages before it is as requested and proven.
 */
import { parseImageVersionId } from "../resource-id.js";
import type { BatchDependencies } from "./ports.js";
import {
  hasItemEnded,
  isAsRequested,
  isUnderWay,
  type BatchCommand,
  type BatchItem,
  type BatchRecord,
} from "./record.js";

/** The others leave nothing behind that could be proven. */
const PROVES: ReadonlySet<BatchCommand> = new Set([
  "putImageVersion",
  "patchImageVersion",
  "promoteImageVersion",
  "retryImageVersion",
]);

export interface Stage {
  /** The stage whose items may begin; absent: none. */
  readonly open?: number;
  /** Set where none of its items has begun. */
  readonly message?: string;
  /** Why the next one waits, though every item before it is as requested. */
  readonly waits?: string;
}

/** `items`: as their operations are now. */
export async function nextStage(
  { unproven }: BatchDependencies,
  { command }: BatchRecord,
  items: readonly BatchItem[],
): Promise<Stage> {
  const next = Math.min(...items.filter(({ state }) => state === "Planned").map(stageOf));
  const earlier = items.filter((item) => stageOf(item) < next);
  if (!earlier.every((item) => hasItemEnded(item.state) && isAsRequested(item))) return {};
  if (earlier.length === 0 || items.some((item) => stageOf(item) === next && wasBegun(item)))
    return { open: next };
  for (const { id } of PROVES.has(command) ? earlier : []) {
    const why = await unproven(id);
    if (why !== undefined) return { waits: `Stage ${next} waits for ${nameOf(id)}: ${why}` };
  }
  return { open: next, message: `Stage ${next} begins.` };
}

export function stageOf({ stage = 0 }: Pick<BatchItem, "stage">): number {
  return stage;
}

function wasBegun(item: BatchItem): boolean {
  return isUnderWay(item) || item.operationId !== undefined;
}

/** `MyGallery/MyImage 1.0.0`. */
function nameOf(id: string): string {
  const version = parseImageVersionId(id);
  return version ? `${version.galleryName}/${version.imageName} ${version.versionName}` : id;
}
