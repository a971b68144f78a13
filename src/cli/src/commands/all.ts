import type { Command } from "../command.js";
import { EVENT_COMMANDS } from "./events.js";
import { IMAGE_VERSION_COMMANDS } from "./image-version.js";
import { KEY_COMMANDS } from "./key.js";
import { OPERATION_COMMANDS } from "./operation.js";
import { OPEN } from "./open.js";
import { OWN_COMMANDS } from "./own.js";
import { STATUS } from "./status.js";
import {
  ENCRYPTION_SET_COMMANDS,
  GALLERY_COMMANDS,
  IMAGE_DEFINITION_COMMANDS,
  REJECTED_COMMANDS,
  RETENTION_COMMANDS,
  SUBSCRIPTION_COMMANDS,
} from "./service.js";
import { TEST_PROFILE_COMMANDS, TEST_RESULT_COMMANDS } from "./testing.js";

export const COMMANDS: readonly Command[] = [
  ...IMAGE_VERSION_COMMANDS,
  ...GALLERY_COMMANDS,
  ...IMAGE_DEFINITION_COMMANDS,
  ...OPERATION_COMMANDS,
  ...EVENT_COMMANDS,
  ...TEST_RESULT_COMMANDS,
  ...TEST_PROFILE_COMMANDS,
  ...RETENTION_COMMANDS,
  ...SUBSCRIPTION_COMMANDS,
  ...ENCRYPTION_SET_COMMANDS,
  ...KEY_COMMANDS,
  ...REJECTED_COMMANDS,
  STATUS,
  OPEN,
  ...OWN_COMMANDS,
];

/** What a group of commands is about. */
export const GROUPS: Readonly<Record<string, string>> = {
  "image-version": "Image versions of an Azure Compute Gallery",
  gallery: "Azure Compute Galleries",
  "image-definition": "Image definitions of an Azure Compute Gallery",
  operation: "What was requested, how far it is, and how it ended",
  events: "What happens, as Sigil publishes it",
  "test-result": "What tests have found of an image version",
  "test-profile": "How the versions of an image definition are tested",
  retention: "Which versions of an image definition are deleted automatically",
  subscription: "What a subscription needs before versions can be created in it",
  "encryption-set": "The disk encryption sets to choose from",
  key: "The keys that versions have",
  rejected: "Requests by Service Bus that were rejected and are kept",
};
