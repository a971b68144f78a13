import { ServiceError, type Finding } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import { canonicalRegion, formatImageVersionId } from "../../resource-id.js";
import { factsIn } from "../latest/flags.js";
import type { Dependencies } from "../ports.js";
import { regionsIn } from "../properties/fields.js";
import { hasFailed, isBusy, type Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { absent, acceptByHand } from "./acceptance.js";
import { refuse, type Command } from "./command.js";
import { mustNotBeToBeDeleted } from "./promote.js";
import { fingerprintOfCommand, repeated } from "./same-operation.js";

export interface RetryImageVersion extends Command {
  /** In any spelling; absent: all that failed. */
  readonly regions?: readonly string[] | undefined;
}

const KIND = "RetryImageVersion";

/**
 * The operation that repairs: it takes failed regions away and adds them back, if they are still failed when it looks. A repair that
 * waits, or is under way, is for both. Repeated while it runs, it is the same. Throws ServiceError ImageVersionConflict where there is
 * nothing to repair, or the version is being deleted.
 */
export function retryImageVersion(
  deps: Dependencies,
  command: RetryImageVersion,
): Promise<OperationRecord> {
  const names = command.regions?.map(canonicalRegion);
  const fingerprint = fingerprintOfCommand(KIND, ...(names ?? []));
  return acceptByHand(deps, command, KIND, names ?? [], ({ look, stored }) => {
    const same = repeated(stored, look, fingerprint);
    if (same !== undefined) return same;
    mustNotBeToBeDeleted(command.id, stored);
    if (look === undefined) throw absent(command, stored);
    const lost = lostIn(stored?.record, look);
    const regions = toRetry(command, look, names, lost);
    return { asks: { request: { patch: {} }, regions } };
  });
}

/** Regions that were taken away for repair, and are not there again: asked for once more, they are added back as they were. */
function lostIn(
  record: ImageVersionRecord | undefined,
  { resource }: Look,
): readonly string[] {
  const shown = regionsIn(factsIn(resource));
  return Object.entries(record?.repairs ?? {}).flatMap(([name, { removed }]) =>
    removed === undefined || shown.includes(name) ? [] : [name],
  );
}

function toRetry(
  { id }: RetryImageVersion,
  look: Look,
  names: readonly string[] | undefined,
  lost: readonly string[],
): readonly string[] {
  const failed = [
    ...look.regions
      .map(({ name }) => name)
      .filter((name) => hasFailed(look, name)),
    ...lost,
  ];
  if (failed.length === 0)
    throw new ServiceError(
      "ImageVersionConflict",
      isBusy(look)
        ? `Azure is working on ${formatImageVersionId(id)}: none of its regions has failed.`
        : `No region of ${formatImageVersionId(id)} has failed: there is nothing to repair.`,
    );
  const chosen = names ?? failed;
  const findings = chosen.flatMap((name, i): Finding[] =>
    failed.includes(name)
      ? []
      : [
          {
            code: "RegionNotFailed",
            pointer: `/regions/${i}`,
            message: `"${name}" has not failed. The failed regions are ${failed.join(", ")}.`,
          },
        ],
  );
  const home = chosen.indexOf(canonicalRegion(look.resource.location));
  if (home !== -1)
    findings.push({
      code: "HomeRegionNotRepairable",
      pointer: names === undefined ? "" : `/regions/${home}`,
      message: `"${chosen[home]}" is the version's own location, which cannot be removed and added back. Publish another version.`,
    });
  refuse(
    "InvalidRequest",
    "The regions cannot be repaired; each is listed under errors.",
    findings,
  );
  return chosen;
}
