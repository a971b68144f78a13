/** Snapshots of disks, over the wire. */
import { expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createSnapshots } from "../../../../src/azure/arm/snapshots.js";
import { onWire, refused, type WireServer } from "./wire-server.js";

let wire: WireServer;
onWire((given) => {
  wire = given;
});
const GROUP = "/subscriptions/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/resourceGroups/Captures";
const COMPUTE = `${GROUP}/providers/Microsoft.Compute`;
const ID = `${COMPUTE}/snapshots/one-os`;
const SET = `${COMPUTE}/diskEncryptionSets/set`;
const create = () => createSnapshots(createArmClient(wire.options()), [GROUP]);

test("a snapshot is a full copy that nobody can export, with the keys of its disk", async () => {
  await create().create({
    id: ID,
    region: "westus",
    diskId: `${COMPUTE}/disks/os`,
    encryption: { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId: SET },
    tags: { owner: "me" },
  });
  expect(wire.received).toMatchObject([{ method: "PUT", url: `${ID}?api-version=2026-03-02` }]);
  expect(wire.received[0]?.body).toEqual({
    location: "westus",
    tags: { owner: "me" },
    sku: { name: "Standard_LRS" },
    properties: {
      creationData: { createOption: "Copy", sourceResourceId: `${COMPUTE}/disks/os` },
      encryption: { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId: SET },
      networkAccessPolicy: "DenyAll",
      publicNetworkAccess: "Disabled",
    },
  });
});

test("a snapshot has its state, its tags, and a percentage where Azure names one", async () => {
  wire.reply = { status: 200, body: { properties: { provisioningState: "Updating" } } };
  expect(await create().get(ID)).toEqual({ id: ID, provisioningState: "Updating", tags: {} });
  wire.reply = {
    status: 200,
    body: {
      tags: { owner: "me" },
      properties: { provisioningState: "Succeeded", completionPercent: 40 },
    },
  };
  expect(await create().get(ID)).toEqual({
    id: ID,
    provisioningState: "Succeeded",
    completionPercent: 40,
    tags: { owner: "me" },
  });
});

test("one that is not there is undefined, and a refusal says which action it was", async () => {
  wire.reply = { status: 404, body: refused("ResourceNotFound") };
  expect(await create().get(ID)).toBeUndefined();
  wire.reply = { status: 403, body: refused("AuthorizationFailed") };
  await expect(
    create().create({ id: ID, region: "westus", diskId: `${COMPUTE}/disks/os`, tags: {} }),
  ).rejects.toMatchObject({
    code: "ResourceManagerForbidden",
    message: expect.stringContaining("Microsoft.Compute/snapshots/write") as string,
  });
});
