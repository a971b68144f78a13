import type { Schemas } from "@sigil/client";
import { namesText } from "./geography.js";

/** The action that a held-back version needs from a person; `rollout` absent: not read yet. */
export function needText(rollout: Schemas["Rollout"] | undefined): string {
  if (rollout?.state !== "Halted")
    return rollout?.wave === undefined
      ? "Waits for a person"
      : `Wave ${rollout.wave} waits for a person`;
  const regions = new Set(rollout.failed?.map(({ region }) => region));
  const where = regions.size === 0 ? "" : ` in ${namesText([...regions])}`;
  return `Halted: a test failed${where}`;
}
