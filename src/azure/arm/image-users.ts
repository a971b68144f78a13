import { ServiceError } from "../../errors.js";
import type { ImageNames } from "../../image-use/names.js";
import type { ImageUser, ImageUsers } from "../../image-use/ports.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import { toUnavailable, type ArmCall } from "./errors.js";
import { SharedReads } from "../../shared-reads.js";
import { readPages, urlOf, type ArmList } from "./pages.js";
import { subscriptionScope } from "./subscriptions.js";

/** From "Resources - Resources" in the REST reference of Azure Resource Graph. */
const GRAPH_API_VERSION = "2024-04-01";
/** The api-version of `virtualMachines` and `virtualMachineScaleSets` in `@azure/arm-compute`. */
const COMPUTE_API_VERSION = "2026-04-01";

/** Subscriptions in one query; Resource Graph takes 1,000. */
const MOST_SUBSCRIPTIONS = 100;
/** Records in one page; Resource Graph returns no more. */
const PAGE = 1_000;
/**
 * Pages of one query. Resource Graph allows about 15 queries in five seconds ("Guidance for
 * throttled requests in Azure Resource Graph").
 */
const MOST_PAGES = 10;

/**
 * Resource Graph lists the instances of a Uniform scale set in their own table. Those of a Flexible
 * one are virtual machines.
 */
const QUERIES = [
  {
    table: "resources",
    types: ["microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets"],
  },
  {
    table: "computeresources",
    types: ["microsoft.compute/virtualmachinescalesets/virtualmachines"],
  },
] as const;
const SCALE_SET = "microsoft.compute/virtualmachinescalesets";

/**
 * ARM refuses to list a subscription unless the caller may list all of it: "does not have
 * authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope
 * '/subscriptions/…'". Resource Graph offers no such proof.
 */
const PROOFS = ["virtualMachines", "virtualMachineScaleSets"] as const;

/** How long a proof that a subscription is readable holds. */
const KEEP_MS = 60_000;
const MOST_KEPT = 1_000;

export function createImageUsers(arm: ArmClient): ImageUsers {
  const proofs = new SharedReads<void>({
    most: MOST_KEPT,
    keepMs: KEEP_MS,
    now: arm.now,
  });
  return {
    async find(subscriptionIds, names) {
      const users: ImageUser[] = [];
      let [complete, needsSeen] = [true, true];
      for (let at = 0; at < subscriptionIds.length; at += MOST_SUBSCRIPTIONS)
        for (const { table, types } of QUERIES) {
          const found = await query(
            arm,
            subscriptionIds.slice(at, at + MOST_SUBSCRIPTIONS),
            queryFor(table, types, names),
          );
          users.push(...found.rows.map(toUser));
          complete &&= found.complete;
          needsSeen &&= found.complete || found.rows.at(-1)?.rank === 1;
        }
      return { users, complete, needsSeen };
    },

    proveReadable: (subscriptionId) =>
      proofs.once(subscriptionId.toLowerCase(), async () => {
        for (const type of PROOFS) {
          const list = listOf(subscriptionId, type);
          const url = urlOf(arm, list.path, list.apiVersion);
          const response = await arm.request(list, "GET", url);
          if (arm.bodyOf(list, response) === undefined) throw notThere(subscriptionId);
        }
      }),

    async listScaleSets(subscriptionId, { byNumber, asLatest }) {
      const sets = await readPages<WireScaleSet>(
        arm,
        listOf(subscriptionId, "virtualMachineScaleSets"),
      );
      if (sets === undefined) throw notThere(subscriptionId);
      return sets
        .map(toScaleSet)
        .filter(({ image }) => byNumber.includes(image) || asLatest.includes(image));
    },
  };
}

function listOf(subscriptionId: string, type: (typeof PROOFS)[number]): ArmList {
  const scope = subscriptionScope(subscriptionId);
  return {
    what: `the list of ${type} of subscription ${subscriptionId}`,
    action: `Microsoft.Compute/${type}/read`,
    scope,
    path: `${scope}/providers/Microsoft.Compute/${type}`,
    apiVersion: COMPUTE_API_VERSION,
  };
}

function notThere(subscriptionId: string): ServiceError {
  return new ServiceError(
    "NotFound",
    `Azure has no subscription ${subscriptionId}, or hides it from Sigil's identity.`,
  );
}

interface WireScaleSet {
  readonly id?: string;
  readonly location?: string;
  readonly properties?: {
    readonly virtualMachineProfile?: {
      readonly storageProfile?: {
        readonly imageReference?: {
          readonly id?: string;
          readonly sharedGalleryImageId?: string;
          readonly communityGalleryImageId?: string;
        } | null;
      } | null;
    } | null;
  };
}

function toScaleSet({ id, location, properties }: WireScaleSet): ImageUser {
  const reference = properties?.virtualMachineProfile?.storageProfile?.imageReference;
  return {
    id: id ?? "",
    kind: "scaleSet",
    region: canonicalRegion(location ?? ""),
    image: (
      reference?.id ??
      reference?.sharedGalleryImageId ??
      reference?.communityGalleryImageId ??
      ""
    ).toLowerCase(),
    ephemeral: false,
  };
}

interface WireAnswer {
  readonly data?: readonly WireUser[];
  readonly $skipToken?: string | null;
  readonly resultTruncated?: string;
}

interface WireUser {
  readonly id: string;
  readonly type: string;
  readonly location: string;
  readonly image: string;
  readonly exactVersion: string;
  readonly ephemeral: boolean | number;
  /** 1: the user does not need the version. */
  readonly rank: number;
}

async function query(
  arm: ArmClient,
  subscriptions: readonly string[],
  text: string,
): Promise<{ rows: readonly WireUser[]; complete: boolean }> {
  const call: ArmCall = {
    what: "the query of Azure Resource Graph",
    action: "Microsoft.ResourceGraph/resources/read",
    scope: "/",
  };
  const url = urlOf(arm, "/providers/Microsoft.ResourceGraph/resources", GRAPH_API_VERSION);
  const rows: WireUser[] = [];
  let token: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = arm.bodyOf<WireAnswer>(
      call,
      await arm.request(call, "POST", url, {
        subscriptions,
        query: text,
        options: {
          resultFormat: "objectArray",
          $top: PAGE,
          ...(token !== undefined && { $skipToken: token }),
        },
      }),
    );
    // This is not an answer from Resource Graph, so Sigil saw nothing.
    if (!Array.isArray(answer?.data)) throw toUnavailable(call.what, undefined);
    rows.push(...(answer.data as readonly WireUser[]));
    token = answer.$skipToken ?? undefined;
    if (token === undefined) return { rows, complete: answer.resultTruncated !== "true" };
  }
  return { rows, complete: false };
}

/** Sorts users that need the version first, so they are read even if there are too many to read. */
function queryFor(table: string, types: readonly string[], names: ImageNames): string {
  return [
    table,
    `where type in~ (${types.map(literal).join(", ")})`,
    `extend isSet = type =~ ${literal(SCALE_SET)}`,
    "extend profile = iff(isSet, properties.virtualMachineProfile.storageProfile, properties.storageProfile)",
    "extend image = tolower(coalesce(tostring(profile.imageReference.id), tostring(profile.imageReference.sharedGalleryImageId), tostring(profile.imageReference.communityGalleryImageId)))",
    "extend exactVersion = tostring(profile.imageReference.exactVersion)",
    "extend ephemeral = tostring(profile.osDisk.diffDiskSettings.option) =~ 'Local'",
    `where ${namedBy(names)}`,
    "extend rank = iff(isSet or ephemeral, 0, 1)",
    "project id, type, location, image, exactVersion, ephemeral, rank",
    "order by rank asc, id asc",
  ].join("\n| ");
}

/**
 * A machine created from the latest version uses the number that it got then. If every version
 * matches, a scale set uses the number that it names.
 */
function namedBy({ byNumber, asLatest, versionNames, everyNumber }: ImageNames): string {
  const isLatest = `image in (${asLatest.map(literal).join(", ")})`;
  return everyNumber === undefined
    ? `image in (${byNumber.map(literal).join(", ")}) or (${isLatest} and (isSet or exactVersion in (${["", ...versionNames].map(literal).join(", ")})))`
    : `(isSet or ephemeral) and (${everyNumber.map((each) => `image startswith ${literal(each)}`).join(" or ")} or (${isLatest} and not(isSet) and isnotempty(exactVersion)))`;
}

/**
 * A string in the Kusto query language. Resource Graph replaces `{{…}}` with a shared query,
 * wherever it stands.
 */
function literal(text: string): string {
  if (/[\p{Cc}{}]/u.test(text))
    throw new TypeError(`${JSON.stringify(text)} is no name of Azure's`);
  return `'${text.replace(/[\\']/gu, "\\$&")}'`;
}

function toUser(row: WireUser): ImageUser {
  const { id, type, location, image, exactVersion, ephemeral } = row;
  return {
    id,
    kind: type.toLowerCase() === SCALE_SET ? "scaleSet" : "machine",
    region: canonicalRegion(location),
    image,
    ...(exactVersion && { exactVersion }),
    ephemeral: ephemeral === true || ephemeral === 1,
  };
}
