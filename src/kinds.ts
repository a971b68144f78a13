import { BATCH_KIND } from "./batch/kind.js";
import { IMAGE_VERSION_KINDS, ROLLBACK_KIND } from "./image-version/index.js";
import { MACHINE_TEST_KIND } from "./machine-test/kind.js";
import type { Kinds } from "./operation/ports.js";
import { REVOCATION_KINDS } from "./revocation/kind.js";
import { PREPARATION_KIND } from "./subscription/kind.js";

/** Every kind of operation. This is the only list of them. */
export const KINDS = {
  ...IMAGE_VERSION_KINDS,
  RollBackImage: ROLLBACK_KIND,
  TestImageVersion: MACHINE_TEST_KIND,
  ...REVOCATION_KINDS,
  PrepareSubscription: PREPARATION_KIND,
  RunBatch: BATCH_KIND,
} as const satisfies Kinds;

/** The kinds that take steps: an UnrevokeImageVersion ends as it is accepted. */
export type SteppingKind = Exclude<keyof typeof KINDS, "UnrevokeImageVersion">;
