/** The requests for resources that are found by their tag, over the wire. */
import { expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createTaggedResources } from "../../../../src/azure/arm/tagged-resources.js";
import { onWire, refused, type WireServer } from "./wire-server.js";

let wire: WireServer;
onWire((given) => {
  wire = given;
});
const create = () => createTaggedResources(createArmClient(wire.options()));

const GROUP = {
  subscriptionId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  resourceGroupName: "ImageTests",
};
const ID = `/subscriptions/${GROUP.subscriptionId}/resourceGroups/ImageTests`;
const COMPUTE = `${ID}/providers/Microsoft.Compute`;

test("the deletion of a machine is forced, and what is not there is deleted", async () => {
  wire.reply = { status: 404, body: refused("ResourceNotFound") };
  await create().deleteResource(`${COMPUTE}/virtualMachines/sigiltest-0-1`);
  await create().deleteResource(`${COMPUTE}/disks/sigiltest-0-1-os`);
  expect(wire.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `DELETE ${COMPUTE}/virtualMachines/sigiltest-0-1?api-version=2026-04-01&forceDeletion=true`,
    `DELETE ${COMPUTE}/disks/sigiltest-0-1-os?api-version=2026-03-02`,
  ]);
});

test("resources are listed by their tag, quoted", async () => {
  wire.reply = { status: 200, body: { value: [{ id: "/a" }] } };
  expect(await create().listTagged(GROUP, "it's", "b")).toEqual(["/a"]);
  const url = new URL(wire.received[0]?.url ?? "", "https://localhost");
  expect(url.pathname).toBe(`${ID}/resources`);
  expect(url.searchParams.get("$filter")).toBe("tagName eq 'it''s' and tagValue eq 'b'");
});

test("what Sigil never creates is not asked for", async () => {
  expect(
    await create().getResource(`${ID}/providers/Microsoft.Storage/storageAccounts/a`),
  ).toBeUndefined();
  expect(wire.received).toEqual([]);
});
