import { readFileSync } from "node:fs";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createResourceManager } from "../../../../src/azure/arm/resource-manager.js";
import { createResourceReader } from "../../../../src/azure/arm/resource-reader.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type {
  ResourceManager,
  ResourceReader,
} from "../../../../src/image-version/ports.js";
import {
  ARM_SCOPE,
  idOf,
  startInProcess,
  type InProcess,
} from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../../../support/requests.js";
import {
  NOW,
  refused,
  startWireServer,
  type Reply,
  type WireServer,
} from "./wire-server.js";

const id = idOf(seedVersionId("1.0.0"));

describe("against the simulator", () => {
  let world: InProcess;
  let arm: ResourceManager;
  beforeAll(async () => {
    world = await startInProcess();
    arm = world.deps.resourceManager;
  });
  afterAll(() => world.close());

  test("what is not there is undefined", async () => {
    expect(await arm.getImageVersion(id)).toBeUndefined();
  });

  test("a version is created by one request, and seen with each region's replication", async () => {
    world.simulator.control.clearRequests();
    const request = canonicalForm(managedImageRequest());
    const url = await arm.putImageVersion(id, request);
    expect(url).toContain(world.simulator.endpoint);
    expect(world.simulator.control.requests()).toHaveLength(1);
    expect(await arm.getImageVersion(id)).toMatchObject({
      provisioningState: "Creating",
      regions: [
        { name: "westus", state: "Unknown", progress: 0 },
        { name: "eastus2", state: "Unknown", progress: 0 },
      ],
    });
    expect(world.simulator.control.requests()).toHaveLength(2);
    expect(await arm.getOperationError(url ?? "")).toBeUndefined();

    world.clock.advance(60 * 60_000);
    expect(await arm.getImageVersion(id)).toMatchObject({
      provisioningState: "Succeeded",
      resource: { location: "westus" },
      regions: [
        { name: "westus", state: "Completed", progress: 100 },
        { name: "eastus2", state: "Completed", progress: 100 },
      ],
    });
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
      url: `${world.simulator.endpoint}${sent?.path}${sent?.query}`,
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
    expect(new Set(named?.map((one) => one.replace(/^.*[ =]/u, "")))).toEqual(
      new Set([sent]),
    );
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
    const scopes = [
      "WestUSDiskEncryptionSet1",
      "EastUS2DiskEncryptionSet2",
    ].map((name) => seedResource(`diskEncryptionSets/${name}`));
    const { control } = world.simulator;
    for (const scope of scopes) await control.denyAction({ action, scope });
    const error = await refusal(
      arm.putImageVersion(
        idOf(seedVersionId("6.0.0")),
        canonicalForm(managedImageRequest()),
      ),
    );
    await control.allowAction({ action });
    expect(error).toMatchObject({
      code: "ResourceManagerForbidden",
      retryable: false,
      fields: { action, scope: scopes[0] },
    });
    expect(error.findings.map(({ remediation }) => remediation)).toEqual(
      scopes.map(
        (scope) =>
          `Give the identity the role Reader there: az role assignment create --assignee {Sigil's identity} --role "Reader" --scope ${scope}`,
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
            targetRegions: [
              seedRegion("westus", "WestUS"),
              seedRegion("eastus", "EastUS2"),
            ],
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
        remediation:
          "Use a disk encryption set that is in the region it is given for.",
      },
    ]);
  });

  test("an operation that failed says why", async () => {
    const failing = seedVersionId("3.0.0");
    await world.simulator.control.failRegion({
      versionId: failing,
      region: "eastus2",
      message: "Out of capacity.",
    });
    const url = await arm.putImageVersion(
      idOf(failing),
      canonicalForm(managedImageRequest()),
    );
    world.clock.advance(60 * 60_000);
    expect(await arm.getImageVersion(idOf(failing))).toMatchObject({
      provisioningState: "Failed",
      regions: [{ state: "Completed" }, { state: "Failed" }],
    });
    expect(await arm.getOperationError(url ?? "")).toMatchObject({
      code: expect.any(String) as string,
      message: expect.stringMatching(/\S/u) as string,
    });
  });

  test("an identity that gets no token delays the call and ends nothing", async () => {
    const without = createResourceManager(
      createArmClient({
        endpoint: world.simulator.endpoint,
        scope: ARM_SCOPE,
        credential: {
          getToken: () => Promise.reject(new Error("no identity endpoint")),
        },
        timeoutMs: 5_000,
        now: world.deps.now,
        sleep: () => Promise.resolve(),
      }),
    );
    expect(await refusal(without.getImageVersion(id))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryable: true,
      message:
        "Azure Resource Manager did not answer the read of version 1.0.0.",
    });
  });
});

describe("over the wire", () => {
  let wire: WireServer;
  let arm: ResourceManager;
  let resources: ResourceReader;

  beforeAll(async () => {
    wire = await startWireServer();
  });
  afterAll(() => wire.close());
  beforeEach(() => {
    wire.received = [];
    wire.reply = { status: 200 };
    arm = create();
    resources = createResourceReader(createArmClient(wire.options()));
  });

  function create(timeoutMs?: number): ResourceManager {
    return createResourceManager(createArmClient(wire.options(timeoutMs)));
  }

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
      ["", "&$skiptoken=next"].map(
        (rest) => `GET ${image}/versions?api-version=2025-12-03${rest}`,
      ),
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
    expect((await refusal(arm.listImageVersions(image))).code).toBe(
      "ResourceManagerUnavailable",
    );
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
                ...encryption,
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
    expect(await arm.putImageVersion(id, request)).toBe(
      `${wire.endpoint}/operations/1`,
    );
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
    expect(
      await arm.putImageVersion(id, canonicalForm(managedImageRequest())),
    ).toBeUndefined();
  });

  test.each<[string, Reply, string, number]>([
    [
      "429 without Retry-After",
      { status: 429, body: refused("TooManyRequests") },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "429 with a short Retry-After",
      { status: 429, headers: { "Retry-After": "3" } },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "429 with Retry-After",
      { status: 429, headers: { "Retry-After": "77" } },
      "ResourceManagerThrottled",
      77_000,
    ],
    [
      "429 with a date",
      {
        status: 429,
        headers: { "Retry-After": new Date(NOW + 90_000).toUTCString() },
      },
      "ResourceManagerThrottled",
      90_000,
    ],
    [
      "429 with a date that is past",
      {
        status: 429,
        headers: { "Retry-After": new Date(NOW - 90_000).toUTCString() },
      },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "429 with nonsense",
      { status: 429, headers: { "Retry-After": "soon" } },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "409 Conflict",
      { status: 409, body: refused("Conflict") },
      "ResourceManagerBusy",
      30_000,
    ],
    [
      "409 AnotherOperationInProgress",
      { status: 409, body: refused("AnotherOperationInProgress") },
      "ResourceManagerBusy",
      30_000,
    ],
    [
      "401",
      { status: 401, body: refused("ExpiredAuthenticationToken") },
      "ResourceManagerUnavailable",
      10_000,
    ],
    ["408", { status: 408 }, "ResourceManagerUnavailable", 10_000],
    [
      "500",
      { status: 500, body: refused("InternalServerError") },
      "ResourceManagerUnavailable",
      10_000,
    ],
    [
      "502 that is a page",
      { status: 502, headers: { "Content-Type": "text/html" }, body: "<html>" },
      "ResourceManagerUnavailable",
      10_000,
    ],
    [
      "503 with Retry-After",
      { status: 503, headers: { "Retry-After": "120" } },
      "ResourceManagerUnavailable",
      120_000,
    ],
  ])("%s may be tried again", async (_, answer, code, retryAfterMs) => {
    wire.reply = answer;
    const request = canonicalForm(managedImageRequest());
    for (const call of [
      () => arm.getImageVersion(id),
      () => arm.putImageVersion(id, request),
      () => resources.getSource(seedResource("disks/a")),
      () =>
        resources.getDiskEncryptionSet(seedResource("diskEncryptionSets/a")),
      () => arm.getOperationError(`${wire.endpoint}/operations/1`),
    ]) {
      wire.received = [];
      expect(await refusal(call())).toMatchObject({ code, retryAfterMs });
      expect(wire.received).toHaveLength(1); // None is tried again inside.
    }
  });

  test.each<[string, Reply]>([
    ["400", { status: 400, body: refused("InvalidParameter") }],
    [
      "403 by a policy",
      { status: 403, body: refused("RequestDisallowedByPolicy") },
    ],
    [
      "409 Conflict about what does not fit",
      {
        status: 409,
        body: refused(
          "Conflict",
          "The resource with id '/x' has a different Hypervisor generation ['V2'] than the parent gallery image Hypervisor generation ['V1'].",
        ),
      },
    ],
    [
      "409 of another kind",
      { status: 409, body: refused("PropertyChangeNotAllowed") },
    ],
    ["409 without a reason", { status: 409 }],
    ["412", { status: 412, body: refused("PreconditionFailed") }],
  ])("%s is final", async (_, answer) => {
    wire.reply = answer;
    expect(
      await refusal(
        arm.putImageVersion(id, canonicalForm(managedImageRequest())),
      ),
    ).toMatchObject({ code: "ResourceManagerRefused", retryable: false });
  });

  test.each<[string, string | undefined, string, string, string]>([
    [
      "AuthorizationFailed",
      "The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Compute/galleries/images/versions/write' over scope '/subscriptions/s/galleries/g' or the scope is invalid. If access was recently granted, please refresh your credentials.",
      "Microsoft.Compute/galleries/images/versions/write",
      "/subscriptions/s/galleries/g",
      "Compute Gallery Artifacts Publisher",
    ],
    [
      "LinkedAuthorizationFailed",
      "The client 'c' with object id 'o' has permission to perform action 'Microsoft.Compute/galleries/images/versions/write' on scope '/subscriptions/s/g'; however, it does not have permission to perform action(s) 'Microsoft.Compute/disks/write' on the linked scope(s) '/subscriptions/s/disks/d' (respectively) or the linked scope(s) are invalid.",
      "Microsoft.Compute/disks/write",
      "/subscriptions/s/disks/d",
      "Virtual Machine Contributor",
    ],
    [
      "LinkedAuthorizationFailed",
      "The client has permission to perform action 'Microsoft.Compute/images/read' on scope '/subscriptions/s/g', however the current tenant 't' is not authorized to access linked subscription 'other'.",
      "Microsoft.Compute/images/read",
      "/subscriptions/other",
      "Reader",
    ],
    [
      "AuthorizationFailed",
      "The client does not have authorization.",
      "Microsoft.Compute/galleries/images/versions/write",
      seedVersionId("1.0.0"),
      "Compute Gallery Artifacts Publisher",
    ],
    [
      "a 403 without a body",
      undefined,
      "Microsoft.Compute/galleries/images/versions/write",
      seedVersionId("1.0.0"),
      "Compute Gallery Artifacts Publisher",
    ],
  ])(
    "%s (%#) is terminal and says which action, where, and which role is missing",
    async (code, message, action, scope, role) => {
      wire.reply = {
        status: 403,
        body: message === undefined ? "" : refused(code, message),
      };
      const error = await refusal(
        arm.putImageVersion(id, canonicalForm(managedImageRequest())),
      );
      expect(error).toMatchObject({
        code: "ResourceManagerForbidden",
        retryable: false,
        fields: { action, scope },
      });
      expect(error.message).toContain(
        `Sigil's identity may not perform ${action} on ${scope}. Give it the role ${role} there.`,
      );
      expect(error.findings).toEqual([
        {
          code: "InsufficientPermission",
          pointer: "",
          severity: "error",
          message: `Sigil's identity may not perform ${action} on ${scope}.${message === undefined ? "" : ` Azure says ${code}: ${message}`}`,
          remediation: `Give the identity the role ${role} there: az role assignment create --assignee {Sigil's identity} --role "${role}" --scope ${scope}`,
        },
      ]);
    },
  );

  test("a refusal by a policy keeps Azure's code among the findings", async () => {
    wire.reply = {
      status: 403,
      body: refused(
        "RequestDisallowedByPolicy",
        "Resource '1.0.0' was disallowed by policy.",
      ),
    };
    const error = await refusal(
      arm.putImageVersion(id, canonicalForm(managedImageRequest())),
    );
    expect(error).toMatchObject({
      code: "ResourceManagerRefused",
      findings: [
        {
          code: "RequestDisallowedByPolicy",
          message:
            "Azure says RequestDisallowedByPolicy: Resource '1.0.0' was disallowed by policy.",
        },
      ],
    });
  });

  test("what a detail says again is told once", async () => {
    const said = {
      code: "MissingSubscriptionRegistration",
      message: "The subscription is not registered.",
    };
    wire.reply = {
      status: 409,
      body: {
        error: {
          ...said,
          details: [{ ...said, target: "Microsoft.Compute" }],
        },
      },
    };
    const { findings } = await refusal(
      arm.putImageVersion(id, canonicalForm(managedImageRequest())),
    );
    expect(findings).toHaveLength(1);
    expect(findings[0]?.code).toBe("ProviderNotRegistered");
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

  test("every detail of a refusal is a finding, where it says which field", async () => {
    wire.reply = {
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: "Two things.",
          details: [
            {
              code: "A",
              message: "The source.",
              target:
                "galleryImageVersion.properties.storageProfile.dataDiskImages[1].source.id",
            },
            { code: "B", message: "Somewhere.", target: "elsewhere" },
            {},
          ],
        },
      },
    };
    const error = await refusal(
      arm.putImageVersion(id, canonicalForm(managedImageRequest())),
    );
    expect(error.message).toBe(
      "Azure Resource Manager answered 400 InvalidParameter to the creation of version 1.0.0: Two things.",
    );
    expect(error.findings).toEqual([
      {
        code: "InvalidParameter",
        pointer: "",
        message: "Azure says InvalidParameter: Two things.",
        severity: "error",
      },
      {
        code: "A",
        pointer: "/properties/storageProfile/dataDiskImages/1/source/id",
        message: "Azure says A: The source.",
        severity: "error",
      },
      {
        code: "B",
        pointer: "",
        message: "Azure says B: Somewhere.",
        severity: "error",
      },
      {
        code: "Unknown",
        pointer: "",
        message: "Azure says Unknown: no message",
        severity: "error",
      },
    ]);
  });

  test("a detail that is no object is passed over", async () => {
    wire.reply = {
      status: 400,
      body: { error: { code: "X", message: "Y.", details: [null, "z", 1] } },
    };
    expect(
      await refusal(
        arm.putImageVersion(id, canonicalForm(managedImageRequest())),
      ),
    ).toMatchObject({
      code: "ResourceManagerRefused",
      findings: [{ code: "X", pointer: "", message: "Azure says X: Y." }],
    });
  });

  test("a call without an answer is given up, and may be tried again", async () => {
    wire.reply = undefined;
    expect(await refusal(create(50).getImageVersion(id))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryAfterMs: 10_000,
      message:
        "Azure Resource Manager did not answer the read of version 1.0.0.",
    });
  });

  test("the token is never sent to another address than ARM's", async () => {
    const other = await startWireServer();
    expect(await arm.getOperationError(`${other.endpoint}/operations/1`)).toBe(
      undefined,
    );
    expect(other.received).toEqual([]);
    await other.close();
    expect(wire.received).toEqual([]);
  });

  test("an operation that has failed says why; one that is gone or has not, nothing", async () => {
    wire.reply = {
      status: 200,
      body: { status: "Failed", ...(refused("X", "Y.") as object) },
    };
    expect(
      await arm.getOperationError(`${wire.endpoint}/operations/1?a=b`),
    ).toMatchObject({ code: "X", message: "X: Y." });
    expect(wire.received[0]).toMatchObject({
      method: "GET",
      url: "/operations/1?a=b",
      authorization: `Bearer token-for-${ARM_SCOPE}`,
    });
    wire.reply = { status: 200, body: { status: "InProgress" } };
    expect(
      await arm.getOperationError(`${wire.endpoint}/operations/1`),
    ).toBeUndefined();
    wire.reply = { status: 404, body: refused("NotFound") };
    expect(
      await arm.getOperationError(`${wire.endpoint}/operations/1`),
    ).toBeUndefined();
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
