import { describe, expect, test } from "vitest";
import {
  changeAsWritten,
  findingAsWritten,
  regionNamesIn,
} from "../../../../src/image-version/properties/as-written.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";

const BODY: ImageVersionRequest = {
  location: "West US",
  tags: { "a/b": "eastus2" },
  properties: {
    publishingProfile: {
      replicaCount: 2,
      targetRegions: [
        { name: "westUS" },
        { name: "East US 2", storageAccountType: "Standard_LRS" },
      ],
    },
    storageProfile: {},
  },
};
const REQUEST = canonicalForm(BODY);
const REGION = "/properties/publishingProfile/targetRegions/1";
const NAMES = regionNamesIn(BODY);

describe("a change", () => {
  const after = (pointer: string, value: unknown): unknown =>
    changeAsWritten({ pointer, propertyChangeType: "Create", after: value }, REQUEST, BODY).after;

  test("of a region has its name as it is written, and what was filled in", () => {
    const [, region] = REQUEST.properties.publishingProfile?.targetRegions ?? [];
    expect(after(REGION, region)).toEqual({
      name: "East US 2",
      storageAccountType: "Standard_LRS",
      regionalReplicaCount: 2,
    });
  });

  test.each([
    ["/location", "westus", "West US"],
    ["/tags/a~1b", "eastus2", "eastus2"],
    // It points to the nearest place that the body has, not to the value.
    [REGION, 3, 3],
    ["/properties/nowhere/at/all", "x", "x"],
  ])("at %s to %s is to %s", (pointer, value, written) => {
    expect(after(pointer, value)).toBe(written);
  });

  test("that deletes has no new value", () => {
    const change = {
      pointer: "/location",
      propertyChangeType: "Delete",
      before: "westus",
    } as const;
    expect(changeAsWritten(change, REQUEST, BODY)).toBe(change);
  });
});

describe("a message", () => {
  const told = (message: string, pointer = REGION): string =>
    findingAsWritten({ code: "C", pointer, message }, NAMES).message;

  test.each([
    ['"eastus2" is not', '"East US 2" is not'],
    ["in westus, eastus2.", "in westUS, East US 2."],
    ["westeurope and westus3", "westeurope and westus3"],
    ["/sets/eastus2 eastus2-set x=eastus2", "/sets/eastus2 eastus2-set x=eastus2"],
  ])("%s", (message, written) => {
    expect(told(message)).toBe(written);
  });

  test("of a tag is left as it is", () => {
    expect(told('it is "eastus2"', "/tags/region")).toBe('it is "eastus2"');
  });
});
