import type { Command } from "../command.js";
import { APPROVE } from "./approving.js";
import { ADOPT, DELETE, RETRY, UPDATE } from "./changing.js";
import { LIST_SOFT_DELETED, PURGE, UNDELETE } from "./deleted.js";
import { MACHINE } from "./machine.js";
import { LIST, SHOW, WAIT, WATCH } from "./looking.js";
import { DEMOTE, PROMOTE, ROLL_BACK } from "./promoting.js";
import { CREATE, PLAN } from "./publishing.js";
import { QUERY } from "./query.js";
import { REVOKE, UNREVOKE } from "./revoking.js";
import { TEST } from "./testing.js";
import { DESCENDANTS } from "./descendants.js";
import { USE } from "./use.js";

export const IMAGE_VERSION_COMMANDS: readonly Command[] = [
  CREATE,
  PLAN,
  SHOW,
  LIST,
  QUERY,
  UPDATE,
  ADOPT,
  DELETE,
  LIST_SOFT_DELETED,
  UNDELETE,
  PURGE,
  WAIT,
  WATCH,
  MACHINE,
  USE,
  DESCENDANTS,
  TEST,
  PROMOTE,
  DEMOTE,
  ROLL_BACK,
  APPROVE,
  REVOKE,
  UNREVOKE,
  RETRY,
];
