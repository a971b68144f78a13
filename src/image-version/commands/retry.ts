import { ServiceError, type Finding } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import { canonicalRegion, formatImageVersionId, type ImageVersionId } from "../../resource-id.js";
import { shownFields } from "../latest/flags.js";
import type { Dependencies } from "../ports.js";
import { regionsIn } from "../properties/fields.js";
import { hasFailed, isBusy, type Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { acceptByHand, mustBeShown } from "./acceptance.js";
import { refuse, type Command } from "./command.js";
import { mustNotBeToBeDeleted } from "./promote.js";
import { fingerprintOfCommand, repeated } from "./same-operation.js";

interface RetryImageVersion extends Command {
  /** In any spelling; absent: all that failed. */
  readonly regions?: readonly string[] | undefined;
}

const KIND = "RetryImageVersion";

/**
 * Returns the operation that repairs: it removes failed regions and adds them back, if they are
 * still failed by then. A repair that waits or runs counts for both. Repeated while it runs, it is
 * the same operation. Throws ServiceError ImageVersionConflict if there is nothing to repair, or
 * the version is being deleted.
 */
export function retryImageVersion(
  deps: Dependencies,
  command: RetryImageVersion,
): Promise<OperationRecord> {
  const { id } = command;
  const names = command.regions?.map(canonicalRegion);
  const detail = names ?? [];
  const fingerprint = fingerprintOfCommand(KIND, ...detail);
  return acceptByHand(deps, command, {
    kind: KIND,
    detail,
    decide: (subject) => {
      const { look, stored } = subject;
      const same = repeated(stored, look, fingerprint);
      if (same !== undefined) return same;
      mustNotBeToBeDeleted(id, stored);
      const shown = mustBeShown(id, subject);
      const regions = toRetry(id, shown, names, stored?.record);
      return { asks: { kind: KIND, request: { patch: {} }, regions } };
    },
  });
}

function toRetry(
  id: ImageVersionId,
  look: Look,
  names: readonly string[] | undefined,
  record: ImageVersionRecord | undefined,
): readonly string[] {
  const shown = regionsIn(shownFields(look.resource));
  const failed = [
    ...shown.filter((name) => hasFailed(look, name)),
    // A region that was removed for repair and is not back is added as it was.
    ...Object.entries(record?.repairs ?? {}).flatMap(([name, { removed }]) =>
      removed && !shown.includes(name) ? [name] : [],
    ),
  ];
  if (failed.length === 0)
    throw new ServiceError(
      "ImageVersionConflict",
      isBusy(look)
        ? `Azure is still working on ${formatImageVersionId(id)}, and no region has failed.`
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
    "These regions cannot be repaired; each reason is listed under errors.",
    findings,
  );
  return chosen;
}
