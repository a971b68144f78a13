import type { Finding } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import type { ImageVersionId } from "../resource-id.js";
import { existsInItsRegion, sameSubscription } from "./disk-encryption-sets.js";
import {
  everyDiskInEveryRegion,
  oneEntryForALun,
} from "./every-disk-in-every-region.js";
import { oneSource } from "./one-source.js";
import { resourceIds } from "./resource-ids.js";
import type { FactRule, Facts, RequestRule } from "./rule.js";
import { everyLunExistsInTheSource, sourcesExist } from "./source-disks.js";
import { targetRegions } from "./target-regions.js";
import { versionName } from "./version-name.js";

const REQUEST_RULES: readonly RequestRule[] = [
  versionName,
  targetRegions,
  oneSource,
  resourceIds,
  oneEntryForALun,
];

const FACT_RULES: readonly FactRule[] = [
  sourcesExist,
  sameSubscription,
  existsInItsRegion,
  everyLunExistsInTheSource,
  everyDiskInEveryRegion,
];

/** All findings about the request alone. */
export function checkRequest(
  id: ImageVersionId,
  request: ImageVersionRequest,
): readonly Finding[] {
  return REQUEST_RULES.flatMap((rule) => rule(id, request));
}

/** All findings about the request and what ARM says of the resources that it names. */
export function checkFacts(
  id: ImageVersionId,
  request: ImageVersionRequest,
  facts: Facts,
): readonly Finding[] {
  return FACT_RULES.flatMap((rule) => rule(id, request, facts));
}
