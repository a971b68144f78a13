import type { Command } from "../command.js";
import { IMAGE_VERSION_COMMANDS } from "./image-version.js";
import { OPERATION_COMMANDS } from "./operation.js";
import { OWN_COMMANDS } from "./own.js";
import {
  ENCRYPTION_SET_COMMANDS,
  REJECTED_COMMANDS,
  RETENTION_COMMANDS,
  SUBSCRIPTION_COMMANDS,
} from "./service.js";

export const COMMANDS: readonly Command[] = [
  ...IMAGE_VERSION_COMMANDS,
  ...OPERATION_COMMANDS,
  ...RETENTION_COMMANDS,
  ...SUBSCRIPTION_COMMANDS,
  ...ENCRYPTION_SET_COMMANDS,
  ...REJECTED_COMMANDS,
  ...OWN_COMMANDS,
];

/** What a group of commands is about. */
export const GROUPS: Readonly<Record<string, string>> = {
  "image-version": "Image versions of an Azure Compute Gallery",
  operation: "What was requested, how far it is, and how it ended",
  retention: "Which versions of an image definition are deleted automatically",
  subscription:
    "What a subscription needs before versions can be created in it",
  "encryption-set": "The disk encryption sets to choose from",
  rejected: "Requests by Service Bus that were rejected and are kept",
};
