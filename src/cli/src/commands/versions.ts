/** Shared by the commands for versions. */
import {
  ConflictError,
  imageVersionPath,
  NotFoundError,
  type Operation,
  type Schemas,
} from "@sigil/client";
import { toAz } from "../az/shape.js";
import type { Context, Result } from "../command.js";
import { follow } from "../following.js";
import type { Option } from "../options.js";
import type { Column } from "../output.js";
import { accepted } from "./operation-columns.js";
import { versionIn } from "./places.js";

type ImageVersion = Schemas["ImageVersion"];

type AzVersion = ReturnType<typeof toAz>;

/** The columns of az's table of versions, and which version is the latest. */
export const VERSION_COLUMNS: readonly Column[] = [
  { title: "Name", of: ({ name }: AzVersion) => name },
  {
    title: "ProvisioningState",
    of: (each: AzVersion) => each.provisioningState,
  },
  {
    title: "TargetRegions",
    of: ({ publishingProfile }: AzVersion) =>
      publishingProfile?.targetRegions?.map(({ name }) => name),
  },
  {
    title: "ReplicationState",
    of: ({ replicationStatus }: AzVersion) => replicationStatus?.aggregatedState,
  },
  {
    title: "Latest",
    of: ({ sigil }: AzVersion) => (sigil.latest ? "yes" : ""),
  },
  { title: "LatestIn", of: ({ sigil }: AzVersion) => sigil.latestIn },
  { title: "Keys", of: ({ sigil }: AzVersion) => sigil.keys?.state },
  {
    title: "Conditions",
    of: ({ sigil }: AzVersion) => sigil.conditions?.map(({ type }) => type),
  },
];

export const SAMPLE =
  "-g MyResourceGroup --gallery-name MyGallery --gallery-image-definition MyImage";

export const NO_PLAN: Option = {
  names: ["--no-plan"],
  kind: "flag",
  help: "Skip the plan. Sigil then finds errors only right before it creates the version.",
};

/** The result of an operation on a version. */
export async function ended(context: Context, begun: Operation): Promise<Result> {
  const operation = await follow(context, begun);
  if (context.values.boolean("--no-wait")) return accepted(operation);
  const path = imageVersionPath(operation.resourceId);
  if (path === undefined) return { data: operation };
  const { body } = await context.client.call("getImageVersion", { path });
  return { data: toAz(body) };
}

export async function versionNow(context: Context): Promise<ImageVersion> {
  const { body } = await context.client.call("getImageVersion", {
    path: versionIn(context),
  });
  return body;
}

export async function versionOrNothing(context: Context): Promise<ImageVersion | undefined> {
  try {
    return await versionNow(context);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/**
 * The operation that creates or restores a version that Azure does not show yet; undefined for any
 * other error.
 */
export function pendingOperation(error: unknown): string | undefined {
  if (!(error instanceof ConflictError)) return undefined;
  const { existingOperationId } = error.problem as {
    readonly existingOperationId?: string;
  };
  return existingOperationId;
}

export function ifMatch({ values }: Context): { "If-Match"?: string } {
  const etag = values.text("--if-match");
  return etag === undefined ? {} : { "If-Match": etag };
}
