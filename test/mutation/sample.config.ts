import { defineConfig } from "vitest/config";
import base from "../../vitest.config.js";

/** The tests of the project. Each file says what it reaches of the faults, and what is compiled is kept between processes. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    fsModuleCache: true,
    setupFiles: [...(base.test?.setupFiles ?? []), "test/mutation/covered.ts"],
  },
});
