// Runs a compiled program of a stand-in, which it compiles first: `node packages/run.mjs local-stack/dist/start --ephemeral`.
// What was compiled last answers --help and a wrong option by itself, at once.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const [folder, ...args] = process.argv.slice(2);
const module = (name) => new URL(`./${folder}/${name}.js`, import.meta.url);

if (!(await onlyAnswers()) && !compile()) process.exit(1);
process.argv.splice(2, Infinity, fileURLToPath(module("main")), ...args);
await import("./node/run.mjs"); // in a process of its own: this one has modules that may have been compiled anew

async function onlyAnswers() {
  try {
    const { readOptions } = await import(module("options"));
    return readOptions(args).help;
  } catch ({ name }) {
    return name === "UsageError"; // else it is not compiled yet
  }
}

function compile() {
  const npm = process.env.npm_execpath;
  console.log("Building what is to run.");
  const build = ["run", "--silent", "build"];
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...build], { stdio: "inherit" })
    : spawnSync("npm", build, { stdio: "inherit", shell: true });
  return status === 0;
}
