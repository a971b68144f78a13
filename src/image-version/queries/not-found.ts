import { ServiceError } from "../../errors.js";
import {
  formatImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";

export function notFound(id: ImageVersionId): ServiceError {
  return new ServiceError(
    "NotFound",
    `There is no image version ${formatImageVersionId(id)}: Azure has none, and none was requested from Sigil.`,
  );
}
