import { afterAll } from "vitest";

declare global {
  var __stryker__: { activeMutant?: string | undefined };
}

// No mutant is active while the next file's modules are evaluated: they are kept for the mutants that follow.
afterAll(() => {
  globalThis.__stryker__.activeMutant = undefined;
});
