import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import type { Kind } from "../operation/ports.js";
import { imageIdOf, parseImageVersionId } from "../resource-id.js";
import { imageRow, placesOf, versionRow } from "./listings.js";
import type { ImageVersionOperationKind } from "./state/accepting.js";
import { startNext } from "./state/batch.js";
import { beginCancel } from "./state/cancel.js";
import { migrated } from "./state/migration.js";
import type { ImageVersionRecord } from "./state/record.js";
import { VERSION_STATES } from "./state/states.js";

const IMAGE_VERSION: Kind<ImageVersionRecord> = {
  states: VERSION_STATES,
  events: {
    failed: (_, data) => ({ type: IMAGE_VERSION_EVENT.failed, data }),
    canceled: (_, data) => ({ type: IMAGE_VERSION_EVENT.canceled, data }),
    stalled: (data) => ({ type: IMAGE_VERSION_EVENT.operationStalled, data }),
    resumed: (data) => ({ type: IMAGE_VERSION_EVENT.operationResumed, data }),
    progress: IMAGE_VERSION_EVENT.regionReplicating,
  },
  migrate: migrated,
  placesOf(resourceId) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : placesOf(imageIdOf(id));
  },
  rowsOf({ id: operationId, resourceId }) {
    const id = parseImageVersionId(resourceId);
    return id === undefined
      ? []
      : [versionRow(imageIdOf(id), id.versionName, operationId)];
  },
  laterRowsOf({ resourceId }) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : [imageRow(imageIdOf(id))];
  },
  afterEnd: startNext,
  beginCancel,
};

/** One state machine does them all. */
export const IMAGE_VERSION_KINDS: Readonly<
  Record<ImageVersionOperationKind, Kind<ImageVersionRecord>>
> = {
  CreateImageVersion: IMAGE_VERSION,
  UpdateImageVersion: IMAGE_VERSION,
  RetryImageVersion: IMAGE_VERSION,
  PromoteImageVersion: IMAGE_VERSION,
  DemoteImageVersion: IMAGE_VERSION,
  DeleteImageVersion: IMAGE_VERSION,
  RestoreImageVersion: IMAGE_VERSION,
};
