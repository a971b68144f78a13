import type { Schemas } from "@sigil/client";
import { namesText } from "./geography.js";

/** What a version that its promotion rule holds back needs of a person; `rollout` absent: nobody has read it. */
export function needText(rollout: Schemas["Rollout"] | undefined): string {
  if (rollout?.state !== "Halted")
    return rollout?.wave === undefined
      ? "Waits for a person"
      : `Wave ${rollout.wave} waits for a person`;
  const regions = new Set(rollout.failed?.map(({ region }) => region));
  const where = regions.size === 0 ? "" : ` in ${namesText([...regions])}`;
  return `Halted: a test failed${where}`;
}
