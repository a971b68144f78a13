/** What is deployed: its size and the modules that it loads, of the unpacked zip. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, test } from "vitest";
import { unpackPackage } from "../support/package.js";
import { Stack } from "../support/stack.js";
import { report } from "./figures.js";

const unpacked = await unpackPackage();
const stack = await Stack.start({ scriptRoot: unpacked.folder });
let modules: number;
afterAll(async () => {
  await stack.close();
  await unpacked.remove();
  report("what is deployed", [
    { name: "zip", value: unpacked.zipBytes / 1e6, unit: "MB", atMost: 3 },
    {
      name: "modules loaded, Node.js's own among them",
      value: modules,
      digits: 0,
      atMost: 500,
    },
  ]);
});

test("what is deployed", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["test/bench/count-modules.mjs", unpacked.folder],
    { env: { ...process.env, ...stack.services.settings } },
  );
  modules = Number(stdout);
});
