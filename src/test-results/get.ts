import { ServiceError } from "../errors.js";
import type { Looks } from "../image-version/ports.js";
import type { Look } from "../image-version/resources.js";
import { formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import type { StoredTestResult, TestResults } from "./ports.js";
import { azureResults, type TestResult } from "./results.js";

/**
 * The results that count of a version as Azure has it now, Azure's own among them, by region and name. Throws ServiceError NotFound
 * where Azure has no such version.
 */
export async function getTestResults(
  {
    results,
    looks,
  }: {
    readonly results: Pick<TestResults, "list">;
    readonly looks: Pick<Looks, "version">;
  },
  id: ImageVersionId,
): Promise<readonly TestResult[]> {
  const versionId = formatImageVersionId(id);
  const look = await looks.version(id);
  if (look === undefined)
    throw new ServiceError("NotFound", `Azure has no ${versionId}.`);
  return [...(await resultsOf(results, versionId, look))].sort(
    (a, b) =>
      a.region.localeCompare(b.region, "en") ||
      a.name.localeCompare(b.name, "en"),
  );
}

/** Those of the version that Azure shows. */
async function resultsOf(
  results: Pick<TestResults, "list">,
  versionId: string,
  look: Look,
): Promise<readonly TestResult[]> {
  return (await storedResultsOf(results, versionId, look)).map(
    ({ begunTime: _, ...result }) => result,
  );
}

/** The same, and when that work began by which each was found, where it is known. */
export async function storedResultsOf(
  results: Pick<TestResults, "list">,
  versionId: string,
  { resource, publishedDate = "" }: Look,
): Promise<readonly (TestResult & Pick<StoredTestResult, "begunTime">)[]> {
  const reported = (await results.list(versionId))
    .filter(({ life }) => life === publishedDate)
    .map(({ versionId: _version, life: _life, ...result }) => result);
  return [...azureResults(resource, publishedDate), ...reported];
}
