import { ProblemError, type Schemas } from "@sigil/client";
import { NO_LATEST } from "../no-latest.js";
import type { Operation } from "../operations.js";
import type { ImageName } from "../routes.js";

export type Version = Schemas["ImageVersion"];
export type Condition = Schemas["Condition"];

/** What is asked for in a dialog. */
export interface ActionProps {
  /** What it has led to; undefined where it is done already. */
  readonly onAccepted: (operation: Operation | undefined) => void;
  readonly onClose: () => void;
}

export interface VersionActionProps extends ActionProps {
  readonly image: ImageName;
  readonly version: Version;
  /** As it is seen. What has changed since the dialog was opened is refused: it says what happens to what was seen then. */
  readonly etag: string;
}

export function isNoLatest(error: unknown): boolean {
  return error instanceof ProblemError && error.code === NO_LATEST;
}

export function allowNoLatest(allowed: boolean): { allowNoLatest?: true } {
  return allowed ? { allowNoLatest: true } : {};
}
