// Runs a program on a Node.js that Azure runs Sigil on: `node packages/node/run.mjs docs/pictures.mjs`.
import "./exec-path.mjs";
import { spawn } from "node:child_process";

const child = spawn(process.execPath, process.argv.slice(2), {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
