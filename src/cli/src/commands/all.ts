import type { Command } from "../command.js";
import { APPLY } from "./applying.js";
import { EVENT_COMMANDS } from "./events.js";
import { IMAGE_VERSION_COMMANDS } from "./image-version.js";
import { KEY_COMMANDS } from "./key.js";
import { FREEZE_COMMANDS } from "./freezing.js";
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
  ...FREEZE_COMMANDS,
  ...RETENTION_COMMANDS,
  ...SUBSCRIPTION_COMMANDS,
  ...ENCRYPTION_SET_COMMANDS,
  ...KEY_COMMANDS,
  ...REJECTED_COMMANDS,
  APPLY,
  STATUS,
  OPEN,
  ...OWN_COMMANDS,
];

/** The subject of each group of commands. */
export const GROUPS: Readonly<Record<string, string>> = {
  "image-version": "Image versions of an Azure Compute Gallery",
  gallery: "Azure Compute Galleries",
  "image-definition": "Image definitions of an Azure Compute Gallery",
  operation: "Operations: requests, their progress and results",
  events: "Events that Sigil publishes",
  "test-result": "Test results of image versions",
  "test-profile": "Test profiles of image definitions",
  freeze: "Freezes: until when no version comes into latest",
  retention: "Retention policies: which versions Sigil deletes automatically",
  subscription: "Preparation of subscriptions for image versions",
  "encryption-set": "Disk encryption sets",
  key: "Keys of image versions",
  rejected: "Rejected requests from Service Bus",
};
