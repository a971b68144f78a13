import { defineConfig } from "vitest/config";
import base from "../../vitest.config.js";

// What `npm run test:clients` runs; `npm test` does not ask for the tools of other languages.
const { projects: _, ...test } = base.test ?? {};

export default defineConfig({
  ...base,
  test: {
    ...test,
    include: ["test/clients/*.test.ts"],
  },
});
