import { expect, test } from "vitest";
import { inOrderOf } from "../../../../src/image-version/properties/order.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";

const body = (regions: readonly string[], rest: object = {}): ImageVersionRequest =>
  ({
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: regions.map((name) => ({
          name,
          encryption: { dataDiskImages: [{ lun: 0 }, { lun: 1 }] },
        })),
        ...rest,
      },
    },
  }) as unknown as ImageVersionRequest;

const regionsOf = (document: ImageVersionRequest) =>
  (document.properties.publishingProfile?.targetRegions ?? []).map(({ name }) => name);

test("regions come as the model has them, what it lacks behind in its own order", () => {
  const document = body(["uksouth", "eastus2", "northeurope", "westus"]);
  const model = body(["West US", "East US 2", "japaneast"]);
  expect(regionsOf(inOrderOf(document, model))).toEqual([
    "westus",
    "eastus2",
    "uksouth",
    "northeurope",
  ]);
  expect(regionsOf(document)[0]).toBe("uksouth"); // Nothing is changed in place.
});

test("so do the disks of a region, beside their region in the model", () => {
  const document = body(["eastus2", "westus"]);
  const model = body(["westus", "eastus2"]);
  model.properties.publishingProfile?.targetRegions?.[0]?.encryption?.dataDiskImages?.reverse();
  const ordered = inOrderOf(document, model).properties.publishingProfile?.targetRegions;
  expect(
    ordered?.map(({ name, encryption }) => [
      name,
      encryption?.dataDiskImages?.map(({ lun }) => lun),
    ]),
  ).toEqual([
    ["westus", [1, 0]],
    ["eastus2", [0, 1]],
  ]);
});

test("lists without keys, and all where the model has none, stay as they are", () => {
  const keyless = {
    properties: { securityProfile: { uefiSettings: { signatureTemplateNames: ["b", "a"] } } },
  } as unknown as ImageVersionRequest;
  const reversed = structuredClone(keyless);
  reversed.properties.securityProfile?.uefiSettings?.signatureTemplateNames?.reverse();
  expect(inOrderOf(keyless, reversed)).toEqual(keyless);
  const document = body(["uksouth", "westus"], { replicaCount: null });
  expect(inOrderOf(document, undefined)).toEqual(document);
  expect(
    inOrderOf(document, {
      properties: { publishingProfile: null },
    } as unknown as ImageVersionRequest),
  ).toEqual(document);
  expect(
    inOrderOf(document, {
      properties: { publishingProfile: { targetRegions: "westus" } },
    } as unknown as ImageVersionRequest),
  ).toEqual(document);
});
