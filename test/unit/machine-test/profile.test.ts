import { expect, test } from "vitest";
import type { TestProfileBody } from "../../../src/machine-test/contract.js";
import { placesOf, profileOf } from "../../../src/machine-test/profile.js";
import { viewTestProfile } from "../../../src/machine-test/test-profile.js";
import { seedResource } from "../../support/requests.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");
const SUBSCRIPTION = IMAGE.split("/").slice(0, 3).join("/");
const subnet = (of = SUBSCRIPTION): string =>
  `${of}/resourceGroups/ImageTests/providers/Microsoft.Network/virtualNetworks/tests/subnets/machines`;
const TIME = new Date("2026-01-01T00:00:00.000Z");

/** As it comes out of validation, which fills in nothing. */
function body(more: object = {}): TestProfileBody {
  return {
    machineSize: "Standard_D2s_v5",
    resourceGroupName: "ImageTests",
    regions: [{ name: "West US", subnetId: `${subnet()}/` }],
    proof: { kind: "agentReady" },
    ...more,
  } as TestProfileBody;
}

const profile = (more?: object) => profileOf(IMAGE, body(more), { appId: "admin" }, TIME);

test("a profile has every default filled in, and regions in one spelling", () => {
  expect(profile()).toEqual({
    findings: [],
    profile: {
      imageId: IMAGE,
      machineSize: "Standard_D2s_v5",
      resourceGroupName: "ImageTests",
      regions: [{ name: "westus", subnetId: subnet() }],
      proof: { kind: "agentReady" },
      startMinutes: 20,
      proofMinutes: 10,
      concurrency: 4,
      keepFailedMinutes: 0,
      setBy: { appId: "admin" },
      setTime: TIME.toISOString(),
    },
  });
});

test("a region has the profile's machine size and resource group, or its own", () => {
  const { profile: two } = profile({
    regions: [
      { name: "westus", subnetId: subnet() },
      {
        name: "East US",
        subnetId: subnet(),
        machineSize: "Standard_D2ps_v5",
        resourceGroupName: "Others",
      },
    ],
  });
  expect(placesOf(two)).toEqual([
    {
      region: "westus",
      subnetId: subnet(),
      machineSize: "Standard_D2s_v5",
      resourceGroupName: "ImageTests",
    },
    {
      region: "eastus",
      subnetId: subnet(),
      machineSize: "Standard_D2ps_v5",
      resourceGroupName: "Others",
    },
  ]);
});

test.each([
  [
    {
      regions: [
        { name: "westus", subnetId: subnet() },
        { name: "West US", subnetId: subnet() },
      ],
    },
    ["DuplicateRegion /regions/1/name"],
  ],
  [{ regions: [{ name: "westus", subnetId: IMAGE }] }, ["SubnetId /regions/0/subnetId"]],
  [
    {
      regions: [
        {
          name: "westus",
          subnetId: subnet("/subscriptions/99999999-9999-9999-9999-999999999999"),
        },
      ],
    },
    ["SubnetSubscription /regions/0/subnetId"],
  ],
  [{ proof: { kind: "serialLog" } }, ["MissingProperty /proof/text"]],
  [
    { proof: { kind: "runCommand", text: "login:" } },
    ["UnusedProperty /proof/text", "MissingProperty /proof/script"],
  ],
  [{ proof: { kind: "agentReady", script: "true" } }, ["UnusedProperty /proof/script"]],
])("what a schema cannot say is found: %j", (more, expected) => {
  expect(profile(more).findings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual(expected);
});

test("a script is shown to administrators alone", () => {
  const { profile: scripted } = profile({
    proof: { kind: "runCommand", script: "systemctl is-system-running" },
  });
  expect(viewTestProfile(scripted, true).proof).toEqual({
    kind: "runCommand",
    script: "systemctl is-system-running",
  });
  expect(viewTestProfile(scripted, false).proof).toEqual({
    kind: "runCommand",
  });
});
