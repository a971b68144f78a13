/**
 * Stores and reports that Azure shows a version differently from its record while no operation
 * runs, for drift and readers. Invariants:
 *  1. A look is noted only if it began after the record was read.
 *  2. Readers on one instance have a version noted at most once while a look is kept, and get their
 *     answer if noting fails.
 */
import { isDeepStrictEqual } from "node:util";
import { orNone } from "../errors.js";
import { deliver } from "../operation/outbox.js";
import { formatImageVersionId, keyOf, type ImageVersionId } from "../resource-id.js";
import { isAsKnown, noteLook, statesIn } from "./note-look.js";
import type { Dependencies } from "./ports.js";
import { lookAt } from "./queries/look-at.js";
import type { Look } from "./resources.js";
import type { ImageVersionRecord } from "./state/record.js";
import { isFinal } from "./state/states.js";

/** Looks at a version and notes what the look shows, if `isBelieved`. Throws what the reads throw. */
export async function lookAnew(
  deps: Dependencies,
  id: ImageVersionId,
  isBelieved: (look: Look | undefined) => boolean,
  look = (): Promise<Look | undefined> => lookAt(deps, id),
): Promise<void> {
  const stored = await deps.store.read(keyOf(formatImageVersionId(id)));
  if (stored === undefined || !isFinal(stored.record.state)) return;
  // An earlier report may have died halfway.
  if (stored.record.outbox.length > 0) return void (await deliver(deps, stored));
  const shown = await look(); // Invariant 1.
  if (isBelieved(shown)) await noteLook(deps, stored, shown);
}

/**
 * Notes what a reader was just shown. A missing version is left to drift, which also reads the
 * list.
 */
export async function noteSeen(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
): Promise<void> {
  if (record === undefined || !isFinal(record.state)) return;
  const shown = await orNone(deps.looks.version(id));
  if (shown === undefined || isShownAsKnown(record, id, shown)) return;
  // Invariant 2.
  await deps.looks.once(`note ${formatImageVersionId(id)}`, () =>
    orNone(lookAnew(deps, id, (look) => look !== undefined)),
  );
}

function isShownAsKnown(
  record: ImageVersionRecord,
  { versionName }: ImageVersionId,
  look: Look,
): boolean {
  return (
    isAsKnown(record, { ...look, name: versionName }) &&
    isDeepStrictEqual(statesIn(record.status), statesIn(look))
  );
}
