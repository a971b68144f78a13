import { factsIn, withLatest } from "../latest/flags.js";
import { usableRegions } from "../latest/latest-after.js";
import {
  nextWave,
  released,
  releasedIn,
  releaseOf,
  type ReleaseChange,
} from "../latest/release.js";
import { regionsIn } from "../properties/fields.js";
import type { Change, Survey } from "../queries/survey.js";
import type { ListedImageVersion } from "../resources.js";
import type { RollbackStep } from "../rollback-record.js";

/** Canonical regions in which a version may be used without its number, once the steps are done. */
export async function usableAfter(
  { look }: Survey,
  item: ListedImageVersion,
  steps: readonly RollbackStep[] = [],
): Promise<readonly string[]> {
  const found = await look(item);
  return found === undefined ? [] : usableRegions(afterSteps(steps)(found));
}

/** A version as it is once the steps are done. */
export function afterSteps(steps: readonly RollbackStep[]): Change {
  return (item) => {
    const step = steps.find(({ versionName }) => versionName === item.name);
    if (step === undefined) return item;
    const { waves, resource } = item;
    const change: ReleaseChange =
      step.does === "demote"
        ? { kind: "exclude", by: "person" }
        : ((waves && nextWave(waves, item)) ?? {
            kind: "include",
            by: "person",
          });
    const regions = regionsIn(factsIn(resource));
    const after = released(releaseOf(resource), change, regions);
    return {
      ...item,
      resource: withLatest(resource, releasedIn(after, regions)),
    };
  };
}
