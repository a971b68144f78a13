import { expect, test } from "vitest";
import { resourcesIn } from "../src/world.js";
import { GROUP, startForEach, SUBSCRIPTION, type Harness } from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const of = resourcesIn(SUBSCRIPTION, GROUP);
const IN_GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}`;

async function sizes(region: string) {
  const found = [];
  for await (const sku of h.client.resourceSkus.list({
    filter: `location eq '${region}'`,
  }))
    found.push(sku);
  return found;
}

async function usage(region: string, name: string) {
  for await (const one of h.client.usage.list(region)) if (one.name.value === name) return one;
  return undefined;
}

test("sizes are listed by region, with what they can do, and withheld by a control", async () => {
  const all = await sizes("westus");
  expect(all.find(({ name }) => name === "Standard_D2s_v5")).toMatchObject({
    resourceType: "virtualMachines",
    family: "standardDSv5Family",
    locations: ["westus"],
    restrictions: [],
    capabilities: expect.arrayContaining([
      { name: "vCPUs", value: "2" },
      { name: "HyperVGenerations", value: "V1,V2" },
    ]) as unknown,
  });
  expect(await sizes("nowhere")).toEqual([]);

  const { control } = h.simulator;
  await control.setMachineSize({
    region: "West US",
    size: "Standard_D2s_v5",
    restriction: "NotAvailableForSubscription",
  });
  await control.setMachineSize({
    region: "westus",
    size: "standard_b2s",
    restriction: "NotOffered",
  });
  const left = await sizes("westus");
  expect(left.map(({ name }) => name)).not.toContain("Standard_B2s");
  expect(left.find(({ name }) => name === "Standard_D2s_v5")).toMatchObject({
    restrictions: [
      {
        type: "Location",
        values: ["westus"],
        reasonCode: "NotAvailableForSubscription",
      },
    ],
  });
  expect(await sizes("eastus")).toHaveLength(all.length);
  await control.setMachineSize({
    region: "westus",
    size: "Standard_D2s_v5",
    restriction: null,
  });
  expect(
    (await sizes("westus")).find(({ name }) => name === "Standard_D2s_v5")?.restrictions,
  ).toEqual([]);
});

test("quotas are listed by region, and used by a control", async () => {
  expect(await usage("westus", "cores")).toMatchObject({
    currentValue: 0,
    limit: 100,
    name: { localizedValue: "Total Regional vCPUs" },
  });
  await h.simulator.control.setUsage({
    region: "westus",
    name: "cores",
    used: 99,
    limit: 100,
  });
  expect(await usage("westus", "cores")).toMatchObject({ currentValue: 99 });
  expect(await usage("eastus", "cores")).toMatchObject({ currentValue: 0 });
});

test("a virtual network that was put there is read with its subnets", async () => {
  const path = `${IN_GROUP}/providers/Microsoft.Network/virtualNetworks/tests`;
  expect(await h.call("GET", path)).toMatchObject({
    status: 404,
    body: { error: { code: "ResourceNotFound" } },
  });
  await h.simulator.control.putResource(of.virtualNetwork("tests", "westus", ["machines"]));
  expect(await h.call("GET", path)).toMatchObject({
    status: 200,
    body: {
      location: "westus",
      properties: { subnets: [{ name: "machines" }] },
    },
  });
});

test("terms are not accepted before they are", async () => {
  const terms = {
    publisher: "contoso",
    offer: "hardened-linux",
    plan: "9-gen2",
  };
  const path = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/Contoso/offers/hardened-linux/plans/9-gen2/agreements/current`;
  const accepted = async (): Promise<unknown> => (await h.call("GET", path)).body["properties"];
  expect(await accepted()).toMatchObject({ accepted: false });
  const { control } = h.simulator;
  await control.setTermsAccepted({ ...terms, accepted: true });
  expect(await accepted()).toMatchObject({ accepted: true });
  await control.setTermsAccepted({ ...terms, accepted: false });
  expect(await accepted()).toMatchObject({ accepted: false });
});

test("a caller is told what it may do at a scope, without what is denied there", async () => {
  const permissions = async (scope: string) =>
    h.call("GET", `${scope}/providers/Microsoft.Authorization/permissions`);
  await h.simulator.control.denyAction({
    action: "Microsoft.Compute/virtualMachines/write",
    scope: IN_GROUP,
  });
  expect(await permissions(of.id("images/myImage"))).toMatchObject({
    body: {
      value: [
        {
          actions: ["*"],
          notActions: ["Microsoft.Compute/virtualMachines/write"],
        },
      ],
    },
  });
  expect(await permissions(`/subscriptions/${SUBSCRIPTION}/resourceGroups/None`)).toMatchObject({
    status: 404,
    body: { error: { code: "ResourceGroupNotFound" } },
  });
});
