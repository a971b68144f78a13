import type { ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import type { Look } from "../resources.js";

/** What Azure shows of a version now; undefined where it has none. Throws what the read throws. */
export async function lookAt(
  deps: Pick<Dependencies, "resourceManager" | "now">,
  id: ImageVersionId,
): Promise<Look | undefined> {
  const shown = await deps.resourceManager.getImageVersion(id);
  return shown && { ...shown, time: deps.now().toISOString() };
}
