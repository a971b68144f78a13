/** What needs a person, in one row a version: never what would be refused, or what is nobody's business. */
import { expect, test } from "vitest";
import {
  createAttention,
  createLooks,
  createSummaries,
  promoteImageVersion,
} from "../../../src/image-version/index.js";
import { bansOf } from "../../../src/revocation/bans.js";
import { revokeImageVersion } from "../../../src/revocation/revoke.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { getRollout } from "../../../src/rollout/get-rollout.js";
import { idOf, revocationOf, TRACEPARENT } from "../../support/dependencies.js";
import { seedVersionId } from "../../support/requests.js";
import { BOOT, HELD, promote, reportLater, rollouts, useRollouts } from "./support.js";

useRollouts();

const MANUAL = {
  when: "waves",
  waves: [
    { regions: ["westus"], ...BOOT },
    { regions: ["eastus2"], after: "manual", results: ["boot"] },
  ],
};

/** What a new instance answers, after as long as nothing that was read is shown again. */
async function attention() {
  rollouts.clock.advance(30_000);
  const { deps } = rollouts.world;
  const looks = createLooks(deps.resourceManager, deps.resources, deps.now);
  const given = { ...deps, looks };
  const summarize = createSummaries(
    given,
    (imageId) => bansOf({ ...deps, ...revocationOf(deps) }, imageId),
    async (version) => {
      const rollout = await getRollout(rollouts.rollout, version);
      return rollout ? { rollout } : {};
    },
  );
  return createAttention({ ...deps, versions: deps.store }, summarize)({});
}

const codes = async () => (await attention()).value.map(({ code }) => code);

test("a wave that waits for its tests needs nobody; one that waits for a person is promoted", async () => {
  await rollouts.publish(MANUAL);
  expect(await codes()).toEqual([]);
  await reportLater({});
  await rollouts.pass(15);
  await reportLater({ region: "eastus2" });
  const { value, counts, seen } = await attention();
  expect(value).toMatchObject([
    {
      severity: "warning",
      code: "WaitsForGo",
      about: { versions: [HELD] },
      whatToDo: { verb: "Promote wave 2" },
    },
  ]);
  expect(value[0]?.whatToDo.command).toMatch(/^sigil image-version promote .* -e 2\.0\.0$/u);
  expect(counts).toEqual({ error: 0, warning: 1 });
  expect(seen).toMatchObject({ versions: 2, neverVersions: 1 });
  await promote();
  expect(await codes()).toEqual([]);
});

test("a halted wave offers its results first, demote beside them, and never promote", async () => {
  await rollouts.publish(MANUAL);
  await reportLater({ result: "failed" });
  await rollouts.pass(1);
  const [row] = (await attention()).value;
  expect(row).toMatchObject({ severity: "error", code: "Halted" });
  expect(row?.whatToDo.command).toMatch(/^sigil test-result list /u);
  expect(row?.whatToDo.alternative?.command).toMatch(/^sigil image-version demote /u);
  expect(JSON.stringify(row)).not.toContain("image-version promote");
});

test("a revoked version that is the latest nowhere, and unused, is no row", async () => {
  await rollouts.publish({ when: "manual" }, seedVersionId("3.0.0"));
  await promoteNumber("3.0.0");
  await rollouts.publish({ when: "manual" }, seedVersionId("3.1.0"));
  await promoteNumber("3.1.0");
  await revokeImageVersion(revocationOf(rollouts.world.deps), {
    id: idOf(seedVersionId("3.1.0")),
    reason: "CVE-2026-1234",
    requestedBy: { appId: "responder" },
    traceparent: TRACEPARENT,
  });
  await rollouts.world.runDue();
  const { deps } = rollouts.world;
  const bans = await bansOf({ ...deps, ...revocationOf(deps) }, imageIdOf(idOf(HELD)));
  expect([...bans.keys()]).toEqual(["3.1.0"]);
  expect(await codes()).toEqual([]);
});

async function promoteNumber(number: string): Promise<void> {
  await promoteImageVersion(rollouts.world.deps, {
    id: idOf(seedVersionId(number)),
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
  });
  await rollouts.world.finish(seedVersionId(number));
}
