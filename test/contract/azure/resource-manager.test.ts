import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { createResourceManager } from "../../../src/azure/resource-manager.js";
import type { ServiceError } from "../../../src/errors.js";
import { canonicalForm } from "../../../src/image-version/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { ResourceManager } from "../../../src/image-version/ports.js";
import { createCertificateAuthority } from "../../../src/local/certificates.js";
import {
  ARM_SCOPE,
  idOf,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../../support/requests.js";

const id = idOf(seedVersionId("1.0.0"));
const NOW = Date.UTC(2026, 0, 1);

async function refusal(promise: Promise<unknown>): Promise<ServiceError> {
  return await promise.then(
    () => {
      throw new Error("not refused");
    },
    (error: unknown) => error as ServiceError,
  );
}

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
    expect(
      await arm.getDiskEncryptionSet(seedResource("diskEncryptionSets/none")),
    ).toBeUndefined();
    for (const type of ["images", "disks", "snapshots", "virtualMachines"])
      expect(await arm.getSource(seedResource(`${type}/none`))).toBeUndefined();
  });

  test.each([
    ["WestUSDiskEncryptionSet1", "westus", "EncryptionAtRestWithCustomerKey"],
    ["EastUS2DiskEncryptionSet2", "eastus2", "EncryptionAtRestWithCustomerKey"],
    [
      "WestUSDoubleEncryptionSet",
      "westus",
      "EncryptionAtRestWithPlatformAndCustomerKeys",
    ],
    [
      "WestUSConfidentialEncryptionSet",
      "westus",
      "ConfidentialVmEncryptedWithCustomerKey",
    ],
  ])(
    "disk encryption set %s is in %s and of type %s",
    async (name, region, encryptionType) => {
      const set = seedResource(`diskEncryptionSets/${name}`);
      expect(await arm.getDiskEncryptionSet(set)).toEqual({
        id: set,
        region,
        provisioningState: "Succeeded",
        encryptionType,
      });
    },
  );

  test.each<[string, readonly number[] | undefined]>([
    ["images/myImage", [0]],
    ["virtualMachines/myVM", [0]],
    ["disks/myOSDisk", undefined],
    ["snapshots/myDDSnapshot", undefined],
  ])("the data disks of source %s are at LUNs %j", async (path, luns) => {
    const source = seedResource(path);
    expect(await arm.getSource(source)).toEqual({
      id: source,
      ...(luns && { dataDiskLuns: luns }),
    });
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
      request: { location: "westus" },
      regions: [
        { name: "westus", state: "Completed", progress: 100 },
        { name: "eastus2", state: "Completed", progress: 100 },
      ],
    });
    // A version is a source, too.
    expect(await arm.getSource(seedVersionId("1.0.0"))).toEqual({
      id: seedVersionId("1.0.0"),
      dataDiskLuns: [0],
    });
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
    expect(error.findings).toHaveLength(1);
    expect(error.findings[0]?.pointer).toMatch(/^(\/properties|$)/u);
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
    const without = createResourceManager({
      endpoint: world.simulator.endpoint,
      scope: ARM_SCOPE,
      credential: {
        getToken: () => Promise.reject(new Error("no identity endpoint")),
      },
      timeoutMs: 5_000,
      now: world.deps.now,
    });
    expect(await refusal(without.getImageVersion(id))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryable: true,
      message:
        "Azure Resource Manager did not answer the read of version 1.0.0.",
    });
  });
});

/** One request as it came over the wire. */
interface Received {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

describe("over the wire", () => {
  let server: Server;
  let arm: ResourceManager;
  let endpoint: string;
  let received: Received[];
  let reply: Reply | undefined;

  beforeAll(async () => {
    const tls = await createCertificateAuthority(
      process.env["SIGIL_TEST_CERTIFICATES"] ?? "",
    );
    server = createServer(tls, (request, response) => {
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (text += chunk));
      request.on("end", () => {
        received.push({
          method: request.method ?? "",
          url: request.url ?? "",
          authorization: request.headers.authorization,
          body: text === "" ? undefined : (JSON.parse(text) as unknown),
        });
        if (reply === undefined) return; // Never answered.
        response.writeHead(reply.status, {
          "Content-Type": "application/json",
          ...reply.headers,
        });
        response.end(
          typeof reply.body === "string"
            ? reply.body
            : JSON.stringify(reply.body ?? {}),
        );
      });
    });
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", resolve),
    );
    endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    received = [];
    reply = { status: 200 };
    arm = create();
  });

  function create(timeoutMs = 10_000): ResourceManager {
    return createResourceManager({
      endpoint,
      scope: ARM_SCOPE,
      credential: {
        getToken: (scopes) =>
          Promise.resolve({
            token: `token-for-${String(scopes)}`,
            expiresOnTimestamp: Date.now() + 3_600_000,
          }),
      },
      timeoutMs,
      now: () => new Date(NOW),
    });
  }

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
    reply = {
      status: 201,
      headers: { "Azure-AsyncOperation": `${endpoint}/operations/1` },
      body: request,
    };
    expect(await arm.putImageVersion(id, request)).toBe(
      `${endpoint}/operations/1`,
    );
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      method: "PUT",
      authorization: `Bearer token-for-${ARM_SCOPE}`,
    });
    expect(received[0]?.url).toMatch(
      new RegExp(
        `^${seedVersionId("1.0.0").replaceAll(".", "\\.")}\\?api-version=\\d{4}-\\d{2}-\\d{2}$`,
        "u",
      ),
    );
    expect(received[0]?.body).toEqual(request);
  });

  test("an accepted create request without an operation is accepted all the same", async () => {
    reply = { status: 200, body: managedImageRequest() };
    expect(
      await arm.putImageVersion(id, canonicalForm(managedImageRequest())),
    ).toBeUndefined();
  });

  const refused = (code: string, message = "No."): unknown => ({
    error: { code, message },
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
    reply = answer;
    const request = canonicalForm(managedImageRequest());
    for (const call of [
      () => arm.getImageVersion(id),
      () => arm.putImageVersion(id, request),
      () => arm.getSource(seedResource("disks/a")),
      () => arm.getDiskEncryptionSet(seedResource("diskEncryptionSets/a")),
      () => arm.getOperationError(`${endpoint}/operations/1`),
    ]) {
      received = [];
      expect(await refusal(call())).toMatchObject({ code, retryAfterMs });
      expect(received).toHaveLength(1); // None is tried again inside.
    }
  });

  test.each<[string, Reply]>([
    ["400", { status: 400, body: refused("InvalidParameter") }],
    ["403", { status: 403, body: refused("AuthorizationFailed") }],
    [
      "409 of another kind",
      { status: 409, body: refused("PropertyChangeNotAllowed") },
    ],
    ["409 without a reason", { status: 409 }],
    ["412", { status: 412, body: refused("PreconditionFailed") }],
  ])("%s is final", async (_, answer) => {
    reply = answer;
    expect(
      await refusal(
        arm.putImageVersion(id, canonicalForm(managedImageRequest())),
      ),
    ).toMatchObject({ code: "ResourceManagerRefused", retryable: false });
  });

  test("every detail of a refusal is a finding, where it says which field", async () => {
    reply = {
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
      { code: "InvalidParameter", pointer: "", message: "Two things." },
      {
        code: "A",
        pointer: "/properties/storageProfile/dataDiskImages/1/source/id",
        message: "The source.",
      },
      { code: "B", pointer: "", message: "Somewhere." },
      { code: "Unknown", pointer: "", message: "no message" },
    ]);
  });

  test("a detail that is no object is passed over", async () => {
    reply = {
      status: 400,
      body: { error: { code: "X", message: "Y.", details: [null, "z", 1] } },
    };
    expect(
      await refusal(
        arm.putImageVersion(id, canonicalForm(managedImageRequest())),
      ),
    ).toMatchObject({
      code: "ResourceManagerRefused",
      findings: [{ code: "X", pointer: "", message: "Y." }],
    });
  });

  test("a call without an answer is given up, and may be tried again", async () => {
    reply = undefined;
    expect(await refusal(create(50).getImageVersion(id))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryAfterMs: 10_000,
      message:
        "Azure Resource Manager did not answer the read of version 1.0.0.",
    });
  });

  test("the token is never sent to another address than ARM's", async () => {
    const other = await startOther();
    expect(await arm.getOperationError(`${other.url}/operations/1`)).toBe(
      undefined,
    );
    expect(other.requests()).toBe(0);
    expect(received).toEqual([]);
  });

  test("an operation that has failed says why; one that is gone or has not, nothing", async () => {
    reply = {
      status: 200,
      body: { status: "Failed", ...(refused("X", "Y.") as object) },
    };
    expect(
      await arm.getOperationError(`${endpoint}/operations/1?a=b`),
    ).toMatchObject({ code: "X", message: "Y." });
    expect(received[0]).toMatchObject({
      method: "GET",
      url: "/operations/1?a=b",
      authorization: `Bearer token-for-${ARM_SCOPE}`,
    });
    reply = { status: 200, body: { status: "InProgress" } };
    expect(
      await arm.getOperationError(`${endpoint}/operations/1`),
    ).toBeUndefined();
    reply = { status: 404, body: refused("NotFound") };
    expect(
      await arm.getOperationError(`${endpoint}/operations/1`),
    ).toBeUndefined();
  });

  test("a version that lacks what ARM usually shows is read as far as it goes", async () => {
    reply = { status: 200, body: { location: "West US" } };
    expect(await arm.getImageVersion(id)).toMatchObject({
      provisioningState: "Unknown",
      regions: [],
    });
    reply = {
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

  async function startOther(): Promise<{ url: string; requests(): number }> {
    const tls = await createCertificateAuthority(
      process.env["SIGIL_TEST_CERTIFICATES"] ?? "",
    );
    let requests = 0;
    const other = createServer(tls, (_, response) => {
      requests += 1;
      response.end("{}");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    });
    return {
      url: `https://localhost:${(other.address() as AddressInfo).port}`,
      requests: () => requests,
    };
  }
});
