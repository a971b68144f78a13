import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { planRollback, rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { idOf, TRACEPARENT } from "../../support/dependencies.js";
import { KEY, startGuarded, type Guarded } from "./support.js";

const KEY_READ = "Microsoft.KeyVault/vaults/keys/versions/read";
let world: Guarded;
beforeAll(async () => {
  world = await startGuarded();
});
afterAll(() => world.close());
afterEach(async () => {
  await world.simulator.control.allowAction({ action: KEY_READ });
  world.simulator.control.clearFaults();
  await world.setKey({});
  await world.run();
});

const command = (versionId: string) => ({
  id: idOf(versionId),
  requestedBy: { appId: "test" },
  traceparent: TRACEPARENT,
  allowNoLatest: true,
});
const promote = (versionId: string) => promoteImageVersion(world.deps, command(versionId));
const atRisk = {
  code: "KeyAtRisk",
  retryable: false,
  message: expect.stringContaining("KeyDisabled in westus") as string,
  findings: [
    {
      code: "KeyDisabled",
      severity: "error",
      remediation: expect.stringContaining("--enabled true") as string,
    },
  ],
};

/** A version of an image definition of its own, and a key that is known to be disabled. */
async function atRiskVersion(): Promise<string> {
  const id = `${await world.define()}/versions/1.0.0`;
  await world.publish(id);
  await world.setKey({ enabled: false });
  await world.run();
  return id;
}

describe("a version whose keys break now", () => {
  test("is not promoted, and told why and what to do; once that is mended it is, without another run", async () => {
    const id = await atRiskVersion();
    await expect(promote(id)).rejects.toMatchObject(atRisk);
    await world.setKey({});
    await promote(id);
    expect(await world.finish(id)).toMatchObject({
      kind: "PromoteImageVersion",
      status: "Succeeded",
    });
  });

  test("is not promoted where Azure cannot be asked again, or may not be", async () => {
    const id = await atRiskVersion();
    await world.setKey({});
    await world.simulator.control.denyAction({ action: KEY_READ, scope: KEY });
    await expect(promote(id)).rejects.toMatchObject(atRisk);
    await world.simulator.control.allowAction({ action: KEY_READ });
    world.simulator.control.addFault({
      path: "vaults/keys-westus/",
      status: 503,
    });
    await expect(promote(id)).rejects.toMatchObject(atRisk);
  });

  test("is told alone, where it is promoted already, and demoted at any time", async () => {
    const id = `${await world.define()}/versions/1.0.0`;
    await world.publish(id);
    const promotion = await promote(id);
    await world.finish(id);
    await world.setKey({ enabled: false });
    await world.run();
    expect((await promote(id)).id).toBe(promotion.id);
    await demoteImageVersion(world.deps, command(id));
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    await expect(promote(id)).rejects.toMatchObject(atRisk);
  });
});

test("a key that expires soon holds nothing back", async () => {
  const id = `${await world.define()}/versions/1.0.0`;
  await world.publish(id);
  await world.setKey({ exp: world.clock.now() / 1_000 + 86_400 });
  await world.run();
  await promote(id);
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
});

test("a rollback leads away from a version in any case, and warns of the keys of the other", async () => {
  const image = await world.define();
  for (const number of ["1.0.0", "1.0.1"]) {
    await world.publish(`${image}/versions/${number}`);
    if (number === "1.0.1") {
      await promote(`${image}/versions/${number}`);
      await world.finish(`${image}/versions/${number}`);
    }
  }
  await world.setKey({ enabled: false });
  await world.run();
  const { versionName: _, ...definition } = idOf(`${image}/versions/1.0.0`);
  const target = { image: definition, to: "1.0.0" };
  const warnings = [{ code: "KeyDisabled", severity: "warning" }];
  expect(await planRollback(world.deps, target)).toMatchObject({ warnings });
  const { requestedBy, traceparent } = command(`${image}/versions/1.0.0`);
  const operation = await rollBackImage(world.deps, {
    ...target,
    requestedBy,
    traceparent,
  });
  for (let i = 0; i < 40; i += 1) {
    await world.runDue();
    world.clock.advance(30_000);
  }
  expect((await world.deps.store.readOperation(operation.id))?.operation).toMatchObject({
    status: "Succeeded",
    warnings,
  });
});

test("where nobody looks after keys, nothing is asked and nothing refused", async () => {
  const id = await atRiskVersion();
  const { keyGuardian: _, ...deps } = world.deps;
  await promoteImageVersion(deps, command(id));
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
});
