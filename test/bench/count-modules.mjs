// Loads an app as the Functions worker does and prints how many modules are loaded then, Node.js's own, of which every process has
// some, among them: `node count-modules.mjs FOLDER`.
import { readFileSync, globSync } from "node:fs";
import Module, { registerHooks } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder] = process.argv;
const dispose = () => undefined;
const core = {
  version: "3.12.0",
  hostVersion: "4.1041.0",
  setProgrammingModel: () => undefined,
  getProgrammingModel: () => undefined,
  registerFunction: () => ({ dispose }),
  registerHook: () => ({ dispose }),
  log: () => undefined,
};
Module.prototype.require = new Proxy(Module.prototype.require, {
  apply: (target, self, args) =>
    args[0] === "@azure/functions-core" ? core : Reflect.apply(target, self, args),
});
const files = new Set();
registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) files.add(url);
    return next(url, context);
  },
});

const { main } = JSON.parse(readFileSync(path.join(folder, "package.json")));
for (const file of globSync(main, { cwd: folder }).sort())
  await import(pathToFileURL(path.join(folder, file)));
console.log(files.size + process.moduleLoadList.length);
process.exit(); // Timers of exporters would go on.
