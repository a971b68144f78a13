/**
 * Nothing that is in use is removed. Every version is guarded if the subscriptions of its consumers
 * are known. Invariant: a failed read is no pass.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { findUsers, needsVersion, usersOf, type ImageUse } from "../../image-use/look.js";
import { namesOf } from "../../image-use/names.js";
import type { ImageUser, UseDependencies } from "../../image-use/ports.js";
import { formatImageVersionId, galleryIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies } from "../ports.js";

/** The most users named in a refusal. */
const MOST_NAMED = 10;

export function isGuarded({
  consumerSubscriptions,
}: Pick<UseDependencies, "consumerSubscriptions">): boolean {
  return consumerSubscriptions.length > 0;
}

interface Taking {
  readonly id: ImageVersionId;
  /** Canonical regions where it is the latest; undefined: unknown. */
  readonly latestIn: readonly string[] | undefined;
  /** Canonical regions to remove; absent: all. */
  readonly regions?: readonly string[];
  /** RFC 6901: the part of the request that asks for the removal. */
  readonly pointer: string;
  /**
   * True for the last check before the write, which reads scale sets from Azure Resource Manager
   * itself.
   */
  readonly confirms?: boolean;
  /** Another way out, for the error's text. */
  readonly otherwise?: string;
}

/**
 * Findings about users that do not need it. Throws ServiceError ImageVersionInUse or UseUnknown,
 * and transient errors of the reads.
 */
export async function mustNotBeNeeded(
  deps: Pick<Dependencies, "imageUsers" | "consumerSubscriptions" | "now" | "resources">,
  {
    id,
    latestIn,
    regions,
    pointer,
    confirms,
    otherwise = "or ask an Admin to confirm with ignoreUse=true.",
  }: Taking,
): Promise<readonly Finding[]> {
  const gallery = await deps.resources.getGallery(galleryIdOf(id));
  const names = namesOf(id, gallery ?? {});
  const use = await findUsers(deps, id.subscriptionId, names, confirms);
  const users = usersOf(use, names, latestIn ?? []).filter(
    ({ region }) => regions === undefined || regions.includes(region),
  );
  const needing = users.filter(needsVersion);
  if (needing.length > 0)
    throw new ServiceError("ImageVersionInUse", inUse(id, needing), {
      findings: needing.slice(0, MOST_NAMED).map((user) => ({
        code: "ImageVersionInUse",
        pointer,
        message: `${user.kind === "scaleSet" ? "Scale set" : "Machine"} ${user.id} in ${user.region} was created from it.`,
        severity: "error",
        remediation: `Move it to another version, delete it, ${otherwise}`,
      })),
    });
  const unknown = unknownIn(use, latestIn === undefined, pointer);
  if (unknown.length > 0)
    throw new ServiceError(
      "UseUnknown",
      `Sigil could not determine whether ${formatImageVersionId(id)} is in use. Fix each cause listed under errors, ${otherwise}`,
      { findings: unknown },
    );
  return users.length === 0
    ? []
    : [
        {
          code: "MachinesRunOn",
          pointer: "",
          message: `${countsOf(users)} created from it, and will keep running.`,
          severity: "warning",
        },
      ];
}

/** One sentence: how many need it, and where. */
export function inUse(id: ImageVersionId, needing: readonly ImageUser[]): string {
  return `${formatImageVersionId(id)} is in use: ${countsOf(needing)} created from it, and cannot scale out or be reimaged without it.`;
}

/** Why Sigil does not know all users. */
export function unknownIn(
  { notSeen, needsSeen }: Pick<ImageUse, "notSeen" | "needsSeen">,
  isLatestUnknown: boolean,
  pointer: string,
): readonly Finding[] {
  const unknown = (message: string): Finding => ({
    code: "UseUnknown",
    pointer,
    message,
    severity: "error",
  });
  return [
    ...notSeen.map(({ subscriptionId, message }) =>
      unknown(`Sigil could not read subscription ${subscriptionId}: ${message}`),
    ),
    ...(needsSeen ? [] : [unknown("There are more scale sets and machines than Sigil reads.")]),
    ...(isLatestUnknown
      ? [
          unknown(
            "Sigil could not read which version is the latest, so anything created without a version number may use this one.",
          ),
        ]
      : []),
  ];
}

/** "2 scale sets (eastus2 1, westus 1) and 1 machine (westus 1) are". */
function countsOf(users: readonly ImageUser[]): string {
  const kinds = [
    ["scale set", users.filter(({ kind }) => kind === "scaleSet")],
    ["machine", users.filter(({ kind }) => kind === "machine")],
  ] as const;
  const counted = kinds
    .filter(([, each]) => each.length > 0)
    .map(([name, each]) => {
      const regions = [...new Set(each.map(({ region }) => region))].sort();
      const where = regions.map(
        (one) => `${one} ${each.filter(({ region }) => region === one).length}`,
      );
      return `${each.length} ${name}${each.length === 1 ? "" : "s"} (${where.join(", ")})`;
    });
  return `${counted.join(" and ")} ${users.length === 1 ? "is" : "are"}`;
}
