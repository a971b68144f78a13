/** What is known of a version that is held back until its tests have passed. */
import { isFinal } from "../image-version/state/states.js";
import type { Held } from "../image-version/state/held.js";
import { wavesOf, type Wave } from "../image-version/state/waves.js";
import { regionsIn } from "../image-version/properties/fields.js";
import { targetRegionsOf } from "../image-version/properties/canonical-form.js";
import type { PromotionRule } from "../image-version/contract.js";
import { areReady, type Look } from "../image-version/resources.js";
import type { ImageVersionRecord } from "../image-version/state/record.js";
import { wantedBy } from "../image-version/state/wanted.js";
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
import type { MachineTests, Situation, WaveSituation } from "./decide.js";
import type { RolloutDependencies } from "./ports.js";

/** By whom what Sigil begins by itself is requested. */
export const REQUESTED_BY = { name: "rollout" };

export async function situationOf(
  deps: RolloutDependencies,
  id: ImageVersionId,
  { rule, promoted }: Held,
  record: ImageVersionRecord,
  look: Look,
): Promise<Situation> {
  const targets = [
    ...new Set([
      ...targetRegionsOf(look.resource).map(({ name }) =>
        canonicalRegion(name),
      ),
      ...regionsIn(wantedBy(record)),
    ]),
  ];
  const wave = wavesOf(rule)?.[promoted];
  const regions =
    wave?.regions.filter((region) => targets.includes(region)) ??
    rule.regions ??
    targets;
  const versionId = formatImageVersionId(id);
  const last = operationIdOf(record);
  const [results, tests, operation] = await Promise.all([
    resultsOf(deps.results, versionId, look),
    testsOf(deps, id, regions, look),
    deps.imageVersions.store.readOperation(last),
  ]);
  const refusal = refusalIn(operation, "PromoteImageVersion");
  const undone = refusalIn(operation, "DemoteImageVersion");
  const turn = wave && (await turnOf(deps, wave, promoted, record, look));
  return {
    regions,
    names:
      wave === undefined ? (rule.results ?? [MACHINE_TEST]) : testsIn(wave),
    results,
    ...(!isFinal(record.state) && { operationId: last }),
    unready: regions.filter((name) => !areReady(look, [name])),
    tests,
    ...(refusal !== undefined && { refusal }),
    ...(undone !== undefined && {
      undoing: {
        message: undone,
        endTime: operation?.endTime ?? "",
        isCanceled: operation?.status === "Canceled",
      },
    }),
    ...(wave && turn && { wave: waveOf(rule, promoted, turn) }),
  };
}

/** Tests that have to pass in a wave's regions. */
function testsIn({ after, results }: Wave): readonly string[] {
  return results ?? (after === "tested" ? [MACHINE_TEST] : []);
}

function waveOf(
  rule: PromotionRule,
  promoted: number,
  turn: Pick<WaveSituation, "isManual" | "notBefore">,
): WaveSituation {
  return {
    number: promoted + 1,
    gates: (wavesOf(rule) ?? []).map((wave) => ({
      regions: wave.regions,
      names: testsIn(wave),
    })),
    rollsBack: rule.onFailure === "rollBack" && promoted > 0,
    ...turn,
  };
}

/** When the wave's turn comes, beside its tests. */
async function turnOf(
  deps: RolloutDependencies,
  { after }: Wave,
  promoted: number,
  record: ImageVersionRecord,
  look: Look,
): Promise<Pick<WaveSituation, "isManual" | "notBefore">> {
  if (after === "manual") return { isManual: true };
  if (after === "tested") return {};
  const before =
    promoted === 0 ? look.publishedDate : await promotedTime(deps, record);
  const since = before ?? deps.imageVersions.now().toISOString();
  return {
    notBefore: new Date(
      Date.parse(since) + after.minutes * 60_000,
    ).toISOString(),
  };
}

/** When the version was promoted last, in whichever wave. */
async function promotedTime(
  { imageVersions: { store } }: RolloutDependencies,
  { key, lastSequence }: ImageVersionRecord,
): Promise<string | undefined> {
  for (
    let sequence = lastSequence;
    sequence > Math.max(0, lastSequence - MOST_PROMOTIONS_BACK);
    sequence -= 1
  ) {
    const operation = await store.readOperation(
      operationIdOf({ key, sequence }),
    );
    if (
      operation?.kind === "PromoteImageVersion" &&
      operation.status === "Succeeded"
    )
      return operation.endTime;
  }
  return undefined;
}

/** How many operations back the last promotion is looked for: another is as likely as not to have come between. */
const MOST_PROMOTIONS_BACK = 50;

function refusalIn(
  operation: OperationRecord | undefined,
  kind: OperationRecord["kind"],
): string | undefined {
  if (
    operation?.kind !== kind ||
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
    // Those of another wave say nothing of this one.
    if (
      operation.requestedBy.name === REQUESTED_BY.name &&
      (operation.tests ?? []).some(({ name }) => regions.includes(name))
    )
      own.push(operation);
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
