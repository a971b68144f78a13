import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { REFUSALS, type Refusal } from "../../../src/azure/arm/refusals.js";
import { ALL_RULES } from "../../../src/image-version/rules/rules.js";
import type { RuleFinding } from "../../../src/image-version/rules/rule.js";
import { patternOf } from "../../support/azure-words.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { idOf, startInProcess, type InProcess } from "../../support/dependencies.js";
import { Trial, type Ask } from "../../support/trial.js";
import type { Case } from "./plan-cases/case.js";
import { REQUESTS } from "./plan-cases/requests.js";
import { PLACES } from "./plan-cases/places.js";
import { SOURCES } from "./plan-cases/sources.js";
import { KEYS } from "./plan-cases/keys.js";
import { SUBSCRIPTIONS } from "./plan-cases/subscriptions.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

const ALL = [...REQUESTS, ...PLACES, ...SOURCES, ...KEYS, ...SUBSCRIPTIONS];
let trials = 0;
/** The refusals that the simulator has given, word for word. */
const met = new Set<Refusal>();

/** The codes with which Azure refuses, at once or through the operation; none: it makes the version. Its words are noted. */
async function refusalOf({ id, body }: Ask): Promise<readonly string[]> {
  const version = idOf(id);
  const { resourceManager } = world.deps;
  let url: string | undefined;
  try {
    url = await resourceManager.putImageVersion(version, canonicalForm(body));
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable) throw error;
    error.findings.forEach(({ message }) => note(message));
    return error.findings.map((finding) => finding.code);
  }
  world.clock.advance(10 * 60_000);
  const made = await resourceManager.getImageVersion(version);
  if (made?.provisioningState === "Succeeded") return [];
  expect(made?.provisioningState).toBe("Failed");
  const reason = await resourceManager.getOperationError(url ?? "");
  note(reason?.message ?? "");
  return [reason?.code ?? "no reason"];
}

/** `Azure says InvalidParameter: …`, as a refusal is told. */
function note(told: string): void {
  const message = told.replace(/^(?:Azure says )?[A-Za-z]+: /u, "");
  for (const row of REFUSALS)
    if (row.words?.some(([text]) => patternOf(text).test(message))) met.add(row);
}

async function errorsOf({ id, body }: Ask): Promise<readonly RuleFinding[]> {
  const { findings } = await planImageVersion(world.deps, { id: idOf(id), body });
  return findings.filter(({ severity }) => severity === "error");
}

async function judge({ ask, codes = [], stricter, azureSays, mended }: Case): Promise<void> {
  trials += 1;
  const trial = new Trial(world.simulator.control, trials, async (made) =>
    expect(await refusalOf(made)).toEqual([]),
  );
  try {
    const asked = await ask(trial);
    const errors = await errorsOf(asked);
    expect(errors.map(({ code }) => code).sort(), JSON.stringify(errors)).toEqual(
      [...codes].sort(),
    );
    const refusal = await refusalOf(asked);
    if (codes.length === 0 || stricter !== undefined) expect(refusal, "Azure makes it").toEqual([]);
    // Azure stops at the first mistake that it meets; the plan has told that one, under the same code.
    else
      expect(
        azureSays === undefined ? codes : [azureSays],
        `Azure says ${refusal.join()}`,
      ).toContain(refusal[0]);
    if (mended === undefined) return;
    const { id, body } = await mended(trial);
    // Azure may have made the first, where the plan is the stricter.
    const better = { id: id.replace(/0$/u, "1"), body };
    expect(await errorsOf(better), "mended").toEqual([]);
    expect(await refusalOf(better), "mended").toEqual([]);
  } finally {
    await trial.end();
  }
}

describe("what a plan lets pass, Azure makes; what it stops, Azure refuses", () => {
  test.each(ALL)("$name", (oneCase) => judge(oneCase));
});

test("whatever a plan refuses is mended by its case", () => {
  expect(
    ALL.flatMap(({ name, codes, mended }) =>
      codes !== undefined && mended === undefined ? [name] : [],
    ),
  ).toEqual([]);
});

test("there are cases both ways, and few in which the plan is the stricter", () => {
  expect(ALL.length).toBeGreaterThanOrEqual(60);
  expect(ALL.filter(({ codes }) => codes === undefined).length).toBeGreaterThan(15);
  expect(ALL.filter(({ stricter }) => stricter !== undefined)).toHaveLength(2);
});

test("each refusal that a rule foresees is met by a case, in Azure's own words", () => {
  const foreseen = REFUSALS.filter(
    ({ words = [], code, unforeseen }) =>
      words.length > 0 &&
      unforeseen === undefined &&
      ALL_RULES.some((rule) => rule.code === code && rule.severity === "error"),
  );
  expect(foreseen.filter((row) => !met.has(row)).map(({ words }) => words)).toEqual([]);
});
