// Runs a compiled program of a stand-in, which it compiles first: `node packages/run.mjs local-stack/dist/start --ephemeral`.
// What was compiled last answers --help and a wrong option by itself, at once.
import { spawnSync } from "node:child_process";

const [folder, ...args] = process.argv.slice(2);
const module = (name) =>
  new URL(`./${folder}/${name}.js`, import.meta.url).href;

if (!onlyAnswers() && !compile()) process.exit(1);
process.argv.splice(1, process.argv.length, module("main"), ...args);
await import(module("main"));

/** In a process of its own: this one must not keep modules that are compiled anew. */
function onlyAnswers() {
  const read = `import(${JSON.stringify(module("options"))}).then(
    ({ readOptions }) => readOptions(process.argv.slice(1)).help,
    () => false, // not compiled yet
  ).catch(({ name }) => name === "UsageError").then((answers) => process.exit(answers ? 0 : 1))`;
  return (
    spawnSync(process.execPath, ["--eval", read, "--", ...args]).status === 0
  );
}

function compile() {
  const npm = process.env.npm_execpath;
  const build = ["run", "--silent", "build"];
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...build], { stdio: "inherit" })
    : spawnSync("npm", build, { stdio: "inherit", shell: true });
  return status === 0;
}
