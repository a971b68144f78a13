/** The requests of test machines over the wire; what comes of them is tested against the simulator (test/contract/machine-test). */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createTestMachines } from "../../../../src/azure/arm/test-machines.js";
import type { MachinePlan } from "../../../../src/machine-test/machine.js";
import { refusal } from "../../../support/refusal.js";
import { onWire, refused, type WireServer } from "./wire-server.js";

let wire: WireServer;
onWire((given) => {
  wire = given;
});
const create = () => createTestMachines(createArmClient(wire.options()));

const NAME = {
  subscriptionId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  resourceGroupName: "ImageTests",
  name: "sigiltest-0-1",
};
const GROUP = `/subscriptions/${NAME.subscriptionId}/resourceGroups/ImageTests`;
const COMPUTE = `${GROUP}/providers/Microsoft.Compute`;
const SET = `${COMPUTE}/diskEncryptionSets/os`;
const TAGS = { "sigil-operation": "o-1" };

const PLAN: MachinePlan = {
  region: "westus",
  subscriptionId: NAME.subscriptionId,
  resourceGroupName: NAME.resourceGroupName,
  subnetId: `${GROUP}/subnet`,
  size: "Standard_D2s_v5",
  imageVersionId: "/versions/1.0.0",
  osType: "Linux",
  isSpecialized: false,
  disks: [{ diskEncryptionSetId: SET }, { lun: 3 }],
  hasBootDiagnostics: true,
};

async function sent(change: Partial<MachinePlan> = {}) {
  wire.received = [];
  wire.reply = { status: 201, body: {} };
  expect(await create().createMachine(NAME, { ...PLAN, ...change }, TAGS)).toBeUndefined();
  const [request, ...others] = wire.received;
  expect(others).toEqual([]);
  return request as unknown as {
    method: string;
    url: string;
    body: { properties: Record<string, never>; [member: string]: unknown };
  };
}

test("a machine is one PUT, with all that goes with it when it is deleted", async () => {
  const { method, url, body } = await sent();
  expect(`${method} ${url}`).toBe(
    `PUT ${COMPUTE}/virtualMachines/${NAME.name}?api-version=2026-04-01`,
  );
  const { osProfile, ...properties } = body.properties as Record<string, object>;
  expect({ ...body, properties }).toEqual({
    location: "westus",
    tags: TAGS,
    properties: {
      hardwareProfile: { vmSize: "Standard_D2s_v5" },
      storageProfile: {
        imageReference: { id: "/versions/1.0.0" },
        osDisk: {
          name: `${NAME.name}-os`,
          createOption: "FromImage",
          deleteOption: "Delete",
          managedDisk: { diskEncryptionSet: { id: SET } },
        },
        dataDisks: [
          {
            lun: 3,
            name: `${NAME.name}-lun3`,
            createOption: "FromImage",
            deleteOption: "Delete",
          },
        ],
      },
      networkProfile: {
        networkApiVersion: "2022-11-01",
        networkInterfaceConfigurations: [
          {
            name: `${NAME.name}-nic`,
            tags: TAGS,
            properties: {
              primary: true,
              deleteOption: "Delete",
              ipConfigurations: [
                {
                  name: "private",
                  properties: {
                    primary: true,
                    subnet: { id: `${GROUP}/subnet` },
                  },
                },
              ],
            },
          },
        ],
      },
      diagnosticsProfile: { bootDiagnostics: { enabled: true } },
    },
  });
  expect(osProfile).toMatchObject({
    adminUsername: "sigiltest",
    linuxConfiguration: {
      disablePasswordAuthentication: true,
      ssh: {
        publicKeys: [
          {
            keyData: expect.stringMatching(
              /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5[\w+/=]+ sigiltest$/u,
            ) as string,
          },
        ],
      },
    },
  });
  expect(osProfile).not.toHaveProperty("adminPassword");
  // Another key each time.
  expect((await sent()).body.properties["osProfile"]).not.toEqual(osProfile);
});

test("Windows has a password that nobody is told; a specialized image has neither", async () => {
  const windows = await sent({ osType: "Windows" });
  expect(windows.body.properties["osProfile"]).toMatchObject({
    adminPassword: expect.stringMatching(/^[\w-]{43}aA1!$/u) as string,
  });
  const specialized = await sent({ isSpecialized: true });
  expect(specialized.body.properties).not.toHaveProperty("osProfile");
});

test("Trusted Launch, and a confidential disk with its set where that belongs", async () => {
  expect(
    (await sent({ securityType: "TrustedLaunch" })).body.properties["securityProfile"],
  ).toEqual({
    securityType: "TrustedLaunch",
    uefiSettings: { secureBootEnabled: true, vTpmEnabled: true },
  });
  const { body } = await sent({
    securityType: "ConfidentialVM",
    disks: [{ confidential: "DiskWithVMGuestState", diskEncryptionSetId: SET }],
  });
  expect(body.properties).toMatchObject({
    securityProfile: { securityType: "ConfidentialVM" },
    storageProfile: {
      osDisk: {
        managedDisk: {
          securityProfile: {
            securityEncryptionType: "DiskWithVMGuestState",
            diskEncryptionSet: { id: SET },
          },
        },
      },
      dataDisks: [],
    },
  });
});

test("a purchase plan is the machine's plan", async () => {
  const plan = { name: "n", publisher: "p", product: "o" };
  expect((await sent({ purchasePlan: plan })).body["plan"]).toEqual(plan);
});

describe("the answer to a machine's PUT", () => {
  const put = () => create().createMachine(NAME, { ...PLAN, osType: "Windows" }, TAGS);

  test.each([
    [409, "SkuNotAvailable"],
    [409, "OperationNotAllowed"],
    [400, "InvalidParameter"],
    [403, "RequestDisallowedByPolicy"],
  ])("%i %s is a refusal in Azure's words", async (status, code) => {
    wire.reply = { status, body: refused(code, "Not here.") };
    expect(await put()).toEqual({ code, message: "Not here." });
  });

  test("412 is a machine that is there: it is left as it is", async () => {
    wire.reply = { status: 412, body: refused("PreconditionFailed") };
    expect(await put()).toBeUndefined();
  });

  test.each([
    [403, "AuthorizationFailed", "ResourceManagerForbidden"],
    [429, "TooManyRequests", "ResourceManagerThrottled"],
    [409, "Conflict", "ResourceManagerBusy"],
    [500, "InternalServerError", "ResourceManagerUnavailable"],
  ])("%i %s is %s", async (status, code, expected) => {
    wire.reply = { status, body: refused(code) };
    expect(await refusal(put())).toMatchObject({ code: expected });
  });

  test("none: no error holds the password", async () => {
    wire.reply = "hangs up";
    const error = await refusal(create().createMachine(NAME, { ...PLAN, osType: "Windows" }, TAGS));
    expect(error).toMatchObject({ code: "ResourceManagerUnavailable" });
    const { body } = wire.received[0] as {
      body: { properties: { osProfile: { adminPassword: string } } };
    };
    expect(body.properties.osProfile.adminPassword).toBeTruthy();
    expect(inspect(error, { depth: 10 })).not.toContain(body.properties.osProfile.adminPassword);
  });
});

test("a deletion is forced, and a machine that is not there is deleted", async () => {
  wire.reply = { status: 404, body: refused("ResourceNotFound") };
  await create().deleteMachine(NAME);
  expect(wire.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `DELETE ${COMPUTE}/virtualMachines/${NAME.name}?api-version=2026-04-01&forceDeletion=true`,
  ]);
});

test("a serial log is read without our token, and an error does not say where", async () => {
  let status = 200;
  wire.reply = ({ method }) =>
    method === "POST"
      ? {
          status: 200,
          body: { serialConsoleLogBlobUri: `${wire.endpoint}/log?sig=secret` },
        }
      : { status, body: "the log" };
  expect(await create().getSerialLog(NAME)).toBe("the log");
  expect(
    wire.received.map(({ method, authorization }) => [method, authorization === undefined]),
  ).toEqual([
    ["POST", false],
    ["GET", true],
  ]);
  status = 404;
  expect(await create().getSerialLog(NAME)).toBeUndefined();
  status = 500;
  const error = await refusal(create().getSerialLog(NAME));
  expect(inspect(error, { depth: 10 })).not.toContain("secret");
});
