/**
 * The future state of a version, once open requests are applied, for a policy or rule that judges
 * it now.
 */
import { shownFields, latestIn } from "../latest/flags.js";
import { releasedIn } from "../latest/release.js";
import { regionsIn } from "../properties/fields.js";
import { END_OF_LIFE_DATE } from "../properties/table.js";
import { isBusy, type Look } from "../resources.js";
import { releaseBeforeDeletion } from "../state/deletion.js";
import { latestToBe, openRequests, unapplied } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";

/** The last open request that sets it wins. */
export function endOfLifeToBe(
  record: ImageVersionRecord,
  shown: string | undefined,
): string | undefined {
  const asked = openRequests(record).findLast(([, { patch }]) => END_OF_LIFE_DATE in patch);
  return asked === undefined
    ? shown
    : ((asked[1].patch[END_OF_LIFE_DATE] ?? undefined) as string | undefined);
}

/**
 * Canonical regions where it was in latest, and will be again if its deletion fails; undefined: the
 * deletion did not exclude it.
 */
export function latestBeforeDeletion(record: ImageVersionRecord): readonly string[] | undefined {
  const release = releaseBeforeDeletion(record);
  if (release === undefined || record.status === undefined) return undefined;
  return releasedIn(release, regionsIn(shownFields(record.status.resource)));
}

/** Whether it is in latest nowhere, and nothing open includes it. */
export function isUnpromoted(record: ImageVersionRecord | undefined, { resource }: Look): boolean {
  return (
    latestIn(resource).length === 0 &&
    (record === undefined ||
      (record.write === undefined &&
        releaseBeforeDeletion(record) === undefined &&
        latestToBe(record, resource).length === 0))
  );
}

/** Whether something is yet to be sent, or ARM is working on the version. */
export function isUnderWay(record: ImageVersionRecord, look: Look): boolean {
  return (
    !isFinal(record.state) &&
    (unapplied(record).length > 0 || record.write !== undefined || isBusy(look))
  );
}
