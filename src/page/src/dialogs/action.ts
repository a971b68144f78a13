import { ProblemError, type Schemas } from "@sigil/client";
import { NO_LATEST } from "../no-latest.js";
import type { Operation } from "../operations.js";
import type { ImageName } from "../routes.js";

export type Version = Schemas["ImageVersion"];
export type Condition = Schemas["Condition"];

/** The props of a dialog that sends a request. */
export interface ActionProps {
  /** Gets the operation that it started; undefined: nothing was left to do. */
  readonly onAccepted: (operation: Operation | undefined) => void;
  readonly onClose: () => void;
}

export interface VersionActionProps extends ActionProps {
  readonly image: ImageName;
  readonly version: Version;
  /**
   * The ETag of the version as shown. If it changed since the dialog opened, the request is
   * refused, because the dialog described the earlier state.
   */
  readonly etag: string;
}

export function isNoLatest(error: unknown): boolean {
  return error instanceof ProblemError && error.code === NO_LATEST;
}

export function allowNoLatest(allowed: boolean): { allowNoLatest?: true } {
  return allowed ? { allowNoLatest: true } : {};
}
