// Who imports this runs again, on a Node.js that Azure runs Sigil on, where it was started on another.
import "./exec-path.mjs";
import { spawnSync } from "node:child_process";

if (process.execPath !== process.argv[0]) {
  const again = [...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(process.execPath, again, { stdio: "inherit" });
  process.exit(status ?? 1);
}
