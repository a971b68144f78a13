/** A request with a promotion rule that waits for test machines which nobody can make. */
import { expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { TestDependencies } from "../../../src/machine-test/ports.js";
import { hindrancesOf } from "../../../src/rollout/hindrance.js";
import { commandOf, idOf } from "../../support/dependencies.js";
import { profileBody } from "../machine-test/support.js";
import { HELD, promote, rollouts, ruled, useRollouts } from "./support.js";
import { naming } from "../../support/naming.js";

useRollouts();

const TESTED = { when: "tested" };
const plan = async (rule: object) => {
  const { findings } = await planImageVersion(rollouts.world.deps, {
    id: idOf(HELD),
    body: ruled(rule),
  });
  return findings.filter(({ code }) => code === "NoTestMachines");
};
const put = async (rule: object, tags: Record<string, string> = {}) => {
  const answer = await putImageVersion(
    rollouts.world.deps,
    commandOf(HELD, { ...ruled(rule), tags }),
  );
  await rollouts.world.finish(HELD);
  return answer.kind === "accepted" ? (answer.operation.warnings ?? []) : [];
};
const withDeps = (change: Partial<TestDependencies>): void => {
  const machineTests = { ...rollouts.deps, ...change };
  Object.assign(rollouts.world.deps, {
    hindrancesOf: hindrancesOf.bind(undefined, machineTests),
  });
};
const removeProfile = (): void => {
  withDeps({ profiles: { read: () => Promise.resolve(undefined) } });
};

test("is warned of in a plan and when it is accepted, where the image definition has no test profile", async () => {
  expect(await plan(TESTED)).toEqual([]);
  removeProfile();
  const warning = {
    rule: "promotion",
    code: "NoTestMachines",
    severity: "warning",
    pointer: "/sigil/promotion",
    message: naming(["sigil/machine", "westus", "eastus2"]),
    remediation: expect.any(String) as string,
  };
  expect(await plan(TESTED)).toEqual([warning]);
  expect(await put(TESTED)).toEqual([warning]);
  // It waits still.
  expect(await put(TESTED, { build: "2" })).toEqual([warning]);
  await promote();
  expect(await put(TESTED, { build: "3" })).toEqual([]);
});

test("is warned of while nobody has accepted the terms of the image definition's purchase plan", async () => {
  const { control } = rollouts.simulator;
  const definition = control
    .resources()
    .find(({ id }) => id.endsWith("/galleries/MyGallery/images/MyImage"));
  if (definition === undefined) throw new Error("there is no definition");
  const terms = { publisher: "contoso", offer: "linux", plan: "9" };
  await control.putResource({
    ...definition,
    properties: {
      ...definition.properties,
      purchasePlan: { name: "9", publisher: "contoso", product: "linux" },
    },
  });
  const az = `--subscription ${LOCAL_SUBSCRIPTION_ID} --publisher contoso --offer linux --plan 9`;
  const warning = {
    rule: "promotion",
    code: "NoTestMachines",
    severity: "warning",
    pointer: "/sigil/promotion",
    message: naming(["sigil/machine", "westus", "eastus2", "plan 9", LOCAL_SUBSCRIPTION_ID]),
    remediation: naming([`az vm image terms show ${az}`, `az vm image terms accept ${az}`]),
  };
  expect(await plan(TESTED)).toEqual([warning]);
  expect(await put(TESTED)).toContainEqual(warning);
  await control.setTermsAccepted({ ...terms, accepted: true });
  expect(await plan(TESTED)).toEqual([]);
  expect(await put(TESTED, { build: "2" })).toEqual([]);
});

test("is not warned of where it names tests of others alone", async () => {
  removeProfile();
  expect(await plan({ ...TESTED, results: ["boot"] })).toEqual([]);
  expect(await put({ ...TESTED, results: ["boot"] })).toEqual([]);
});

test("is warned of for each wave that it is so for", async () => {
  await rollouts.setProfile({
    regions: profileBody().regions.filter(({ name }) => name === "westus"),
  });
  const waves = {
    when: "waves",
    waves: [
      { regions: ["westus"], after: "tested" },
      { regions: ["eastus2"], after: "tested" },
    ],
  };
  expect(await put(waves)).toMatchObject([
    {
      code: "NoTestMachines",
      pointer: "/sigil/promotion/waves/1",
      message: naming(["eastus2"]),
    },
  ]);
});

test("is warned of where the deployment makes no machines", async () => {
  withDeps({ makesMachines: false });
  expect(await put(TESTED)).toMatchObject([
    {
      code: "NoTestMachines",
      message: naming(["westus", "eastus2"]),
    },
  ]);
});
