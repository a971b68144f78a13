/** A version that is Failed in a gallery with soft delete: "it can't be deleted", as Microsoft's page on soft delete says. */
import { beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { forecastImageVersion } from "../../../src/image-version/commands/forecast.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedResource } from "../../support/requests.js";
import { disableSoftDelete, enableSoftDelete } from "../../support/soft-delete.js";
import { BY, byHand, ended, inAzure, outside } from "./truth/support.js";

const GALLERY = seedResource("galleries/MyGallery");
const CODE = "FailedNotSoftDeletable";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(async () => {
  await enableSoftDelete(world);
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
});

const remove = (more: object = {}): Promise<OperationRecord> =>
  deleteImageVersion(world.deps, { id: idOf(id), ...BY, ...more });

const deletes = (): number => world.simulator.control.countRequests({ method: "DELETE" });

/** Made by others, and Failed. */
async function failed(): Promise<void> {
  await outside(world, "PUT", id, managedImageRequest());
  expect(await inAzure(world, id)).toMatchObject({
    properties: { provisioningState: "Failed" },
  });
  world.clock.advance(3_600_000);
}

const galleryHidden = (times: number | null = null): unknown =>
  world.simulator.control.addFault({
    method: "GET",
    path: "/galleries/MyGallery\\?",
    action: "respond",
    status: 403,
    times,
  });

describe("its deletion is refused with each way out", () => {
  beforeEach(failed);

  test("before anything is stored or sent", async () => {
    const { name } = { name: idOf(id).versionName };
    expect(await refusal(remove())).toMatchObject({
      code: CODE,
      message: naming([name, "MyGallery"]),
      findings: [
        {
          code: CODE,
          severity: "error",
          remediation: naming(
            `az resource update --ids ${GALLERY} --set properties.softDeletePolicy.isSoftDeleteEnabled=false`,
          ),
        },
      ],
    });
    expect(deletes()).toBe(0);
    await expect(world.read(id)).rejects.toThrow();
  });

  test("repaired, it is deleted softly", async () => {
    expect(await ended(world, [await byHand.retry(world, id)])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await ended(world, [await remove()])).toMatchObject([
      { status: "Succeeded", detail: { isSoftDeleteEnabled: true } },
    ]);
  });

  test("without soft delete, it is deleted", async () => {
    await disableSoftDelete(world);
    expect(await ended(world, [await remove()])).toMatchObject([
      { status: "Succeeded", detail: { isSoftDeleteEnabled: false } },
    ]);
  });

  test("with bypassSoftDelete, it is sent", async () => {
    expect(await ended(world, [await remove({ bypassSoftDelete: true })])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(deletes()).toBe(1);
  });

  test("a forecast has it among its errors, and softDelete", async () => {
    expect(await forecastImageVersion(world.deps, idOf(id), "delete")).toMatchObject({
      softDelete: { isSoftDeleteEnabled: true },
      findings: expect.arrayContaining([
        expect.objectContaining({ code: CODE, severity: "error" }),
      ]) as unknown,
    });
  });
});

describe("a deletion that is under way ends with the same code", () => {
  test("where the version turns Failed before its DELETE is sent", async () => {
    await outside(world, "PUT", id, {
      ...managedImageRequest(),
      properties: {
        ...managedImageRequest().properties,
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    });
    world.clock.advance(3_600_000);
    const deletion = await remove();
    await outside(world, "PUT", id, managedImageRequest());
    expect(await ended(world, [deletion])).toMatchObject([
      { status: "Failed", error: { code: CODE } },
    ]);
    expect(deletes()).toBe(0);
  });

  test("where the gallery could not be read: Azure's own refusal is final, and asked once", async () => {
    await failed();
    galleryHidden();
    expect(await ended(world, [await remove()])).toMatchObject([
      { status: "Failed", error: { errors: [{ code: CODE }] } },
    ]);
    expect(deletes()).toBe(1);
  });

  test("where the gallery could not be read when it was accepted", async () => {
    await failed();
    galleryHidden(1);
    expect(await ended(world, [await remove()])).toMatchObject([
      { status: "Failed", error: { code: CODE } },
    ]);
    expect(deletes()).toBe(0);
  });
});
