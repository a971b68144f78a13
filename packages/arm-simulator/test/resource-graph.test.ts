import { describe, expect, test } from "vitest";
import {
  COMPUTE,
  OTHER_SUBSCRIPTION,
  startForEach,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const PATH = "/providers/Microsoft.ResourceGraph/resources";
const MACHINE = `${COMPUTE}/virtualMachines/vm1`;
const SET = `${COMPUTE}/virtualMachineScaleSets/web`;
const INSTANCE = `${SET}/virtualMachines/0`;

const reference = (id: string) => ({ imageReference: { id } });

async function putUsers(): Promise<void> {
  const { control } = h.simulator;
  await control.putResource({
    id: MACHINE,
    name: "vm1",
    type: "Microsoft.Compute/virtualMachines",
    location: "westus",
    properties: { storageProfile: reference(versionId("1.0.0")) },
  });
  await control.putResource({
    id: SET,
    name: "web",
    type: "Microsoft.Compute/virtualMachineScaleSets",
    location: "eastus2",
    properties: {
      virtualMachineProfile: { storageProfile: reference(versionId("1.0.0")) },
    },
  });
  await control.putResource({
    id: INSTANCE,
    name: "web_0",
    type: "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
    location: "eastus2",
    properties: { storageProfile: reference(versionId("0.9.0")) },
  });
}

interface Found {
  readonly totalRecords: number;
  readonly count: number;
  readonly data: readonly Record<string, unknown>[];
  readonly resultTruncated: string;
  readonly $skipToken?: string;
}

async function ask(
  query: string,
  options: Record<string, unknown> = {},
  subscriptions: readonly string[] = [SUBSCRIPTION],
) {
  const { status, body } = await h.call("POST", PATH, {
    apiVersion: "2024-04-01",
    body: {
      query,
      subscriptions,
      options: { resultFormat: "objectArray", ...options },
    },
  });
  return { status, found: body as unknown as Found, error: body["error"] };
}

const NAMES = "resources | project id, name, type | order by name asc";

test("finds machines and scale sets, and their instances in a table of their own", async () => {
  await putUsers();
  const { found } = await ask(
    "Resources | where type =~ 'Microsoft.Compute/virtualMachineScaleSets' or name == 'vm1' | extend profile = iff(type =~ 'microsoft.compute/virtualmachines', properties.storageProfile, properties.virtualMachineProfile.storageProfile) | where tolower(tostring(profile.imageReference.id)) in ('" +
      versionId("1.0.0").toLowerCase() +
      "') and isempty(profile.imageReference.exactVersion) | project id, type, location | order by type asc",
  );
  expect(found).toEqual({
    totalRecords: 2,
    count: 2,
    data: [
      {
        id: MACHINE,
        type: "microsoft.compute/virtualmachines",
        location: "westus",
      },
      {
        id: SET,
        type: "microsoft.compute/virtualmachinescalesets",
        location: "eastus2",
      },
    ],
    facets: [],
    resultTruncated: "false",
  });
  const instances = await ask("ComputeResources | project name");
  expect(instances.found.data).toEqual([{ name: "web_0" }]);
});

test("startswith regards no case", async () => {
  await putUsers();
  const { found } = await ask(
    `resources | where id startswith '${MACHINE.toUpperCase()}' | project id`,
  );
  expect(found.data).toEqual([{ id: MACHINE }]);
});

test("pages by $top and $skipToken where the query projects an id, and breaks off where not", async () => {
  await putUsers();
  const { found: first } = await ask(NAMES, { $top: 1 });
  const { found: second } = await ask(NAMES, {
    $top: 1,
    $skipToken: first.$skipToken,
  });
  expect(first.totalRecords).toBe((await ask(NAMES)).found.count);
  expect(second.data[0]?.["name"]).not.toBe(first.data[0]?.["name"]);
  const { found } = await ask("resources | project name", { $top: 1 });
  expect(found.$skipToken).toBeUndefined();
  expect(found.resultTruncated).toBe("true");
});

test("leaves out in silence what the caller may not read; 403 only where that is everything", async () => {
  await putUsers();
  const { control } = h.simulator;
  await control.denyAction({
    action: "Microsoft.Compute/virtualMachineScaleSets/read",
    scope: `/subscriptions/${SUBSCRIPTION}`,
  });
  const { found } = await ask(NAMES, {}, [SUBSCRIPTION, OTHER_SUBSCRIPTION]);
  expect(found.data.map(({ id }) => id)).toContain(MACHINE);
  expect(found.data.map(({ id }) => id)).not.toContain(SET);
  await control.denyAction({
    action: "Microsoft.Compute/virtualMachines/read",
    scope: `/subscriptions/${SUBSCRIPTION}`,
  });
  expect((await ask(NAMES)).status).toBe(403);
  expect((await ask(NAMES, {}, [OTHER_SUBSCRIPTION])).status).toBe(403);
  await control.denyAction({
    action: "Microsoft.ResourceGraph/resources/read",
    scope: "/",
  });
  expect(await ask(NAMES)).toMatchObject({
    status: 403,
    error: { code: "AuthorizationFailed" },
  });
});

test("lags behind what is made and what is deleted, for as long as it is told", async () => {
  await putUsers();
  const { control } = h.simulator;
  const shown = async () => (await ask(NAMES)).found.data.map(({ name }) => name);
  const before = await shown();
  await control.setResourceGraphLag({ ms: 60_000 });
  await control.removeResource(MACHINE);
  await h.call("PUT", `${COMPUTE}/virtualMachineScaleSets/new`, {
    body: { location: "westus", properties: {} },
  });
  expect(await shown()).toEqual(before);
  h.clock.advance(59_999);
  expect(await shown()).toEqual(before);
  h.clock.advance(1);
  const after = await shown();
  expect(after).toContain("new");
  expect(after).not.toContain("vm1");

  await control.removeResource(SET);
  expect(await shown()).toEqual(after);
  await control.setResourceGraphLag({ ms: 0 });
  expect(await shown()).not.toContain("web");
});

describe("refuses", () => {
  test.each([
    ["a query that is none", "resources | where (name == 'a'"],
    ["a string that does not end", "resources | where name == 'a"],
    ["an operator that is not here", "resources | summarize count()"],
    ["a function that is not here", "resources | where has_any(name, 'a')"],
    ["a table that is not here", "advisorresources | project id"],
  ])("%s", async (_, query) => {
    expect(await ask(query)).toMatchObject({
      status: 400,
      error: { code: "BadRequest", details: [{ code: "InvalidQuery" }] },
    });
  });

  test.each([
    ["no subscription", {}, []],
    ["more than a page has", { $top: 1_001 }, [SUBSCRIPTION]],
    ["a token of its own", { $skipToken: "x" }, [SUBSCRIPTION]],
    ["a table", { resultFormat: "table" }, [SUBSCRIPTION]],
  ])("%s", async (_, options, subscriptions) => {
    expect((await ask(NAMES, options, subscriptions)).status).toBe(400);
  });
});

test("a value is what stands between its quotes, whatever is in it", async () => {
  await h.simulator.control.putResource({
    id: `${COMPUTE}/virtualMachines/odd`,
    name: "it's \\ | or",
    type: "Microsoft.Compute/virtualMachines",
    location: "westus",
  });
  const { found } = await ask("resources | where name == 'it\\'s \\\\ | or' | project id");
  expect(found.count).toBe(1);
});
