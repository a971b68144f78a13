// `npm run bench -- [--check] [files]`: with `--check` a figure that misses its goal fails the run.
import { spawnSync } from "node:child_process";

const given = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    ...["run", "--project", "bench", "--silent=false"],
    ...given.filter((one) => one !== "--check"),
  ],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      ...(given.includes("--check") && { SIGIL_BENCH_CHECK: "1" }),
    },
  },
);
process.exit(status ?? 1);
