/**
 * What Azure has of an image definition now, for a rollback to decide on: its list, and a look at each version that counts.
 * Nothing of it is read from what was kept.
 */
import { parseImageVersionId } from "../../resource-id.js";
import type { RollbackRecord } from "../../operation/records.js";
import type { Dependencies } from "../ports.js";
import {
  latestOf,
  usableRegions,
  type Candidate,
  type Latest,
} from "../queries/latest.js";
import { lookAt } from "../queries/look-at.js";
import type { ListedImageVersion } from "../resources.js";
import type { RollbackStep } from "./record.js";

export interface Survey {
  /** False where Azure has no such image definition. */
  readonly exists: boolean;
  readonly listed: readonly ListedImageVersion[];
  /** Looks at a version, once; undefined where it is gone. */
  look(this: void, item: ListedImageVersion): Promise<Candidate | undefined>;
}

/** Of more than so many, what the list says is taken. */
const MOST_LOOKS = 20;

/** Throws what the reads throw. */
export async function surveyOf(
  deps: Dependencies,
  imageId: string,
): Promise<Survey> {
  const listed = await deps.resourceManager.listImageVersions(imageId);
  const seen = new Map<string, Candidate | undefined>();
  return {
    exists: listed !== undefined,
    listed: listed ?? [],
    async look(item) {
      if (seen.has(item.name)) return seen.get(item.name);
      const id = parseImageVersionId(`${imageId}/versions/${item.name}`);
      if (id === undefined || seen.size === MOST_LOOKS) return item;
      const look = await lookAt(deps, id);
      const found: Candidate | undefined = look && {
        ...item,
        ...look,
        readyRegions: look.regions
          .filter(({ state }) => state === "Completed")
          .map(({ name }) => name),
      };
      seen.set(item.name, found);
      return found;
    },
  };
}

/** The latest as it is now; with steps, as it is once they are done. */
export function latestAfter(
  survey: Survey,
  steps: readonly RollbackStep[] = [],
): Promise<Latest> {
  return latestOf(
    survey.listed.map((item) => afterSteps(item, steps)),
    (item) => usableAfter(survey, item, steps),
  );
}

/** Canonical regions in which a version may be used without its number, once the steps are done. */
export async function usableAfter(
  { look }: Survey,
  item: ListedImageVersion,
  steps: readonly RollbackStep[] = [],
): Promise<readonly string[]> {
  const found = await look(item);
  return found === undefined ? [] : usableRegions(afterSteps(found, steps));
}

/** A version as it is once the steps are done. */
export function afterSteps<T extends ListedImageVersion>(
  item: T,
  steps: readonly RollbackStep[],
): T {
  const step = steps.find(({ versionName }) => versionName === item.name);
  if (step === undefined) return item;
  const { properties } = item.resource;
  return {
    ...item,
    resource: {
      ...item.resource,
      properties: {
        ...properties,
        publishingProfile: {
          ...properties.publishingProfile,
          excludeFromLatest: step.does === "demote",
        },
      },
    },
  };
}

/** The latest of each region, before and after. */
export function regionsBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): RollbackRecord["regions"] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((name) => {
      const [from, to] = [before.get(name), after.get(name)];
      return {
        name,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      };
    });
}
