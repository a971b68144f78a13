import { ServiceError } from "../../errors.js";
import { parseImageVersionId, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { isBusy, type ListedImageVersion, type Look } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { lookOf } from "./get.js";

const MOST_OTHERS = 5;

/**
 * Looks at the highest versions that others are creating or changing and, with `showsAll`, at the
 * highest without a look: at most `MOST_OTHERS` in all. A version that cannot be read is shown as
 * listed.
 */
export async function looksAtOthers(
  { looks, now }: Pick<Dependencies, "looks" | "now">,
  imageId: string,
  names: readonly string[],
  items: ReadonlyMap<string, ListedImageVersion>,
  records: ReadonlyMap<string, ImageVersionRecord>,
  showsAll: boolean,
): Promise<ReadonlyMap<string, Look>> {
  const busy: ImageVersionId[] = [];
  const unseen: ImageVersionId[] = [];
  for (const name of names) {
    const id = parseImageVersionId(`${imageId}/versions/${name}`);
    const item = items.get(name);
    const record = records.get(name);
    if (id === undefined || item === undefined || (record && !isFinal(record.state))) continue;
    if (isBusy(item)) busy.push(id);
    else if (
      showsAll &&
      lookOf(item, record, now().toISOString(), looks.seen(id)).regionsTime === undefined
    )
      unseen.push(id);
  }
  const seen = await Promise.all(
    [...busy, ...unseen].slice(0, MOST_OTHERS).map(async (id) => {
      const look = await looks.version(id).catch((error: unknown) => {
        if (!(error instanceof ServiceError)) throw error;
        return undefined;
      });
      return { name: id.versionName, look };
    }),
  );
  return new Map(seen.flatMap(({ name, look }) => (look ? [[name, look]] : [])));
}
