/** How a request, Azure and a record name what a version was made of. */
import { formatImageVersionId, parseImageVersionId } from "../../resource-id.js";

const SHARED = /^\/(?:Shared|Community)Galleries\/[^/]+\/Images\/[^/]+(?:\/Versions\/[^/]+)?$/iu;
const URN = /^[^/:\s]+(?::[^/:\s]+){3}$/u;

/** As Sigil writes it; undefined: it is no image version, no shared or community image and no URN of the Marketplace. */
export function parentNamed(text: string): string | undefined {
  const version = parseImageVersionId(text);
  if (version !== undefined) return formatImageVersionId(version);
  return SHARED.test(text) || URN.test(text) ? text : undefined;
}
