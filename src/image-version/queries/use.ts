import type { Finding } from "../../errors.js";
import { findUsers, needsVersion, usersOf, type ImageUse } from "../../image-use/look.js";
import { namesOf } from "../../image-use/names.js";
import type { ImageUser } from "../../image-use/ports.js";
import {
  canonicalRegion,
  formatImageVersionId,
  galleryIdOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageUseView, ImageVersionRequest } from "../contract.js";
import type { Dependencies } from "../ports.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { getImageVersion } from "./get.js";

/** The most users shown of each kind. */
const MOST_SHOWN = 10;

/**
 * The users of a version. Throws ServiceError NotFound if there is no such version, and what the
 * reads throw.
 */
export async function getImageUse(deps: Dependencies, id: ImageVersionId): Promise<ImageUseView> {
  const { look, latestIn, warnings } = await getImageVersion(deps, id);
  const { names, use } = await deps.looks.once(`use of ${formatImageVersionId(id)}`, async () => {
    const gallery = await deps.resources.getGallery(galleryIdOf(id));
    const names = namesOf(id, gallery ?? {});
    return { names, use: await findUsers(deps, id.subscriptionId, names) };
  });
  const users = usersOf(use, names, latestIn);
  return viewUse(use, users, [
    ...warnings,
    ...(look === undefined ? [] : replicaAdvice(look.resource, users)),
  ]);
}

/** "For every 20 VMs that you create concurrently, we recommend you keep one replica." (Azure Compute Gallery, Scaling) */
const MACHINES_OF_A_REPLICA = 20;
/** Azure's limit in a region. */
const MOST_REPLICAS = 100;

/** How many machines are created at the same time is unknown; at most all of them. */
function replicaAdvice(
  resource: ImageVersionRequest,
  users: readonly ImageUser[],
): readonly Finding[] {
  const { replicaCount = 1, replicationMode } = resource.properties.publishingProfile ?? {};
  // Such a version has one replica, whatever was requested.
  if (replicationMode === "Shallow") return [];
  return targetRegionsOf(resource).flatMap(
    ({ name, regionalReplicaCount, additionalReplicaSets = [] }): Finding[] => {
      const region = canonicalRegion(name);
      const own = regionalReplicaCount ?? replicaCount;
      const replicas = additionalReplicaSets.reduce(
        (sum, set) => sum + (set.regionalReplicaCount ?? 1),
        own,
      );
      const machines = users.filter(
        (user) => user.kind === "machine" && user.region === region,
      ).length;
      const advised = Math.min(Math.ceil(machines / MACHINES_OF_A_REPLICA), MOST_REPLICAS);
      return advised <= replicas
        ? []
        : [
            {
              code: "FewReplicas",
              pointer: "",
              message: `In ${region} ${machines} machines were created from the version, which has ${replicas} replica${replicas === 1 ? "" : "s"} there. Microsoft advises one for every ${MACHINES_OF_A_REPLICA} machines created at the same time.`,
              severity: "warning",
              remediation: `If all of them may be created at the same time, set regionalReplicaCount of ${region} to ${own + advised - replicas}.`,
            },
          ];
    },
  );
}

/** Canonical regions where a version is the latest; undefined if that could not be read. */
export async function latestRegions(
  deps: Dependencies,
  id: ImageVersionId,
): Promise<readonly string[] | undefined> {
  const { latestIn, warnings } = await getImageVersion(deps, id);
  return warnings.some(isLatestUnknown) ? undefined : latestIn;
}

function viewUse(
  { subscriptions, notSeen, complete, needsSeen, time }: ImageUse,
  users: readonly ImageUser[],
  warnings: readonly Finding[],
): ImageUseView {
  const machines = users.filter(({ kind }) => kind === "machine");
  return {
    needed: users.some(needsVersion)
      ? "yes"
      : notSeen.length > 0 || !needsSeen || warnings.some(isLatestUnknown)
        ? "unknown"
        : "no",
    scaleSets: viewUsers(users.filter(({ kind }) => kind === "scaleSet")),
    ephemeralMachines: viewUsers(machines.filter(needsVersion)),
    machines: viewUsers(machines.filter((each) => !needsVersion(each))),
    subscriptions: [...subscriptions],
    notSeen: notSeen.map((each) => ({ ...each })),
    complete,
    time,
    warnings: [...warnings, ...(complete ? [] : [INCOMPLETE])],
  };
}

function viewUsers(users: readonly ImageUser[]): ImageUseView["machines"] {
  const regions = [...new Set(users.map(({ region }) => region))].sort();
  return {
    count: users.length,
    regions: regions.map((name) => ({
      name,
      count: users.filter(({ region }) => region === name).length,
    })),
    first: users.slice(0, MOST_SHOWN).map(({ id, region }) => ({ id, region })),
  };
}

/** Whether Sigil does not know which version machines without a version number use. */
function isLatestUnknown({ code }: Finding): boolean {
  return code === "LatestUnknown";
}

const INCOMPLETE: Finding = {
  code: "MoreUsersThanRead",
  pointer: "",
  message:
    "There are more users than Sigil reads at a time, so the counts are lower bounds. Sigil reads those that need the version first.",
  severity: "warning",
};
