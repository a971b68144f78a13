/** A region stands still: whoever changes latest reads which, since when, and what helps meanwhile. */
import { expect, test } from "vitest";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { forecastImageVersion } from "../../../src/image-version/commands/forecast.js";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { createSummaries } from "../../../src/image-version/queries/summaries.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { planRollback } from "../../../src/image-version/rollback/roll-back.js";
import { bansOf, banOf } from "../../../src/revocation/bans.js";
import { revocationKeyOf } from "../../../src/revocation/record.js";
import { planRevocation } from "../../../src/revocation/revoke.js";
import { idOf, revocationOf, type InProcess } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { body, commandOf, define, EASTUS2, WESTUS } from "../image-version/rollbacks.js";
import { operation, operationIn, pass, patch } from "../image-version/truth/support.js";
import { BY, REASON, Revocations } from "./support.js";

const HOUR_MS = 3_600_000;

let world: InProcess;
let image: string;
let versions: Revocations;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given) => {
  world = given;
});

const id = (number: string) => idOf(versions.id(number));
const latest = (region = "westus") => latestIn(world.simulator, image, region);

/** The latest gets a region whose copy stands still at 20 %: when it was begun, and when it last moved. */
async function stall(): Promise<readonly [begun: string, moved: string]> {
  image = await define(world);
  versions = new Revocations(world, image);
  await versions.publish("1.0.0");
  await versions.publish("1.0.1");
  await world.simulator.control.stallRegion({
    versionId: versions.id("1.0.1"),
    region: "eastus2",
    atProgress: 20,
  });
  const { properties } = body({ targetRegions: [WESTUS, EASTUS2] });
  operationIn(await patch(world, versions.id("1.0.1"), { properties }));
  await pass(world, HOUR_MS);
  const { record } = await world.read(versions.id("1.0.1"));
  const { begunTime = "?", lastProgressTime = "?" } =
    record.regions.find(({ name }) => name === "eastus2") ?? {};
  expect(Date.parse(lastProgressTime)).toBeLessThan(world.clock.now() - HOUR_MS / 2);
  return [begunTime, lastProgressTime];
}

const COMMAND = "sigil image-version create";
const helping = () => naming([COMMAND, "-r MyGallery", "--increment patch"]);

test("a revocation says it, and a higher number is the latest meanwhile", async () => {
  const still = ["eastus2", "20 %", ...(await stall())];
  const warning = {
    code: "AzureIsUpdating",
    severity: "warning",
    message: naming(still),
    remediation: helping(),
  };
  const deps = revocationOf(world.deps);
  const asked = { id: id("1.0.1"), reason: REASON, requestedBy: BY.requestedBy };
  expect((await planRevocation(deps, asked)).findings).toContainEqual(
    expect.objectContaining(warning),
  );
  const revocation = await versions.revoke("1.0.1");
  expect(revocation.warnings).toContainEqual(expect.objectContaining(warning));
  await pass(world, HOUR_MS / 6);
  const waiting = naming([...still, COMMAND, "--increment patch"]);
  const stored = await deps.revocations.read(revocationKeyOf(versions.id("1.0.1")));
  expect(stored?.operation.waitReason).toEqual(waiting);
  expect((await operation(world, { id: stored?.record.child ?? "" })).waitReason).toEqual(waiting);

  const ban = await banOf(deps.revocations, id("1.0.1"));
  const version = await getImageVersion(world.deps, id("1.0.1"));
  const { conditions } = viewImageVersion(version, world.deps.now(), {
    ...(ban && { revocation: ban }),
  }).sigil;
  const condition = conditions?.find(({ type }) => type === "Revoked");
  expect(condition).toMatchObject({ message: naming([REASON, "westus", ...still, COMMAND]) });
  const summarize = createSummaries(world.deps, () =>
    bansOf({ ...world.deps, revocations: deps.revocations }, image),
  );
  const { view } = await summarize(image);
  expect(view.versions.find(({ name }) => name === "1.0.1")?.conditions).toContainEqual(condition);

  expect(await latest()).toBe("1.0.1");
  const { resourceId } = await createNextImageVersion(world.deps, {
    image: id("1.0.1"),
    increment: "patch",
    body: body({ targetRegions: [WESTUS, EASTUS2] }),
    ...BY,
  });
  await world.finish(resourceId);
  expect(resourceId).toBe(versions.id("1.0.2"));
  expect([await latest(), await latest("eastus2")]).toEqual(["1.0.2", "1.0.2"]);
  await world.simulator.control.resumeRegion({
    versionId: versions.id("1.0.1"),
    region: "eastus2",
  });
  expect(await versions.settled("1.0.1")).toMatchObject({ status: "Succeeded" });
});

test("promote and demote say it, and their forecasts; a tag waits, and says no command", async () => {
  const still = ["eastus2", "20 %", ...(await stall())];
  const warning = expect.objectContaining({
    code: "AzureIsUpdating",
    message: naming(still),
    remediation: helping(),
  }) as unknown;
  const tagged = operationIn(await patch(world, versions.id("1.0.1"), { tags: { team: "a" } }));
  await pass(world, HOUR_MS / 6);
  const { waitReason } = await operation(world, tagged);
  expect(waitReason).toEqual(naming(still));
  expect(waitReason).not.toEqual(naming([COMMAND]));

  for (const of of ["demote", "promote"] as const)
    expect((await forecastImageVersion(world.deps, id("1.0.1"), of)).findings).toContainEqual(
      warning,
    );
  const demoted = await demoteImageVersion(world.deps, {
    id: id("1.0.1"),
    allowNoLatest: true,
    ...BY,
  });
  expect(demoted.warnings).toContainEqual(warning);
  expect((await versions.promote("1.0.1")).warnings).toContainEqual(warning);
  expect(
    (await forecastImageVersion(world.deps, id("1.0.0"), "demote")).findings,
  ).not.toContainEqual(warning);
});

test("a rollback from it is refused with the region and the command", async () => {
  const still = ["eastus2", "20 %", ...(await stall())];
  expect(await refusal(planRollback(world.deps, commandOf("1.0.0", image)))).toMatchObject({
    code: "RollbackRefused",
    findings: [
      { code: "VersionBusy", message: naming(["1.0.1", ...still]), remediation: helping() },
    ],
  });
});
