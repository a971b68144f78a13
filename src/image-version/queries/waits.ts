/** What keeps versions out of latest, for views of a whole image definition. */
import { formatImageVersionId, parseImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { isBusy, type ListedImageVersion } from "../resources.js";
import { ruleInForce } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import type { Beside } from "./conditions.js";
import { known, lookOf, type KnownImageVersion } from "./get.js";
import type { Row } from "./summary-records.js";

export type Waits = Pick<Beside, "rollout" | "gateWaits" | "inherited">;

/** For one version: the progress of its rule, and where a gate is closed. */
export type WaitsOf = (version: KnownImageVersion) => Promise<Waits>;

/**
 * Checks this many of the highest versions that a rule holds back: each costs the reads of a GET,
 * except those of Azure.
 */
const MOST_HELD = 5;
const NO_LATEST = { inRegion: new Map() };

interface Versions {
  /** Highest first. */
  readonly names: readonly string[];
  readonly latest: string | undefined;
  readonly items: ReadonlyMap<string, ListedImageVersion>;
  readonly records: ReadonlyMap<string, ImageVersionRecord>;
  readonly rows: ReadonlyMap<string, Row>;
}

/**
 * By name, for versions that a rule holds back, without anything in progress, and not below the
 * latest. Read again once a look's time is over, and when the listing names another operation.
 */
export async function waitsAmong(
  { looks, now }: Pick<Dependencies, "looks" | "now">,
  waitsOf: WaitsOf,
  imageId: string,
  { names, latest, items, records, rows }: Versions,
): Promise<ReadonlyMap<string, Waits>> {
  const time = now().toISOString();
  const open = names.filter(
    (name) => latest === undefined || compareVersionNumbers(name, latest) >= 0,
  );
  const held = open.flatMap((name): KnownImageVersion[] => {
    const id = parseImageVersionId(`${imageId}/versions/${name}`);
    const item = items.get(name);
    const record = records.get(name);
    const isHeld =
      id !== undefined &&
      item !== undefined &&
      record !== undefined &&
      !isBusy(item) &&
      isFinal(record.state) &&
      ruleInForce(record) !== undefined;
    return isHeld
      ? [known(id, lookOf(item, record, time, looks.seen(id)), record, NO_LATEST, [])]
      : [];
  });
  return new Map(
    await Promise.all(
      held.slice(0, MOST_HELD).map(async (version) => {
        const name = version.id.versionName;
        const key = `waits ${formatImageVersionId(version.id)} ${rows.get(name)?.target}`;
        return [name, await looks.once(key, () => waitsOf(version))] as const;
      }),
    ),
  );
}
