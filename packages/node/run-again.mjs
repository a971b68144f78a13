// Importing this restarts the process on a Node.js version that Azure runs Sigil on, if it was started on another one.
import "./exec-path.mjs";
import { spawnSync } from "node:child_process";

if (process.execPath !== process.argv[0]) {
  const again = [...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(process.execPath, again, { stdio: "inherit" });
  process.exit(status ?? 1);
}
