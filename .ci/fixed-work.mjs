/** The same work on every machine, in the manner of the tests: objects, text, promises. `cpu-seconds` measures with it. */
import { createHash } from "node:crypto";

const ROUNDS = 1500;

for (let round = 0; round < ROUNDS; round++) {
  const rows = Array.from({ length: 400 }, (_, at) => ({
    name: `row-${(at * 7919) % 400}`,
    regions: ["westeurope", "northeurope"].map((region) => ({ region, state: at % 3 })),
  }));
  const copy = structuredClone(JSON.parse(JSON.stringify(rows)));
  const named = new Map(copy.map((row) => [row.name, row]));
  const text = [...named.keys()].sort((one, other) => one.localeCompare(other)).join("\n");
  createHash("sha256")
    .update(text.replaceAll(/row-(\d+)/gu, "$1"))
    .digest();
  await Promise.all(copy.map(async (row) => await row.regions[0]));
}
