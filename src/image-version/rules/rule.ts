import type { Finding } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import type { DiskEncryptionSet, ImageSource } from "../ports.js";
import type { ImageVersionId } from "../resource-id.js";

/** A rule over the request alone: checked at the door, so that what breaks it is never accepted. */
export type RequestRule = (
  id: ImageVersionId,
  request: ImageVersionRequest,
) => readonly Finding[];

/** What was read in ARM before creation. Keys are resource ids in lower case; undefined means that ARM answered 404. */
export interface Facts {
  readonly diskEncryptionSets: ReadonlyMap<
    string,
    DiskEncryptionSet | undefined
  >;
  readonly sources: ReadonlyMap<string, ImageSource | undefined>;
}

/** A rule over the request and the facts, never over a clock or a network: checked before anything is created. */
export type FactRule = (
  id: ImageVersionId,
  request: ImageVersionRequest,
  facts: Facts,
) => readonly Finding[];

export const TARGET_REGIONS = "/properties/publishingProfile/targetRegions";
export const STORAGE_PROFILE = "/properties/storageProfile";
