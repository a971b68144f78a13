import { expect, it } from "vitest";
import type { Version } from "../../../src/page/src/dialogs/action.js";
import { matrixOf } from "../../../src/page/src/image/cells.js";
import { readyText, regionStates } from "../../../src/page/src/region-state.js";

type Body = Parameters<typeof matrixOf>[0];

/** One region, once as the summary has it, and once as its version has it. */
function both(
  region: { latest?: boolean; excludeFromLatest?: boolean; state?: string },
  version: object,
  isBroken: boolean,
) {
  const known = { name: "westus", state: "Completed", progress: 40, ...region };
  const problem = { severity: "error", regions: ["westus"] };
  const summary = {
    diskEncryptionSets: ["/a"],
    keys: [{ diskEncryptionSet: 0, problems: isBroken ? [problem] : [] }],
    versions: [{ name: "1.0.0", regions: [{ ...known, diskEncryptionSets: [0] }], ...version }],
  };
  const { latest = false, excludeFromLatest = false } = region;
  const opened = {
    properties: { publishingProfile: { targetRegions: [{ name: "West US", excludeFromLatest }] } },
    sigil: {
      regions: [known],
      latestIn: latest ? ["westus"] : [],
      keys: { problems: isBroken ? [problem] : [] },
      ...version,
    },
  };
  const [row] = matrixOf(summary as unknown as Body, 0).rows;
  return [row?.cells[0], regionStates(opened as unknown as Version)[0]];
}

it.each([
  ["failed", "Failed", { state: "Failed", latest: true }, {}],
  ["replicating", "Replicating, 40 %", { state: "Replicating", latest: true }, {}],
  // What Sigil still waits for is not ready, also where Azure gives it as the latest.
  ["replicating", "Waiting", { state: "Unknown", latest: true }, { state: "Replicating" }],
  ["unseen", "Not seen yet", { state: "Unknown" }, { state: "Succeeded" }],
  ["unseen", "Not seen yet, latest", { state: "Unknown", latest: true }, {}],
  ["latest", "Ready, latest", { latest: true }, {}],
  ["ready", "Ready", {}, {}],
  ["held", "Ready, held back", { excludeFromLatest: true }, { heldBack: true }],
  ["excluded", "Ready, excluded", { excludeFromLatest: true }, {}],
  ["risk", "Ready, key at risk", {}, {}, true],
  ["risk", "Ready, latest, key at risk", { latest: true }, {}, true],
] as [string, string, Parameters<typeof both>[0], object, boolean?][])(
  "map and version say: %s, %s",
  (state, word, region, version, isBroken = false) => {
    for (const shown of both(region, version, isBroken))
      expect(shown).toMatchObject({ state, word });
  },
);

it("counts the regions that have a copy", () => {
  expect(readyText([{ state: "Completed" }, { state: "Failed" }])).toBe("1 of 2 regions ready");
});
