import { ServiceError } from "../errors.js";
import {
  regionsOf,
  type Dependencies,
  type LastShown,
  type ImageVersionRecord,
} from "../image-version/index.js";
import { omit } from "../objects.js";
import { formatImageVersionId, keyOf, type ImageVersionId } from "../resource-id.js";
import type { TestResults } from "./ports.js";
import { azureResults, counting, type TestResult } from "./results.js";

/**
 * The results of a version as Azure has it now, with Azure's own, sorted by region and name;
 * `counts` marks those that count. Throws ServiceError NotFound if Azure has no such version.
 */
export async function getTestResults(
  {
    results,
    looks,
    store,
  }: {
    readonly results: Pick<TestResults, "list">;
    readonly looks: Pick<Dependencies["looks"], "version">;
    readonly store: Pick<Dependencies["store"], "readRecord">;
  },
  id: ImageVersionId,
): Promise<readonly (TestResult & { readonly counts?: true })[]> {
  const versionId = formatImageVersionId(id);
  const look = await looks.version(id);
  if (look === undefined) throw new ServiceError("NotFound", `Azure has no ${versionId}.`);
  const record = await store.readRecord(keyOf(versionId));
  const found = await resultsOf(results, versionId, look, record);
  const counts = counting(found);
  return found
    .map((one) => (counts.includes(one) ? { ...one, counts: true as const } : one))
    .sort(
      (a, b) =>
        a.region.localeCompare(b.region, "en") ||
        a.name.localeCompare(b.name, "en") ||
        Date.parse(b.time) - Date.parse(a.time),
    );
}

/** When each regional copy was completed, as far as Sigil knows. */
type Copies = Pick<ImageVersionRecord, "regions">;

/**
 * The results for the version that Azure shows, in the regions it has. A result whose work began
 * before the region's copy was complete is left out: it belongs to an earlier copy. Azure's own
 * validations are of the whole version.
 */
export async function resultsOf(
  results: Pick<TestResults, "list">,
  versionId: string,
  { resource, publishedDate = "" }: LastShown,
  copies?: Copies,
): Promise<readonly TestResult[]> {
  const there = regionsOf(resource);
  const reported = (await results.list(versionId))
    .filter(
      ({ life, region, time, begunTime = time }) =>
        life === publishedDate &&
        there.includes(region) &&
        !(Date.parse(begunTime) < Date.parse(madeAt(region, copies) ?? "")),
    )
    .map((result) => omit(result, "versionId", "life", "begunTime"));
  return [...azureResults(resource, publishedDate), ...reported];
}

/** When Sigil saw the region's present copy Completed; RFC 3339. */
function madeAt(region: string, copies?: Copies): string | undefined {
  return copies?.regions.find(({ name }) => name === region)?.completedTime;
}
