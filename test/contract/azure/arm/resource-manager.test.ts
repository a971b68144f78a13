import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createResourceManager } from "../../../../src/azure/arm/resource-manager.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { ResourceManager } from "../../../../src/image-version/ports.js";
import { ARM_SCOPE, idOf, type InProcess } from "../../../support/dependencies.js";
import { startOverHttps } from "../../../support/over-https.js";
import { DELETE_EXAMPLE, GET_EXAMPLES } from "../../../support/examples.js";
import { refusal } from "../../../support/refusal.js";
import { disableSoftDelete, enableSoftDelete } from "../../../support/soft-delete.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../../../support/requests.js";
import { onWire, startWireServer, refused, type WireServer } from "./wire-server.js";
import { naming } from "../../../support/naming.js";

const id = idOf(seedVersionId("1.0.0"));

describe("against the simulator", () => {
  let world: InProcess;
  let arm: ResourceManager;
  beforeAll(async () => {
    world = await startOverHttps();
    arm = world.deps.resourceManager;
  });
  afterAll(() => world.close());

  test("a version is created by one request, and seen by another", async () => {
    world.simulator.control.clearRequests();
    const request = canonicalForm(managedImageRequest());
    const url = await arm.putImageVersion(id, request);
    expect(url).toContain(world.armOptions.endpoint);
    expect(world.simulator.control.requests()).toHaveLength(1);
    expect(await arm.getImageVersion(id)).toBeDefined();
    expect(world.simulator.control.requests()).toHaveLength(2);
  });

  test("what was deleted softly is listed with ARM's times, and is restored as it was", async () => {
    await enableSoftDelete(world, { retentionPeriodInDays: 3 });
    const image = seedResource("galleries/MyGallery/images/MyImage");
    const softly = idOf(seedVersionId("5.0.0"));
    expect(await arm.listDeletedVersions(image)).toEqual([]);
    expect(await arm.listDeletedVersions(`${image}None`)).toBeUndefined();
    await arm.putImageVersion(softly, canonicalForm(managedImageRequest()));
    world.clock.advance(3_600_000);
    const before = await arm.getImageVersion(softly);
    await arm.deleteImageVersion(softly);
    world.clock.advance(3_600_000);
    expect(await arm.getImageVersion(softly)).toBeUndefined();
    const [deleted] = (await arm.listDeletedVersions(image)) ?? [];
    const { softDeletedTime = "" } = deleted ?? {};
    const end = new Date(Date.parse(softDeletedTime) + 3 * 86_400_000).toISOString();
    expect(deleted).toEqual({
      name: "5.0.0",
      location: "westus",
      softDeletedTime,
      consumptionEndTime: end,
      hardDeletionTargetTime: end,
    });
    expect(await arm.restoreImageVersion(softly, "westus")).toContain(world.armOptions.endpoint);
    world.clock.advance(3_600_000);
    expect(await arm.getImageVersion(softly)).toEqual(before);
    expect(await arm.listDeletedVersions(image)).toEqual([]);
    expect(await refusal(arm.restoreImageVersion(softly, "westus"))).toMatchObject({
      code: "ResourceManagerBusy",
    });
    await arm.deleteImageVersion(softly, { bypassSoftDelete: true });
    world.clock.advance(3_600_000);
    expect(await arm.getImageVersion(softly)).toBeUndefined();
    expect(await arm.listDeletedVersions(image)).toEqual([]);
    await disableSoftDelete(world);
  });

  test("what a preview says is where the simulator finds the create request", async () => {
    const previewed = idOf(seedVersionId("4.0.0"));
    const request = canonicalForm(managedImageRequest());
    world.simulator.control.clearRequests();
    const preview = await arm.previewPut(previewed, request);
    expect(world.simulator.control.requests()).toEqual([]);
    await arm.putImageVersion(previewed, request);
    const [sent] = world.simulator.control.requests();
    expect(preview).toMatchObject({
      method: sent?.method,
      url: `${world.armOptions.endpoint}${sent?.path}${sent?.query}`,
    });
  });

  test("the documents name the api-version that is sent", async () => {
    const { url } = await world.deps.resourceManager.previewPut(
      idOf(seedVersionId("1.0.0")),
      canonicalForm(managedImageRequest()),
    );
    const sent = new URL(url).searchParams.get("api-version") ?? "none";
    const openapi = readFileSync("openapi/openapi.yaml", "utf8");
    const named = openapi.match(/Sigil speaks [\d-]+|api-version=[\d-]+/gu);
    expect(new Set(named?.map((one) => one.replace(/^.*[ =]/u, "")))).toEqual(new Set([sent]));
    expect(readFileSync("docs/reference/rules.md", "utf8")).toContain(
      `Sigil speaks api-version ${sent} of galleries`,
    );
  });

  test("a Hyper-V generation that the operation refuses has the code of the rule for it", async () => {
    await world.simulator.control.putResource({
      id: seedResource("images/generationOne"),
      name: "generationOne",
      type: "Microsoft.Compute/images",
      location: "westus",
      properties: {
        provisioningState: "Succeeded",
        hyperVGeneration: "V1",
        storageProfile: {
          osDisk: { osType: "Linux", osState: "Generalized" },
          dataDisks: [{ lun: 0 }],
        },
      },
    });
    const base = managedImageRequest();
    const url = await arm.putImageVersion(
      idOf(seedVersionId("5.0.0")),
      canonicalForm({
        ...base,
        properties: {
          ...base.properties,
          storageProfile: {
            source: { id: seedResource("images/generationOne") },
          },
        },
      }),
    );
    world.clock.advance(60 * 60_000);
    await arm.getImageVersion(idOf(seedVersionId("5.0.0")));
    expect(await arm.getOperationError(url ?? "")).toEqual({
      code: "HyperVGenerationMismatch",
      message: expect.stringMatching(
        /^Conflict: The resource with id .* Hypervisor generation \['V1'\]/u,
      ) as string,
    });
  });

  test("every set that the identity may not read is told, with the role it needs there", async () => {
    const action = "Microsoft.Compute/diskEncryptionSets/read";
    const scopes = ["WestUSDiskEncryptionSet1", "EastUS2DiskEncryptionSet2"].map((name) =>
      seedResource(`diskEncryptionSets/${name}`),
    );
    const { control } = world.simulator;
    for (const scope of scopes) await control.denyAction({ action, scope });
    const error = await refusal(
      arm.putImageVersion(idOf(seedVersionId("6.0.0")), canonicalForm(managedImageRequest())),
    );
    await control.allowAction({ action });
    expect(error).toMatchObject({
      code: "ResourceManagerForbidden",
      retryable: false,
      fields: { action, scope: scopes[0] },
    });
    expect(error.findings.map(({ remediation }) => remediation)).toEqual(
      scopes.map((scope) =>
        naming(
          `az role assignment create --assignee {Sigil's identity} --role "Reader" --scope ${scope}`,
        ),
      ),
    );
  });

  test("a version that ARM refuses is a terminal error with ARM's code, words and field", async () => {
    const body = managedImageRequest();
    const error = await refusal(
      arm.putImageVersion(idOf(seedVersionId("2.0.0")), {
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            targetRegions: [seedRegion("westus", "WestUS"), seedRegion("eastus", "EastUS2")],
          },
        },
      }),
    );
    expect(error).toMatchObject({
      code: "ResourceManagerRefused",
      retryable: false,
    });
    expect(error.findings).toEqual([
      {
        code: "DiskEncryptionSetInOtherRegion",
        pointer:
          "/properties/publishingProfile/targetRegions/1/encryption/osDiskImage/diskEncryptionSetId",
        message: expect.stringMatching(
          /^Azure says InvalidParameter: .*EastUS2DiskEncryptionSet1' is in region 'eastus2'/u,
        ) as string,
        severity: "error",
        remediation: expect.stringMatching(/./u) as unknown,
      },
    ]);
  });

  test("an identity that gets no token delays the call and ends nothing", async () => {
    const without = createResourceManager(
      createArmClient({
        endpoint: world.armOptions.endpoint,
        scope: ARM_SCOPE,
        credential: {
          getToken: () => Promise.reject(new Error("no identity endpoint")),
        },
        timeoutMs: 60_000,
        now: world.deps.now,
      }),
    );
    expect(await refusal(without.getImageVersion(id))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryable: true,
      message: naming(["1.0.0"]),
    });
  });
});

describe("over the wire", () => {
  let wire: WireServer;
  let arm: ResourceManager;
  onWire((given) => {
    wire = given;
    arm = createResourceManager(createArmClient(wire.options()));
  });

  test("versions are listed page by page, from Azure's own address alone, with its defaults", async () => {
    wire.reply = ({ url }) => ({
      status: 200,
      body: url.includes("skiptoken")
        ? { value: [{ name: "1.0.1" }, {}] }
        : {
            value: [
              {
                name: "1.0.0",
                properties: {
                  provisioningState: "Succeeded",
                  publishingProfile: { publishedDate: "2026-01-01T00:00:00Z" },
                },
              },
            ],
            nextLink: "https://elsewhere.example/?$skiptoken=next",
          },
    });
    const image = seedResource("galleries/MyGallery/images/MyImage");
    expect(await arm.listImageVersions(image)).toMatchObject([
      {
        name: "1.0.0",
        provisioningState: "Succeeded",
        publishedDate: "2026-01-01T00:00:00Z",
      },
      {
        name: "1.0.1",
        provisioningState: "Unknown",
        resource: { properties: {} },
      },
    ]);
    expect(wire.received.map(({ method, url }) => `${method} ${url}`)).toEqual(
      ["", "&$skiptoken=next"].map((rest) => `GET ${image}/versions?api-version=2026-03-03${rest}`),
    );
  });

  test("a list that breaks off is no list, and no definition is no empty list", async () => {
    wire.reply = ({ url }) =>
      url.includes("next")
        ? { status: 503 }
        : {
            status: 200,
            body: {
              value: [{ name: "1.0.0" }],
              nextLink: `${wire.endpoint}/x?$skiptoken=next`,
            },
          };
    const image = seedResource("galleries/MyGallery/images/MyImage");
    expect((await refusal(arm.listImageVersions(image))).code).toBe("ResourceManagerUnavailable");
    wire.reply = { status: 404 };
    expect(await arm.listImageVersions(image)).toBeUndefined();
  });

  test("a create request carries every property that can be written, unchanged", async () => {
    const key = { type: "x509" as const, value: ["AAAA", "BBBB"] };
    const encryption = seedRegion("westus", "WestUS").encryption ?? {};
    const request: ImageVersionRequest = canonicalForm({
      location: "westus",
      tags: { team: "images", empty: "" },
      properties: {
        restore: true,
        publishingProfile: {
          targetRegions: [
            {
              name: "westus",
              regionalReplicaCount: 2,
              storageAccountType: "Premium_LRS",
              excludeFromLatest: true,
              additionalReplicaSets: [
                {
                  regionalReplicaCount: 1,
                  storageAccountType: "PremiumV2_LRS",
                },
              ],
              encryption: {
                dataDiskImages: [
                  {
                    lun: 0,
                    securityProfile: {
                      confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
                      secureVMDiskEncryptionSetId: seedResource(
                        "diskEncryptionSets/WestUSConfidentialEncryptionSet",
                      ),
                    },
                  },
                ],
                osDiskImage: {
                  ...encryption.osDiskImage,
                  securityProfile: {
                    confidentialVMEncryptionType: "EncryptedWithCmk",
                    secureVMDiskEncryptionSetId: seedResource(
                      "diskEncryptionSets/WestUSConfidentialEncryptionSet",
                    ),
                  },
                },
              },
            },
          ],
          targetExtendedLocations: [
            {
              name: "westus",
              extendedLocation: { name: "losangeles", type: "EdgeZone" },
              extendedLocationReplicaCount: 1,
              storageAccountType: "StandardSSD_LRS",
              encryption,
            },
          ],
          replicaCount: 3,
          excludeFromLatest: true,
          endOfLifeDate: "2030-01-01T00:00:00.000Z",
          storageAccountStrategy: "PreferStandard_ZRS",
          replicationMode: "Shallow",
        },
        storageProfile: {
          source: {
            id: seedResource("images/myImage"),
            virtualMachineId: seedResource("virtualMachines/myVM"),
            communityGalleryImageId: "/CommunityGalleries/g/Images/i",
          },
          osDiskImage: {
            hostCaching: "ReadOnly",
            source: {
              id: seedResource("disks/myOSDisk"),
              storageAccountId: seedResource("disks/account"),
              uri: "https://account.blob.core.windows.net/vhds/os.vhd",
            },
          },
          dataDiskImages: [
            {
              lun: 0,
              hostCaching: "ReadWrite",
              source: { id: seedResource("disks/myDataDisk") },
            },
          ],
        },
        safetyProfile: {
          allowDeletionOfReplicatedLocations: false,
          blockDeletionBeforeEndOfLife: true,
        },
        securityProfile: {
          secretsProvisioningSettings: {
            isSupported: true,
            osName: "mariner",
            components: [{ name: "AzureGuestAgent", version: "2.7.0" }],
          },
          uefiSettings: {
            signatureTemplateNames: ["MicrosoftWindowsTemplate"],
            additionalSignatures: {
              pk: key,
              kek: [key],
              db: [key],
              dbx: [key],
            },
          },
        },
      },
    });
    wire.reply = {
      status: 201,
      headers: { "Azure-AsyncOperation": `${wire.endpoint}/operations/1` },
      body: request,
    };
    expect(await arm.putImageVersion(id, request)).toBe(`${wire.endpoint}/operations/1`);
    expect(wire.received).toHaveLength(1);
    expect(wire.received[0]).toMatchObject({
      method: "PUT",
      authorization: `Bearer token-for-${ARM_SCOPE}`,
    });
    expect(wire.received[0]?.url).toMatch(
      new RegExp(
        `^${seedVersionId("1.0.0").replaceAll(".", "\\.")}\\?api-version=\\d{4}-\\d{2}-\\d{2}$`,
        "u",
      ),
    );
    expect(wire.received[0]?.body).toEqual(request);
  });

  test("an accepted create request without an operation is accepted all the same", async () => {
    wire.reply = { status: 200, body: managedImageRequest() };
    expect(await arm.putImageVersion(id, canonicalForm(managedImageRequest()))).toBeUndefined();
  });

  test("a preview is the very request that is then sent, and itself sends nothing", async () => {
    const base = managedImageRequest();
    const request = canonicalForm({
      ...base,
      tags: { team: "images" },
      properties: {
        ...base.properties,
        publishingProfile: {
          ...base.properties.publishingProfile,
          endOfLifeDate: "2030-01-01T00:00:00.000Z",
        },
      },
    });
    const getToken = vi.fn(() => Promise.reject(new Error("no token here")));
    const preview = await createResourceManager(
      createArmClient({
        ...wire.options(),
        credential: { getToken },
      }),
    ).previewPut(id, request);
    expect(wire.received).toEqual([]);
    expect(getToken).not.toHaveBeenCalled();

    await arm.putImageVersion(id, request);
    expect(preview).toEqual({
      method: wire.received[0]?.method,
      url: `${wire.endpoint}${wire.received[0]?.url}`,
      body: wire.received[0]?.body,
    });
    expect(preview.body).toMatchObject({
      location: "westus",
      properties: {
        publishingProfile: { endOfLifeDate: "2030-01-01T00:00:00.000Z" },
      },
    });
  });

  test("a call without an answer is given up, and may be tried again", async () => {
    wire.reply = undefined;
    const impatient = createResourceManager(createArmClient(wire.options(50)));
    expect(await refusal(impatient.getImageVersion(id))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryAfterMs: 10_000,
      message: naming(["1.0.0"]),
    });
  });

  test("the token is never sent to another address than ARM's", async () => {
    const other = await startWireServer();
    expect(await arm.getOperationError(`${other.endpoint}/operations/1`)).toBe(undefined);
    expect(other.received).toEqual([]);
    await other.close();
    expect(wire.received).toEqual([]);
  });

  test("an operation that has failed says why; one that is gone or has not, nothing", async () => {
    wire.reply = {
      status: 200,
      body: { status: "Failed", ...(refused("X", "Y.") as object) },
    };
    expect(await arm.getOperationError(`${wire.endpoint}/operations/1?a=b`)).toMatchObject({
      code: "X",
      message: "X: Y.",
    });
    expect(wire.received[0]).toMatchObject({
      method: "GET",
      url: "/operations/1?a=b",
      authorization: `Bearer token-for-${ARM_SCOPE}`,
    });
    wire.reply = { status: 200, body: { status: "InProgress" } };
    expect(await arm.getOperationError(`${wire.endpoint}/operations/1`)).toBeUndefined();
    wire.reply = { status: 404, body: refused("NotFound") };
    expect(await arm.getOperationError(`${wire.endpoint}/operations/1`)).toBeUndefined();
  });

  test.each(Object.entries(GET_EXAMPLES))(
    "Microsoft's example %s is shown whole, also what nobody may write",
    async (name, body) => {
      wire.reply = { status: 200, body };
      const region = { state: "Completed", progress: 100 };
      expect(await arm.getImageVersion(id)).toEqual({
        provisioningState: "Succeeded",
        publishedDate: body.properties.publishingProfile.publishedDate,
        regions: name.endsWith("ReplicationStatus")
          ? [
              { name: "westus", ...region },
              { name: "eastus", ...region },
            ]
          : [],
        resource: body,
      });
    },
  );

  test.each([
    ["", false],
    ["&bypassSoftDelete=true", true],
  ])("Microsoft's example of a DELETE%s begins its operation", async (query, bypassSoftDelete) => {
    wire.reply = DELETE_EXAMPLE;
    expect(await arm.deleteImageVersion(id, { bypassSoftDelete })).toBe(
      DELETE_EXAMPLE.headers["Azure-AsyncOperation"],
    );
    expect(wire.received).toMatchObject([
      {
        method: "DELETE",
        url: `${seedVersionId("1.0.0")}?api-version=2026-03-03${query}`,
        body: undefined,
      },
    ]);
  });

  test("a version that lacks what ARM usually shows is read as far as it goes", async () => {
    wire.reply = { status: 200, body: { location: "West US" } };
    expect(await arm.getImageVersion(id)).toMatchObject({
      provisioningState: "Unknown",
      regions: [],
    });
    wire.reply = {
      status: 200,
      body: {
        location: "West US",
        properties: {
          provisioningState: "Creating",
          replicationStatus: {
            summary: [
              { region: "East US 2" },
              {
                region: "West US",
                state: "Replicating",
                progress: 7,
                details: "Slow.",
              },
            ],
          },
        },
      },
    };
    expect((await arm.getImageVersion(id))?.regions).toEqual([
      { name: "eastus2", state: "Unknown", progress: 0 },
      { name: "westus", state: "Replicating", progress: 7, details: "Slow." },
    ]);
  });
});
