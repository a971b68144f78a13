/** What is known of a version that is held back until its tests have passed. */
import { isFinal } from "../image-version/state/states.js";
import { known } from "../image-version/state/adoption.js";
import { regionsIn } from "../image-version/properties/fields.js";
import { targetRegionsOf } from "../image-version/properties/canonical-form.js";
import type { PromotionRule } from "../image-version/contract.js";
import { areReady, isExcluded, type Look } from "../image-version/resources.js";
import type { ImageVersionRecord } from "../image-version/state/record.js";
import { ruleInForce, wantedBy } from "../image-version/state/wanted.js";
import { placesOf } from "../machine-test/profile.js";
import { testKeyOf } from "../machine-test/record.js";
import { hasEnded } from "../operation/kinds.js";
import { operationIdOf, type OperationRecord } from "../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../resource-id.js";
import { resultsOf } from "../test-results/get.js";
import { MACHINE_TEST } from "../test-results/results.js";
import type { MachineTests, Situation } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";

/** By whom what Sigil begins by itself is requested. */
export const REQUESTED_BY = { name: "rollout" };

/** The rule by which the version that Azure shows is held back until its tests have passed; undefined where there is none. */
export function gatingRule(
  record: ImageVersionRecord,
  look: Look,
): PromotionRule | undefined {
  const rule = ruleInForce(
    isFinal(record.state) ? known(record, look) : record,
  );
  return rule?.when === "tested" && isExcluded(look.resource)
    ? rule
    : undefined;
}

export async function situationOf(
  deps: RolloutDependencies,
  id: ImageVersionId,
  rule: PromotionRule,
  record: ImageVersionRecord,
  look: Look,
): Promise<Situation> {
  const regions = rule.regions?.map(canonicalRegion) ?? [
    ...new Set([
      ...targetRegionsOf(look.resource).map(({ name }) =>
        canonicalRegion(name),
      ),
      ...regionsIn(wantedBy(record)),
    ]),
  ];
  const names = rule.results ?? [MACHINE_TEST];
  const versionId = formatImageVersionId(id);
  const last = operationIdOf(record);
  const [results, tests, operation] = await Promise.all([
    resultsOf(deps.results, versionId, look),
    testsOf(deps, id, regions, look),
    deps.imageVersions.store.readOperation(last),
  ]);
  const refusal = refusalIn(operation);
  return {
    regions,
    names,
    results,
    ...(!isFinal(record.state) && { operationId: last }),
    unready: regions.filter((name) => !areReady(look, [name])),
    tests,
    ...(refusal !== undefined && { refusal }),
  };
}

function refusalIn(operation: OperationRecord | undefined): string | undefined {
  if (
    operation?.kind !== "PromoteImageVersion" ||
    operation.requestedBy.name !== REQUESTED_BY.name ||
    operation.endTime === undefined
  )
    return undefined;
  switch (operation.status) {
    case "Failed":
      return operation.error?.message;
    case "Canceled":
      return "It was canceled.";
    default:
      return undefined;
  }
}

/** How many operations back a test that Sigil has begun is looked for. */
const MOST_OPERATIONS = 10;

async function testsOf(
  { machineTests }: RolloutDependencies,
  id: ImageVersionId,
  regions: readonly string[],
  { publishedDate = "" }: Look,
): Promise<MachineTests> {
  const stored = await machineTests.store.read(
    testKeyOf(formatImageVersionId(id)),
  );
  const hindrance = await hindranceIn(machineTests, id, regions);
  const common = hindrance === undefined ? {} : { hindrance };
  if (stored === undefined) return { begun: 0, ...common };
  const { key, sequence } = stored.record;
  const own: OperationRecord[] = [];
  for (
    let at = sequence;
    at > Math.max(0, sequence - MOST_OPERATIONS);
    at -= 1
  ) {
    const operation =
      at === sequence
        ? stored.operation
        : await machineTests.store.readOperation(
            operationIdOf({ key, sequence: at }),
          );
    if (
      operation === undefined ||
      Date.parse(operation.createdTime) < Date.parse(publishedDate)
    )
      break;
    if (operation.requestedBy.name === REQUESTED_BY.name) own.push(operation);
  }
  const { endTime } = stored.operation;
  return {
    begun: own.length,
    ...(hasEnded(machineTests, stored)
      ? { ...(endTime !== undefined && { endTime }) }
      : { runningId: stored.operation.id }),
    ...common,
  };
}

/** Why no machine can be made of it. */
async function hindranceIn(
  { makesMachines, profiles }: RolloutDependencies["machineTests"],
  id: ImageVersionId,
  regions: readonly string[],
): Promise<string | undefined> {
  if (!makesMachines)
    return "This deployment makes no test machines. Report the result of a test of your own, or promote the version by hand.";
  const stored = await profiles.read(imageIdOf(id));
  if (stored === undefined)
    return "The image definition has no test profile. Set one, or promote the version by hand.";
  const offered = placesOf(stored.profile).map(({ region }) => region);
  const without = regions.filter((region) => !offered.includes(region));
  return without.length === 0
    ? undefined
    : `The test profile has no place in ${without.join(", ")}. Add them to it, name the rule's regions, or promote the version by hand.`;
}
