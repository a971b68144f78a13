/** An operation that asks for a promotion rule is done once Azure has the version in latest, and says so where that never comes. */
import { expect, test } from "vitest";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  managedImageRequest,
  seedResource,
} from "../../../support/requests.js";
import {
  BY,
  ended,
  made,
  operation,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  shownIn,
} from "./support.js";

const HOME = [{ name: "westus" }];
const TWO_REGIONS = [...HOME, { name: "eastus2" }];
const THREE_REGIONS = [...TWO_REGIONS, { name: "eastus" }];
const OUT = { publishing: { excludeFromLatest: true } };
const FOR_ALL: PromotionRule = { when: "allRegionsReady" };
const FOR_EASTUS2: PromotionRule = { when: "regions", regions: ["eastus2"] };

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const isExcluded = async (): Promise<boolean | undefined> =>
  (await shownIn(world, id)).properties.publishingProfile.excludeFromLatest;

const ask = async (
  regions: Parameters<typeof plain>[0],
  promotion: PromotionRule,
): Promise<OperationRecord> =>
  operationIn(await put(world, id, plain(regions, { sigil: { promotion } })));

const addOutside = (): Promise<unknown> =>
  outside(world, "PATCH", id, {
    properties: {
      publishingProfile: {
        targetRegions: TWO_REGIONS,
        excludeFromLatest: true,
      },
    },
  });

const stalls = (region: string): Promise<unknown> =>
  world.simulator.control.stallRegion({
    versionId: id,
    region,
    atProgress: 20,
  });

const goesOn = (region: string): Promise<unknown> =>
  world.simulator.control.resumeRegion({ versionId: id, region });

const failure = (region: string): object => ({
  status: "Failed",
  error: {
    code: "ReplicationFailed",
    message: expect.stringContaining(`waits for ${region}`) as string,
    errors: [{ code: "RegionFailed", pointer: "/sigil/promotion" }],
  },
});

/** One asks for the rule; a second adds a region, which Azure takes while the first's regions replicate. */
async function withAnothersRegion(): Promise<
  readonly [OperationRecord, OperationRecord]
> {
  await world.simulator.control.setSucceededWhen("homeRegion");
  await stalls("eastus2");
  const first = await ask(TWO_REGIONS, FOR_ALL);
  await pass(world, 900_000);
  const second = await ask(THREE_REGIONS, FOR_ALL);
  await pass(world, 60_000);
  await goesOn("eastus2");
  return [first, second];
}

test("others' region that has failed ends it, and the version stays excluded", async () => {
  await made(world, id, plain(HOME, OUT));
  await world.simulator.control.setSucceededWhen("homeRegion");
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  await addOutside();
  const ruled = await ask(HOME, FOR_ALL);
  expect(await ended(world, [ruled])).toMatchObject([failure("eastus2")]);
  expect(await isExcluded()).toBe(true);
});

test("another operation's region is waited for, and goes on to be when that operation is canceled", async () => {
  await stalls("eastus");
  const [first, second] = await withAnothersRegion();
  await pass(world, 900_000);
  expect(await operation(world, first)).toMatchObject({
    status: "Running",
    waitReason: expect.stringContaining("eastus") as string,
  });
  await cancelOperation(world.deps, second.id, BY.requestedBy);
  await goesOn("eastus");
  expect(await ended(world, [first])).toMatchObject([{ status: "Succeeded" }]);
  expect(await isExcluded()).toBe(false);
});

test("another operation's region that is lost ends both", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus",
    times: 20,
  });
  const both = await withAnothersRegion();
  expect(await ended(world, both)).toMatchObject([
    failure("eastus"),
    { status: "Failed", error: { code: "ReplicationFailed" } },
  ]);
  expect(await isExcluded()).toBe(true);
});

test.each([
  ["that was ready before", false],
  ["that others have added", true],
])("a rule for a region %s includes the version", async (_, isOthers) => {
  await made(world, id, plain(isOthers ? HOME : TWO_REGIONS, OUT));
  if (isOthers) await addOutside();
  const ruled = operationIn(
    await patch(world, id, { sigil: { promotion: FOR_EASTUS2 } }),
  );
  expect(await ended(world, [ruled])).toMatchObject([{ status: "Succeeded" }]);
  expect(await isExcluded()).toBe(false);
});

test("one that is due at once is proven before it includes the version", async () => {
  const set = seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet1");
  const { properties, ...rest } = managedImageRequest();
  const { publishingProfile } = properties;
  await made(world, id, {
    ...rest,
    properties: {
      ...properties,
      publishingProfile: { ...publishingProfile, excludeFromLatest: true },
    },
  });
  const { control } = world.simulator;
  const kept = control
    .resources()
    .find((one) => one.id.toLowerCase() === set.toLowerCase());
  if (kept === undefined) throw new Error(`there is no ${set}`);
  await control.removeResource(set);
  try {
    const ruled = operationIn(
      await patch(world, id, { sigil: { promotion: FOR_ALL } }),
    );
    expect(await ended(world, [ruled])).toMatchObject([
      {
        status: "Failed",
        error: {
          code: "PreflightFailed",
          errors: [{ code: "DiskEncryptionSetNotFound" }],
        },
      },
    ]);
    expect(await isExcluded()).toBe(true);
  } finally {
    await control.putResource(kept);
  }
});
