/** What a rollback of an image definition would change: decided by what Azure has, whoever made it. */
import { ServiceError, type Finding } from "../../errors.js";
import type { RollbackRecord } from "../../operation/records.js";
import { canonicalRegion, parseImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";
import { candidatesOf } from "../queries/get.js";
import {
  isPromoted,
  latestOf,
  usableRegions,
  type Candidate,
} from "../queries/latest.js";
import { lookAt } from "../queries/look-at.js";
import { compareVersionNumbers } from "../version-numbers.js";
import type { RollbackStep } from "./record.js";

export interface RollbackPlan {
  readonly rollback: RollbackRecord;
  readonly steps: readonly RollbackStep[];
}

/**
 * Throws ServiceError NotFound where Azure has no such image definition or version, and RollbackRefused, with every reason,
 * where the rollback would have no effect, or lead to a version that is not ready where the latest is.
 */
export async function planRollbackOf(
  deps: Dependencies,
  imageId: string,
  to: string | undefined,
): Promise<RollbackPlan> {
  const listed = await deps.resourceManager.listImageVersions(imageId);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no image definition ${imageId}.`,
    );
  const candidates = await candidatesOf(deps, imageId, listed);
  const latest = latestOf(candidates);
  const from = latest.version;
  if (from === undefined)
    throw refused(
      `No version of ${imageId} is ready and included in latest: there is nothing to roll back.`,
    );
  const needed = usableRegions(named(candidates, from));
  const target =
    to === undefined
      ? await newestReady(deps, imageId, candidates, from, needed)
      : candidates.find(({ name }) => name === to);
  if (target === undefined)
    throw to === undefined
      ? refused(
          `No other version of ${imageId} is included in latest and ready in ${needed.join(", ")}, where ${from} is the latest. Name one to roll back to: {"to": "1.0.0"}.`,
        )
      : new ServiceError(
          "NotFound",
          `Azure has no version ${to} of ${imageId}.`,
        );
  if (target.name === from)
    throw refused(
      `${from} is the latest already: the rollback would change nothing.`,
    );
  const findings = await reasonsAgainst(
    deps,
    imageId,
    candidates,
    target,
    needed,
  );
  if (findings.length > 0)
    throw refused(
      `${imageId} cannot be rolled back to ${target.name}; errors says why.`,
      findings,
    );
  const above = candidates
    .filter(
      (one) =>
        isPromoted(one) && compareVersionNumbers(one.name, target.name) > 0,
    )
    .sort((a, b) => compareVersionNumbers(a.name, b.name))
    .map(({ name }) => name);
  // The present latest last: until then no version between the two is the latest.
  const demoted = [
    ...above.filter((name) => name !== from),
    ...above.filter((name) => name === from),
  ];
  return {
    rollback: {
      from,
      to: target.name,
      regions: regionsAfter(candidates, target, demoted),
    },
    steps: [
      ...(isPromoted(target)
        ? []
        : [{ versionName: target.name, does: "promote" as const }]),
      ...demoted.map((versionName) => ({
        versionName,
        does: "demote" as const,
      })),
    ],
  };
}

function named(candidates: readonly Candidate[], name: string): Candidate {
  const found = candidates.find((one) => one.name === name);
  if (found === undefined) throw new TypeError(`${name} is not listed`);
  return found;
}

async function newestReady(
  deps: Dependencies,
  imageId: string,
  candidates: readonly Candidate[],
  from: string,
  needed: readonly string[],
): Promise<Candidate | undefined> {
  const older = candidates
    .filter(
      (one) => isPromoted(one) && compareVersionNumbers(one.name, from) < 0,
    )
    .sort((a, b) => compareVersionNumbers(b.name, a.name));
  for (const one of older.slice(0, MOST_LOOKS)) {
    const ready = await readyRegions(deps, imageId, one);
    if (needed.every((region) => ready.includes(region))) return one;
  }
  return undefined;
}

const MOST_LOOKS = 20;

/** Regions in which Azure shows the version Completed, and does not exclude it. */
async function readyRegions(
  deps: Dependencies,
  imageId: string,
  { name, resource }: Candidate,
): Promise<readonly string[]> {
  const id = parseImageVersionId(`${imageId}/versions/${name}`);
  const look = id && (await lookAt(deps, id));
  const excluded = (resource.properties.publishingProfile?.targetRegions ?? [])
    .filter(({ excludeFromLatest }) => excludeFromLatest === true)
    .map((region) => canonicalRegion(region.name));
  return (look?.regions ?? [])
    .filter(
      (region) =>
        region.state === "Completed" && !excluded.includes(region.name),
    )
    .map((region) => region.name);
}

async function reasonsAgainst(
  deps: Dependencies,
  imageId: string,
  candidates: readonly Candidate[],
  target: Candidate,
  needed: readonly string[],
): Promise<readonly Finding[]> {
  const ready = await readyRegions(deps, imageId, target);
  const missing = needed.filter((region) => !ready.includes(region));
  // Azure changes nothing of a version that it works on: the rollback would take as long as that.
  const busy = candidates.filter(
    ({ name, provisioningState, ...one }) =>
      ["Creating", "Updating", "Deleting"].includes(provisioningState) &&
      (name === target.name ||
        (compareVersionNumbers(name, target.name) > 0 &&
          isPromoted({ name, provisioningState, ...one }))),
  );
  return [
    ...(missing.length > 0
      ? [
          {
            code: "RegionNotReady",
            pointer: "/to",
            message: `${target.name} is not ready, or excluded from latest, in ${missing.join(", ")}, where the present latest is. Choose another version, or add the regions to it first.`,
          },
        ]
      : []),
    ...busy.map(({ name, provisioningState }) => ({
      code: "VersionBusy",
      pointer: "",
      message: `Azure works on ${name} (${provisioningState}) and changes nothing of it meanwhile. Wait until it has ended, or delete ${name}.`,
    })),
  ];
}

function regionsAfter(
  candidates: readonly Candidate[],
  target: Candidate,
  demoted: readonly string[],
): RollbackRecord["regions"] {
  const before = latestOf(candidates).inRegion;
  const after = latestOf(
    candidates
      .filter(({ name }) => !demoted.includes(name))
      .map((one) => (one === target ? promoted(one) : one)),
  ).inRegion;
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

function promoted(one: Candidate): Candidate {
  const { properties } = one.resource;
  return {
    ...one,
    resource: {
      ...one.resource,
      properties: {
        ...properties,
        publishingProfile: {
          ...properties.publishingProfile,
          excludeFromLatest: false,
        },
      },
    },
  };
}

export function refused(
  message: string,
  findings: readonly Finding[] = [],
): ServiceError {
  return new ServiceError("RollbackRefused", message, { findings });
}
