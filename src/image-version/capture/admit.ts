/**
 * Who may publish from the snapshots of a capture. Their resource group is shared by everybody who
 * captures, so a rule for that group would open every machine to all of them. Invariant: such a
 * snapshot serves only the version number in its name, and only callers who may use its machine.
 * The sweep relies on that: it keeps the snapshots of a number with open operations.
 */
import { ServiceError } from "../../errors.js";
import { formatImageVersionId, keyOf, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies } from "../ports.js";
import { usedResources, type UsedResource } from "../properties/resource-references.js";
import { captureIn, isNamedFor, SOURCE_TAG } from "./names.js";

export function isOfCapture({ id }: Pick<UsedResource, "id">): boolean {
  return captureIn(id) !== undefined;
}

/** Throws ServiceError Forbidden if one of these is a snapshot for another version number. */
export function mustBeOfNumber(used: readonly UsedResource[], id: ImageVersionId): void {
  const name = formatImageVersionId(id);
  const others = used.filter((one) => isOfCapture(one) && !isNamedFor(one.id, keyOf(name)));
  if (others.length > 0)
    throw new ServiceError(
      "Forbidden",
      "The request names snapshots that were captured for other versions; each is listed under errors.",
      {
        findings: others.map(({ pointer, id: snapshot }) => ({
          code: "SourceNotAllowed",
          pointer,
          message: `${snapshot} was captured for another version than ${name}.`,
          severity: "error",
          remediation:
            "Publish from it under the version number that it was captured for, or create snapshots of your own: az snapshot create.",
        })),
      },
    );
}

/** Throws what `requireMayUse` throws if the caller may not use a machine that such snapshots are of. */
export async function mustMayUseMachines(
  { snapshots }: Pick<Dependencies, "snapshots">,
  requireMayUse: ((resources: readonly UsedResource[]) => void) | undefined,
  request: ImageVersionRequest,
): Promise<void> {
  const named = requireMayUse === undefined ? [] : usedResources(request).filter(isOfCapture);
  const machines = await Promise.all(
    named.map(async (one) => {
      const { tags = {} } = (await snapshots?.get(one.id)) ?? {};
      return { ...one, id: tags[SOURCE_TAG] ?? one.id };
    }),
  );
  if (machines.length > 0) requireMayUse?.(machines);
}
