/** Whether the gallery of the tests deletes softly. */
import type { InProcess } from "./dependencies.js";
import { seedResource } from "./requests.js";

const GALLERY = seedResource("galleries/MyGallery");

/** From now on what is deleted in it can be restored, for seven days unless `more` says otherwise. */
export function enableSoftDelete(
  world: Pick<InProcess, "simulator">,
  more: {
    readonly retentionPeriodInDays?: number;
    readonly gracePeriodInDays?: number;
  } = {},
): Promise<void> {
  return setPolicy(world, { isSoftDeleteEnabled: true, ...more });
}

export function disableSoftDelete(world: Pick<InProcess, "simulator">): Promise<void> {
  return setPolicy(world, { isSoftDeleteEnabled: false });
}

async function setPolicy(
  { simulator: { control } }: Pick<InProcess, "simulator">,
  softDeletePolicy: object,
): Promise<void> {
  const gallery = control.resources().find(({ id }) => id.toLowerCase() === GALLERY.toLowerCase());
  if (gallery === undefined) throw new Error(`there is no ${GALLERY}`);
  await control.putResource({
    ...gallery,
    properties: { ...gallery.properties, softDeletePolicy },
  });
}
