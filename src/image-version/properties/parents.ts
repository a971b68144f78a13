/** The spelling of a version's parent in requests, in Azure and in records. */
import { formatImageVersionId, parseImageVersionId } from "../../resource-id.js";

const SHARED = /^\/(?:Shared|Community)Galleries\/[^/]+\/Images\/[^/]+(?:\/Versions\/[^/]+)?$/iu;
const URN = /^[^/:\s]+(?::[^/:\s]+){3}$/u;

/**
 * In Sigil's spelling; undefined: no image version, no shared or community image and no URN of the
 * Marketplace.
 */
export function parentNamed(text: string): string | undefined {
  const version = parseImageVersionId(text);
  if (version !== undefined) return formatImageVersionId(version);
  return SHARED.test(text) || URN.test(text) ? text : undefined;
}
