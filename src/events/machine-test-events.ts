import type { EventType } from "./documented-event.js";

/**
 * Event types of the tests of an image version on machines. Past tense: each reports a fact that is
 * already stored.
 */
export const MACHINE_TEST_EVENT = {
  requested: "Sigil.ImageVersion.TestRequested",
  regionTested: "Sigil.ImageVersion.RegionTested",
  tested: "Sigil.ImageVersion.Tested",
  failed: "Sigil.ImageVersion.TestFailed",
  canceled: "Sigil.ImageVersion.TestCanceled",
  machineLeft: "Sigil.ImageVersion.TestMachineLeft",
} as const satisfies Record<string, EventType>;
