/**
 * Writers try to bring versions past the gate of their image definition, by every way into latest and by results of their own: none
 * comes through. A thousand tries in `npm run test:slow`; one that passes is shrunk, and printed with its seed and all that happened.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ServiceError } from "../../src/errors.js";
import { promoteImageVersion } from "../../src/image-version/commands/promote.js";
import { lookAfter } from "../../src/rollout/roll-out.js";
import { reportTestResult } from "../../src/test-results/report.js";
import { idOf, TRACEPARENT } from "../support/dependencies.js";
import { DOORS } from "../support/doors/latest-doors.js";
import { Estate, IMAGE, type Copy, type Seed } from "./estate.js";

const { SIGIL_MODEL_RUNS = "8", SIGIL_MODEL_SEED = "20260101" } = process.env;
/** Four tries each. */
const RUNS = Math.min(250, Number(SIGIL_MODEL_RUNS) * 4);
const SEED = SIGIL_MODEL_SEED === "random" ? Date.now() % 1_000_000 : Number(SIGIL_MODEL_SEED);

const GATED = "westus";
const SCANNER = { appId: "scanner" };
const GATES = [
  {
    images: [{ subscriptionId: "*" }],
    regions: ["West US"],
    tests: [{ name: "scan", reporters: [SCANNER] }],
  },
];
/** Numbers that are there at first, the last one of which nobody has held back, and one that is not there. */
const NAMES = ["1.0.0", "1.1.0", "1.2.0", "2.0.0"];

const copy = { excluded: undefined, readyInMs: 0 };
const seed = (excluded: boolean): Seed => ({
  excluded,
  endOfLifeDate: undefined,
  regions: { westus: copy, eastus2: copy },
});

/** Who may not report for the gate. */
const FORGERS = {
  "report passed": { appId: "writer", objectId: "writer", name: "scanner" },
  "report passed by message": { source: "scanner" },
};
const WAYS = new Map(DOORS);

const story = fc.record({
  steps: fc.array(
    fc.record({
      does: fc.constantFrom(...WAYS.keys(), ...Object.keys(FORGERS)),
      version: fc.constantFrom(...NAMES),
      rounds: fc.constantFrom(undefined, undefined, 0, 2, 5),
    }),
    { minLength: 4, maxLength: 4 },
  ),
  seed: fc.nat(),
});
type Step = (typeof story extends fc.Arbitrary<infer T> ? T : never)["steps"][number];

async function attempt(estate: Estate, { does, version }: Step): Promise<unknown> {
  const versionId = `${IMAGE}/versions/${version}`;
  if (does in FORGERS) return report(estate, versionId, FORGERS[does as keyof typeof FORGERS]);
  return WAYS.get(does)?.play(estate.deps, {
    versionId,
    regions: [GATED, "eastus2"],
    allowNoLatest: true,
    operationId: estate.operations().find((one) => !one.endTime)?.id,
  });
}

const report = ({ deps, results }: Estate, versionId: string, reportedBy: object) =>
  reportTestResult(
    { ...deps, results },
    {
      id: idOf(versionId),
      report: { name: "scan", region: GATED, result: "passed" },
      reportedBy,
      traceparent: TRACEPARENT,
    },
  );

/** What the timer of rules does. */
async function rollOut(estate: Estate): Promise<void> {
  const rollout = {
    imageVersions: estate.deps,
    machineTests: { ...estate.deps, makesMachines: false } as never,
    results: estate.results,
  };
  for (const name of NAMES)
    await lookAfter(rollout, `${IMAGE}/versions/${name}`, TRACEPARENT).catch((error: unknown) => {
      if (!(error instanceof ServiceError)) throw error;
    });
}

const included = (copies: readonly Copy[]): readonly string[] =>
  copies.flatMap(({ version, region, excluded }) =>
    excluded || region !== GATED ? [] : [version],
  );

test(
  "no Writer brings a version into latest where a gate is closed",
  { timeout: 60_000 + RUNS * 1_000 },
  async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(story, async ({ steps, seed: random }) => {
        const estate = new Estate([seed(true), seed(true), seed(false)], {
          seed: random,
          guarded: false,
          gates: GATES,
        });
        let before = included(estate.copies());
        try {
          for (const step of steps) {
            estate.say(JSON.stringify(step));
            try {
              await attempt(estate, step);
              accepted += 1;
            } catch (error) {
              if (!(error instanceof ServiceError)) throw error;
              estate.say(error.code);
              if (error.code === "GateClosed")
                expect(WAYS.get(step.does)?.gate, step.does).toBe("refuses");
            }
            for (let round = 0; round < (step.rounds ?? 40); round += 1)
              if (!(await estate.work())) break;
            await rollOut(estate);
            const now = included(estate.copies());
            expect(
              now.filter((name) => !before.includes(name)),
              "past the gate",
            ).toEqual([]);
            before = now;
          }
          await estate.settle();
          expect(
            included(estate.copies()).filter((name) => !before.includes(name)),
            "past the gate at last",
          ).toEqual([]);
        } catch (error) {
          throw new Error(`${String(error)}\n${estate.lines.join("\n")}`, {
            cause: error,
          });
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // It is no proof where everything is refused at the door.
    expect(accepted).toBeGreaterThan(RUNS);
  },
);

test("once the scanner has passed it, it is promoted", async () => {
  const estate = new Estate([seed(true), seed(true), seed(false)], {
    seed: 1,
    guarded: false,
    gates: GATES,
  });
  const id = idOf(`${IMAGE}/versions/1.0.0`);
  await report(estate, `${IMAGE}/versions/1.0.0`, SCANNER);
  await promoteImageVersion(estate.deps, {
    id,
    requestedBy: { appId: "writer" },
    traceparent: TRACEPARENT,
  });
  await estate.settle();
  expect(included(estate.copies())).toContain("1.0.0");
});
