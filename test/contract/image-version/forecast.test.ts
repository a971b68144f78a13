/** What a promotion, a demotion or a deletion would do, and what then comes of it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { forecastImageVersion } from "../../../src/image-version/commands/forecast.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { CONSUMER, putUser } from "../../support/image-users.js";
import { latestIn } from "../../support/latest.js";
import { refusal } from "../../support/refusal.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import { body, define, EASTUS2, versionId, WESTUS } from "./rollbacks.js";

const BY = { requestedBy: { appId: "operator" }, traceparent: TRACEPARENT };

let world: InProcess;
let image: string;
beforeEach(async () => {
  world = await startInProcess({
    replicationMs: 60_000,
    consumerSubscriptions: [CONSUMER],
  });
  image = await define(world);
});
afterEach(() => world.close());

const at = (name: string) => idOf(versionId(name, image));
const forecast = (name: string, of: "promote" | "demote" | "delete") =>
  forecastImageVersion(world.deps, at(name), of);

async function put(
  name: string,
  targetRegions: (typeof WESTUS)[],
  sigil: object = {},
): Promise<void> {
  const id = versionId(name, image);
  await request(world.deps, id, { ...body({ targetRegions }), sigil });
  await world.finish(id);
}

const codes = ({ findings }: { findings: { code: string }[] }) => findings.map(({ code }) => code);

test("a version that is held back says what each region's latest becomes, and then it is so", async () => {
  await put("1.0.0", [WESTUS, EASTUS2]);
  await put("1.0.1", [WESTUS, EASTUS2], { promotion: { when: "manual" } });
  const said = await forecast("1.0.1", "promote");
  expect(said).toEqual({
    of: "promote",
    inLatest: ["westus", "eastus2"],
    regions: [
      { region: "eastus2", from: "1.0.0", to: "1.0.1" },
      { region: "westus", from: "1.0.0", to: "1.0.1" },
    ],
    findings: [],
  });
  const before = await world.read(versionId("1.0.1", image));
  expect(before.operation.kind).toBe("CreateImageVersion");
  await promoteImageVersion(world.deps, { id: at("1.0.1"), ...BY });
  await world.finish(versionId("1.0.1", image));
  for (const { region, to } of said.regions)
    expect(await latestIn(world.simulator, image, region)).toBe(to);
});

test("under waves it is the next wave alone, also the last one", async () => {
  await put("1.0.0", [WESTUS, EASTUS2]);
  const waves = [
    { regions: ["westus"], after: "manual" },
    { regions: ["East US 2"], after: "manual" },
  ];
  await put("1.0.1", [WESTUS, EASTUS2], {
    promotion: { when: "waves", waves },
  });
  expect(await forecast("1.0.1", "promote")).toMatchObject({
    wave: 1,
    inLatest: ["westus"],
    regions: [
      { region: "eastus2", from: "1.0.0", to: "1.0.0" },
      { region: "westus", from: "1.0.0", to: "1.0.1" },
    ],
  });
  await promoteImageVersion(world.deps, { id: at("1.0.1"), ...BY });
  await world.finish(versionId("1.0.1", image));
  expect(await forecast("1.0.1", "promote")).toMatchObject({
    wave: 2,
    regions: [
      { region: "eastus2", from: "1.0.0", to: "1.0.1" },
      { region: "westus", from: "1.0.1", to: "1.0.1" },
    ],
  });
});

test("what must not be the latest is none to fall back to, and is not promoted", async () => {
  await put("1.0.0", [WESTUS]);
  await put("1.0.1", [WESTUS]);
  const objections: InProcess["deps"]["objections"] = ({ versionName }) =>
    Promise.resolve(
      versionName === "1.0.0"
        ? [
            {
              code: "ImageVersionRevoked",
              pointer: "",
              message: "It was taken back.",
              remediation: "",
            },
          ]
        : [],
    );
  const deps = { ...world.deps, objections };
  expect(await forecastImageVersion(deps, at("1.0.1"), "demote")).toMatchObject({
    regions: [{ region: "westus", from: "1.0.1" }],
    findings: [{ code: "RegionWouldLoseLatest", severity: "error" }],
  });
  await demoteImageVersion(world.deps, { id: at("1.0.0"), ...BY });
  await world.finish(versionId("1.0.0", image));
  expect(await refusal(forecastImageVersion(deps, at("1.0.0"), "promote"))).toMatchObject({
    code: "ImageVersionRevoked",
  });
});

describe("what a parameter allows is an error of the forecast", () => {
  beforeEach(async () => {
    await put("1.0.0", [WESTUS]);
    await put("1.0.1", [WESTUS, EASTUS2]);
  });

  test.each(["demote", "delete"] as const)("%s: a region without a latest", async (of) => {
    const { regions, findings } = await forecast("1.0.1", of);
    expect(regions).toEqual([
      { region: "eastus2", from: "1.0.1" },
      { region: "westus", from: "1.0.1", to: "1.0.0" },
    ]);
    expect(findings.filter(({ severity }) => severity === "error").map(({ code }) => code)).toEqual(
      ["RegionWouldLoseLatest"],
    );
  });

  test("a deletion says who needs it, and that it is final", async () => {
    await putUser(world, "virtualMachineScaleSets", "front", versionId("1.0.0", image));
    const said = await forecast("1.0.0", "delete");
    expect(codes(said)).toEqual(["ImageVersionInUse", "DeletionIsFinal"]);
    expect(said.softDelete).toEqual({ isSoftDeleteEnabled: false });
  });

  test("a deletion that can be undone is not said to be final", async () => {
    await enableSoftDelete(world);
    const said = await forecast("1.0.0", "delete");
    expect(said.softDelete).toEqual({ isSoftDeleteEnabled: true });
    expect(codes(said)).not.toContain("DeletionIsFinal");
  });
});

describe("what no parameter allows is refused as the request is", () => {
  beforeEach(() => put("1.0.0", [WESTUS]));

  test("a protected version is not deleted", async () => {
    await patchImageVersion(world.deps, {
      id: at("1.0.0"),
      patch: { sigil: { protected: true } },
      validate: () => [],
      ...BY,
    });
    await world.finish(versionId("1.0.0", image));
    expect(await refusal(forecast("1.0.0", "delete"))).toMatchObject({
      code: "ImageVersionProtected",
    });
  });

  test("a version that is to be deleted is not promoted", async () => {
    await demoteImageVersion(world.deps, {
      id: at("1.0.0"),
      allowNoLatest: true,
      ...BY,
    });
    await world.finish(versionId("1.0.0", image));
    await deleteImageVersion(world.deps, { id: at("1.0.0"), ...BY });
    expect(await refusal(forecast("1.0.0", "promote"))).toMatchObject({
      code: "ImageVersionConflict",
    });
  });

  test("a version that is not there", async () => {
    expect(await refusal(forecast("9.9.9", "demote"))).toMatchObject({
      code: "NotFound",
    });
  });
});
