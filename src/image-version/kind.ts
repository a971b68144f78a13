import { whatToDo } from "../conditions/conditions.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import type { Steps } from "../operation/dispatch.js";
import type { Kind } from "../operation/ports.js";
import { imageIdOf, parseImageVersionId } from "../resource-id.js";
import { digestOf } from "./digest.js";
import { imageRow, placesOf, versionRow } from "../listings.js";
import type { Dependencies } from "./ports.js";
import { shownText } from "./queries/find.js";
import { takeRollbackStep } from "./rollback/take-rollback-step.js";
import type { ImageVersionOperationKind } from "./state/accepting.js";
import type { ImageVersionRecord } from "./state/record.js";
import { softDeleteIn } from "./state/deletion.js";
import { isFinal, VERSION_STATES } from "./state/states.js";
import { upgrade } from "./state/upgrade.js";
import { takeVersionStep } from "./steps/take-step.js";
import { beginCancel } from "./telling/tell.js";

const IMAGE_VERSION: Kind<ImageVersionRecord> = {
  states: VERSION_STATES,
  events: {
    failed: (_, data) => ({ type: IMAGE_VERSION_EVENT.failed, data }),
    canceled: (_, data) => ({ type: IMAGE_VERSION_EVENT.canceled, data }),
    stalled: ({ canceledBy, resourceId }, data) => ({
      type: IMAGE_VERSION_EVENT.operationStalled,
      data: {
        ...data,
        whatToDo: whatToDo(canceledBy === undefined ? "Stalled" : "Canceling", resourceId),
      },
    }),
    resumed: (data) => ({ type: IMAGE_VERSION_EVENT.operationResumed, data }),
    progress: IMAGE_VERSION_EVENT.regionReplicating,
  },
  view(operation) {
    const softDelete = softDeleteIn(operation);
    return softDelete ? { softDelete } : {};
  },
  placesOf(resourceId) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : placesOf(imageIdOf(id));
  },
  rowsOf({ id: operationId, resourceId }) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : [versionRow(imageIdOf(id), id.versionName, operationId)];
  },
  laterRowsOf({ resourceId }) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : [imageRow(imageIdOf(id))];
  },
  endedRow({ record, operation, etag }) {
    const id = parseImageVersionId(record.resourceId);
    if (id === undefined || !isFinal(record.state)) return undefined;
    const digest = digestOf(record);
    const shown = shownText(record);
    return {
      ...versionRow(imageIdOf(id), id.versionName, `${operation.id} ${etag}`),
      ...(digest && { digest: JSON.stringify(digest) }),
      ...(shown !== undefined && { shown }),
    };
  },
  upgrade,
  beginCancel,
};

/** One state machine handles all of them. */
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

/** What takes the steps of versions and image definitions. */
export function versionSteps(
  deps: Dependencies,
): Record<ImageVersionOperationKind | "RollBackImage", Steps[string]> {
  const take = takeVersionStep.bind(undefined, deps);
  return {
    CreateImageVersion: take,
    UpdateImageVersion: take,
    RetryImageVersion: take,
    PromoteImageVersion: take,
    DemoteImageVersion: take,
    DeleteImageVersion: take,
    RestoreImageVersion: take,
    RollBackImage: takeRollbackStep.bind(undefined, deps),
  };
}
