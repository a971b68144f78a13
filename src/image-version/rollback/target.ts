import { hasEnded } from "../../operation/kinds.js";
import { keyOf } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { rollbackOf } from "./kind.js";

/** Number of the version that a rollback leads to that has not ended. */
export async function rollbackTarget(
  deps: Pick<Dependencies, "rollbacks" | "kinds">,
  imageId: string,
): Promise<string | undefined> {
  const stored = await deps.rollbacks.read(keyOf(imageId));
  return stored === undefined || hasEnded(deps, stored)
    ? undefined
    : rollbackOf(stored.operation).to;
}
