/**
 * The operation of a request that changed nothing. It is not stored: its id contains the version
 * and the time, and reading it shows the version as it is then.
 */
import { viewImageVersion, type KnownImageVersion } from "../image-version/index.js";
import { omit } from "../objects.js";
import type { OperationView } from "../operation/views.js";
import { formatImageVersionId, parseImageVersionId, type ImageVersionId } from "../resource-id.js";

/** No name contains it. */
const SEPARATOR = "~";

/** The version and time of such an operation; undefined: the id of a stored one. */
export function nothingToDoIn(
  operationId: string,
): { readonly id: ImageVersionId; readonly time: Date } | undefined {
  const [
    subscriptionId = "",
    resourceGroupName = "",
    galleryName = "",
    imageName = "",
    versionName = "",
    milliseconds,
  ] = operationId.split(SEPARATOR);
  const id = parseImageVersionId(
    formatImageVersionId({
      subscriptionId,
      resourceGroupName,
      galleryName,
      imageName,
      versionName,
    }),
  );
  return id && { id, time: new Date(Number(milliseconds)) };
}

/** It was done at `time`; regions and warnings are those of now. */
export function viewNothingToDo(version: KnownImageVersion, now: Date, time = now): OperationView {
  const { id: resourceId, sigil } = viewImageVersion(version, now);
  const { subscriptionId, resourceGroupName, galleryName } = version.id;
  const then = time.toISOString();
  return {
    id: [
      subscriptionId,
      resourceGroupName,
      galleryName,
      version.id.imageName,
      version.id.versionName,
      time.getTime(),
    ].join(SEPARATOR),
    kind: "UpdateImageVersion",
    status: "Succeeded",
    resourceId,
    percentComplete: 100,
    createdTime: then,
    endTime: then,
    lastUpdatedTime: then,
    regions: sigil.regions.map((region) => omit(region, "encryption")),
    ...(sigil.warnings && { warnings: sigil.warnings }),
    history: [
      {
        time: then,
        state: "Succeeded",
        message: "The version already is as requested.",
      },
    ],
  };
}
