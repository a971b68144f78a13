import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createResourceReader } from "../../../../src/azure/arm/resource-reader.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { ResourceReader } from "../../../../src/image-version/ports.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { startOverHttps } from "../../../support/over-https.js";
import { refusal } from "../../../support/refusal.js";
import { managedImageRequest, seedResource, seedVersionId } from "../../../support/requests.js";
import { onWire, refused, type WireServer } from "./wire-server.js";
import type { ImageSource } from "../../../../src/image-version/resources.js";

const SET = seedResource("diskEncryptionSets/mySet");
const OTHER_SET = seedResource("diskEncryptionSets/otherSet");

/** Every read, of a resource that is not there. */
const READS: readonly [string, (reader: ResourceReader) => Promise<unknown>][] = [
  ["gallery", (reader) => reader.getGallery(seedResource("galleries/none"))],
  [
    "definition",
    (reader) => reader.getImageDefinition(seedResource("galleries/MyGallery/images/none")),
  ],
  ["gallery's list", (reader) => reader.listImageDefinitions(seedResource("galleries/none"))],
  [
    "disk encryption set",
    (reader) => reader.getDiskEncryptionSet(seedResource("diskEncryptionSets/none")),
  ],
  ...["images", "disks", "snapshots", "virtualMachines"].map((type): (typeof READS)[number] => [
    type,
    (reader) => reader.getSource(seedResource(`${type}/none`)),
  ]),
  ["image version", (reader) => reader.getSource(seedVersionId("99.0.0"))],
  ["list", (reader) => reader.listDiskEncryptionSets("00000000-0000-4000-8000-000000000000")],
];

describe("against the simulator", () => {
  let world: InProcess;
  let reader: ResourceReader;
  beforeAll(async () => {
    world = await startOverHttps();
    reader = world.deps.resources;
  });
  afterEach(() => world.simulator.control.clearFaults());
  afterAll(() => world.close());

  async function put(path: string, properties: Record<string, unknown>): Promise<string> {
    const id = seedResource(path);
    await world.simulator.control.putResource({
      id,
      name: path.split("/").at(-1) ?? "",
      type: `Microsoft.Compute/${path.split("/").slice(0, -1).join("/")}`,
      location: "West US",
      properties: { provisioningState: "Succeeded", ...properties },
    });
    return id;
  }

  test.each(READS)("a %s that is not there is undefined", async (_, read) => {
    expect(await read(reader)).toBeUndefined();
  });

  test("an id of another type names nothing, and ARM is not asked", async () => {
    world.simulator.control.clearRequests();
    expect(await reader.getSource(SET)).toBeUndefined();
    expect(await reader.getSource("nonsense")).toBeUndefined();
    expect(await reader.getDiskEncryptionSet(seedResource("disks/myOSDisk"))).toBeUndefined();
    expect(
      await reader.getDiskEncryptionSet(SET.replace("Microsoft.Compute", "Microsoft.Other")),
    ).toBeUndefined();
    expect(world.simulator.control.requests()).toEqual([]);
  });

  test("what the identity may not read is told apart from what is not there", async () => {
    const { control } = world.simulator;
    const scope = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");
    const action = "Microsoft.Compute/diskEncryptionSets/read";
    await control.denyAction({ action, scope });
    const error = await refusal(reader.getDiskEncryptionSet(scope));
    await control.allowAction({ action });
    expect(error).toMatchObject({
      code: "ResourceManagerForbidden",
      retryable: false,
      fields: { action, scope },
    });
    expect(error.message).toContain("Give it the role Reader there.");
  });

  test.each([
    ["MyGallery", "Private", {}],
    ["MySharedGallery", "Groups", { uniqueName: `${LOCAL_SUBSCRIPTION_ID}-MYSHAREDGALLERY` }],
    ["MyCommunityGallery", "Community", { publicNames: ["MyCommunityGallery-1"] }],
  ])("gallery %s is shared with %s, by that name", async (name, sharing, names) => {
    const id = seedResource(`galleries/${name}`);
    world.simulator.control.clearRequests();
    expect(await reader.getGallery(id)).toEqual({ id, sharing, ...names });
    // Azure says with whom to nobody who does not ask.
    const [{ query = "" } = {}] = world.simulator.control.requests();
    expect(query).toContain("$select=Permissions");
  });

  test("a gallery says that it has soft delete", async () => {
    const id = await put("galleries/Soft", {
      softDeletePolicy: { isSoftDeleteEnabled: true },
    });
    expect(await reader.getGallery(id)).toMatchObject({ softDelete: true });
  });

  test("a definition shows its traits", async () => {
    const id = await put("galleries/MyGallery/images/Confidential", {
      osType: "Windows",
      osState: "Specialized",
      hyperVGeneration: "V2",
      architecture: "Arm64",
      features: [
        { name: "DiskControllerTypes", value: "NVMe" },
        { name: "SecurityType", value: "ConfidentialVM" },
      ],
    });
    expect(await reader.getImageDefinition(id)).toEqual({
      id,
      osType: "Windows",
      osState: "Specialized",
      hyperVGeneration: "V2",
      architecture: "Arm64",
      securityType: "ConfidentialVM",
    });
  });

  test("a definition that shows no traits has Azure's defaults", async () => {
    const id = await put("galleries/MyGallery/images/Plain", {
      osType: "Linux",
      osState: "Generalized",
    });
    expect(await reader.getImageDefinition(id)).toEqual({
      id,
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V1",
      architecture: "x64",
      securityType: "Standard",
    });
  });

  test.each([
    ["WestUSDiskEncryptionSet1", "westus", "EncryptionAtRestWithCustomerKey"],
    ["EastUS2DiskEncryptionSet2", "eastus2", "EncryptionAtRestWithCustomerKey"],
    ["WestUSDoubleEncryptionSet", "westus", "EncryptionAtRestWithPlatformAndCustomerKeys"],
    ["WestUSConfidentialEncryptionSet", "westus", "ConfidentialVmEncryptedWithCustomerKey"],
  ])("disk encryption set %s is in %s and of type %s", async (name, region, encryptionType) => {
    const id = seedResource(`diskEncryptionSets/${name}`);
    expect(await reader.getDiskEncryptionSet(id)).toEqual({
      id,
      region,
      provisioningState: "Succeeded",
      encryptionType,
      keyUrl: expect.stringContaining(`/keys/${name}/`) as string,
      vaultId: expect.stringMatching(/\/vaults\/keys-\w+$/u) as string,
      rotationToLatestKeyVersionEnabled: true,
    });
  });

  test("a disk encryption set shows its key's rotation", async () => {
    const id = await put("diskEncryptionSets/rotated", {
      encryptionType: "EncryptionAtRestWithCustomerKey",
      activeKey: { keyUrl: "https://vault/keys/k/1" },
      rotationToLatestKeyVersionEnabled: true,
      lastKeyRotationTimestamp: "2026-01-01T00:00:00.0000000+00:00",
      autoKeyRotationError: {
        code: "KeyVaultAccessForbidden",
        message: "Cannot read the key.",
      },
    });
    expect(await reader.getDiskEncryptionSet(id)).toEqual({
      id,
      region: "westus",
      provisioningState: "Succeeded",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      keyUrl: "https://vault/keys/k/1",
      rotationToLatestKeyVersionEnabled: true,
      lastKeyRotationTime: "2026-01-01T00:00:00.0000000+00:00",
      autoKeyRotationError: {
        code: "KeyVaultAccessForbidden",
        message: "Cannot read the key.",
      },
    });
  });

  test("a disk encryption set that shows little has no key and does not rotate", async () => {
    const id = await put("diskEncryptionSets/bare", {
      provisioningState: "Failed",
    });
    expect(await reader.getDiskEncryptionSet(id)).toEqual({
      id,
      region: "westus",
      provisioningState: "Failed",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      rotationToLatestKeyVersionEnabled: false,
    });
  });

  const SOURCES: readonly [
    string,
    Record<string, unknown>,
    Omit<ImageSource, "id" | "provisioningState" | "regions">,
  ][] = [
    [
      "images/source",
      {
        hyperVGeneration: "V2",
        storageProfile: {
          osDisk: {
            osType: "Windows",
            osState: "Generalized",
            managedDisk: { id: "/a/disk/that/may/be/gone" },
            diskEncryptionSet: { id: SET },
          },
          dataDisks: [{ lun: 3 }, { lun: 1, diskEncryptionSet: { id: SET } }],
        },
      },
      {
        osDisk: { diskEncryptionSetId: SET },
        dataDisks: [{ lun: 3 }, { lun: 1, diskEncryptionSetId: SET }],
        osType: "Windows",
        osState: "Generalized",
        hyperVGeneration: "V2",
      },
    ],
    [
      "virtualMachines/source",
      {
        securityProfile: { securityType: "TrustedLaunch" },
        instanceView: {
          statuses: [{ code: "OSState/generalized" }, { code: "PowerState/deallocated" }],
        },
        storageProfile: {
          osDisk: {
            osType: "Linux",
            caching: "ReadWrite",
            managedDisk: {
              id: seedResource("disks/os"),
              diskEncryptionSet: { id: SET },
            },
          },
          dataDisks: [{ lun: 7, managedDisk: { id: seedResource("disks/data") } }],
        },
      },
      {
        osDisk: { id: seedResource("disks/os"), diskEncryptionSetId: SET, caching: "ReadWrite" },
        dataDisks: [{ lun: 7, id: seedResource("disks/data") }],
        osType: "Linux",
        osState: "Generalized",
        powerState: "deallocated",
        securityType: "TrustedLaunch",
      },
    ],
    [
      "virtualMachines/confidential",
      {
        storageProfile: {
          osDisk: {
            managedDisk: {
              id: seedResource("disks/os"),
              securityProfile: { diskEncryptionSet: { id: SET } },
            },
          },
        },
      },
      {
        osDisk: { id: seedResource("disks/os"), diskEncryptionSetId: SET },
        dataDisks: [],
        osState: "Specialized",
        powerState: "running",
      },
    ],
    [
      "disks/source",
      {
        osType: "Linux",
        hyperVGeneration: "V2",
        supportedCapabilities: { architecture: "Arm64" },
        encryption: { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId: SET },
        maxShares: 2,
        securityProfile: { securityType: "TrustedLaunch" },
      },
      {
        osDisk: {
          diskEncryptionSetId: SET,
          encryptionType: "EncryptionAtRestWithCustomerKey",
          maxShares: 2,
        },
        dataDisks: [],
        osType: "Linux",
        hyperVGeneration: "V2",
        architecture: "Arm64",
        securityType: "TrustedLaunch",
      },
    ],
    [
      "snapshots/source",
      {
        encryption: { type: "EncryptionAtRestWithPlatformKey" },
        securityProfile: {
          securityType: "ConfidentialVM_DiskEncryptedWithCustomerKey",
          secureVMDiskEncryptionSetId: SET,
        },
      },
      {
        osDisk: {
          diskEncryptionSetId: SET,
          encryptionType: "EncryptionAtRestWithPlatformKey",
        },
        dataDisks: [],
        securityType: "ConfidentialVM_DiskEncryptedWithCustomerKey",
      },
    ],
    ["disks/bare", {}, { osDisk: {}, dataDisks: [] }],
    ["images/bare", {}, { osDisk: {}, dataDisks: [] }],
  ];

  test.each(SOURCES)(
    "source %s shows its disks and traits, and no others",
    async (path, properties, shown) => {
      const id = await put(path, properties);
      expect(await reader.getSource(id)).toEqual({
        id,
        provisioningState: "Succeeded",
        regions: ["westus"],
        ...shown,
      });
    },
  );

  test("a source is in the state that ARM shows", async () => {
    const id = await put("disks/updating", { provisioningState: "Updating" });
    expect(await reader.getSource(id)).toMatchObject({
      provisioningState: "Updating",
    });
  });

  test("an image version is a source in each of its regions, with the sets of its disks", async () => {
    const id = seedVersionId("1.0.0");
    const request = canonicalForm(managedImageRequest());
    await world.deps.resourceManager.putImageVersion(idOf(id), request);
    expect(await reader.getSource(id)).toEqual({
      id,
      provisioningState: "Creating",
      regions: ["westus", "eastus2"],
      osDisk: {
        sizeInGB: 30,
        diskEncryptionSetId: seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1"),
      },
      dataDisks: [
        {
          lun: 0,
          sizeInGB: 64,
          diskEncryptionSetId: seedResource("diskEncryptionSets/WestUSDiskEncryptionSet2"),
        },
      ],
    });
  });

  test("a long list is read page after page, each set once", async () => {
    for (let i = 0; i < 5; i += 1) await put(`diskEncryptionSets/many${i}`, {});
    const names: string[] = [];
    let pages = 0;
    let token: string | undefined;
    world.simulator.control.clearRequests();
    do {
      const page = await reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID, token);
      names.push(...(page?.value ?? []).map(({ id }) => id));
      token = page?.continuationToken;
      pages += 1;
    } while (token !== undefined);
    expect(pages).toBe(Math.ceil(names.length / 2));
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((id) => /\/many\d+$/u.test(id))).toHaveLength(5);
    // One request a page, and one api-version a request.
    expect(
      world.simulator.control.requests().map(({ query }) => query.match(/api-version=[^&]*/gu)),
    ).toEqual(Array(pages).fill(["api-version=2026-03-02"]));
  });
});

describe("over the wire", () => {
  let wire: WireServer;
  let reader: ResourceReader;
  onWire((given) => {
    wire = given;
    reader = createResourceReader(createArmClient(wire.options()));
  });

  test.each(READS)(
    "429 with Retry-After to the read of %s comes through, and is not repeated inside",
    async (_, read) => {
      wire.reply = {
        status: 429,
        headers: { "Retry-After": "77" },
        body: refused("TooManyRequests"),
      };
      expect(await refusal(read(reader))).toMatchObject({
        code: "ResourceManagerThrottled",
        retryAfterMs: 77_000,
      });
      expect(wire.received).toHaveLength(1);
    },
  );

  test.each([
    ["gallery", "galleries/read", "/galleries/none"],
    ["definition", "galleries/images/read", "/galleries/MyGallery/images/none"],
    ["gallery's list", "galleries/images/read", "/galleries/none"],
    ["disk encryption set", "diskEncryptionSets/read", "/diskEncryptionSets/none"],
    ["images", "images/read", "/images/none"],
    ["disks", "disks/read", "/disks/none"],
    ["snapshots", "snapshots/read", "/snapshots/none"],
    ["virtualMachines", "virtualMachines/read", "/virtualMachines/none"],
    [
      "image version",
      "galleries/images/versions/read",
      "/galleries/MyGallery/images/MyImage/versions/99.0.0",
    ],
    ["list", "diskEncryptionSets/read", "/subscriptions/00000000-0000-4000-8000-000000000000"],
  ])(
    "403 to the read of %s names the action, even where ARM does not",
    async (name, action, scope) => {
      wire.reply = { status: 403, body: refused("AuthorizationFailed") };
      const read = READS.find(([candidate]) => candidate === name)?.[1];
      const error = await refusal(read?.(reader) ?? Promise.resolve());
      expect(error).toMatchObject({
        code: "ResourceManagerForbidden",
        retryable: false,
        fields: { action: `Microsoft.Compute/${action}` },
      });
      expect(String(error.fields["scope"]).endsWith(scope)).toBe(true);
      expect(error.message).toContain("Give it the role Reader there.");
    },
  );

  test("galleries are those of each subscription that shows them, and an error where none does or one breaks off", async () => {
    const SUBSCRIPTIONS = ["a", "b"].map((last) => `00000000-0000-4000-8000-00000000000${last}`);
    const id = seedResource("galleries/MyGallery");
    let second: { status: number; body: unknown } = {
      status: 403,
      body: refused("AuthorizationFailed"),
    };
    wire.reply = ({ url }) =>
      url.startsWith("/subscriptions?")
        ? {
            status: 200,
            body: {
              value: SUBSCRIPTIONS.map((subscriptionId) => ({
                subscriptionId,
              })),
            },
          }
        : url.includes("00000000000b")
          ? second
          : {
              status: 200,
              body: {
                value: [
                  {
                    id,
                    name: "MyGallery",
                    location: "West US",
                    properties: { description: "For tests" },
                  },
                ],
              },
            };
    const gallery = {
      id,
      name: "MyGallery",
      region: "westus",
      description: "For tests",
    };
    expect(await reader.listGalleries()).toEqual([gallery]);
    expect(wire.received.map(({ url }) => url)).toEqual([
      "/subscriptions?api-version=2022-12-01",
      ...SUBSCRIPTIONS.map(
        (each) =>
          `/subscriptions/${each}/providers/Microsoft.Compute/galleries?api-version=2026-03-03`,
      ),
    ]);
    second = { status: 200, body: { value: [] } };
    expect(await reader.listGalleries()).toEqual([gallery]);
    second = { status: 503, body: {} };
    expect((await refusal(reader.listGalleries())).code).toBe("ResourceManagerUnavailable");
    SUBSCRIPTIONS.reverse().pop();
    second = { status: 403, body: refused("AuthorizationFailed") };
    expect(await refusal(reader.listGalleries())).toMatchObject({
      code: "ResourceManagerForbidden",
      fields: {
        action: "Microsoft.Compute/galleries/read",
        scope: `/subscriptions/${SUBSCRIPTIONS[0]}`,
      },
    });
  });

  test("a gallery's list has every page, and what of a definition ARM leaves out is Compute's default", async () => {
    wire.reply = ({ url }) => ({
      status: 200,
      body: url.includes("next")
        ? {
            value: [
              {
                name: "two",
                location: "West US",
                properties: {
                  osType: "Windows",
                  osState: "Specialized",
                  hyperVGeneration: "V2",
                  architecture: "Arm64",
                  description: "<b>for tests</b>",
                  endOfLifeDate: "2030-12-01T00:00:00+00:00",
                  features: [{ name: "SecurityType", value: "TrustedLaunch" }],
                },
              },
              { location: "westus" },
            ],
          }
        : {
            value: [{ name: "one" }],
            nextLink: "https://elsewhere.example/?$skiptoken=next",
          },
    });
    const gallery = seedResource("galleries/MyGallery");
    expect(await reader.listImageDefinitions(gallery)).toEqual([
      {
        id: `${gallery}/images/one`,
        name: "one",
        region: "",
        osType: "Unknown",
        osState: "Unknown",
        hyperVGeneration: "V1",
        architecture: "x64",
        securityType: "Standard",
      },
      {
        id: `${gallery}/images/two`,
        name: "two",
        region: "westus",
        osType: "Windows",
        osState: "Specialized",
        hyperVGeneration: "V2",
        architecture: "Arm64",
        securityType: "TrustedLaunch",
        description: "<b>for tests</b>",
        endOfLifeDate: "2030-12-01T00:00:00+00:00",
      },
    ]);
    expect(wire.received.map(({ method, url }) => `${method} ${url}`)).toEqual(
      ["", "&$skiptoken=next"].map((rest) => `GET ${gallery}/images?api-version=2026-03-03${rest}`),
    );
    wire.reply = ({ url }) =>
      url.includes("next")
        ? { status: 503 }
        : {
            status: 200,
            body: { value: [], nextLink: `${wire.endpoint}/x?$skiptoken=next` },
          };
    expect((await refusal(reader.listImageDefinitions(gallery))).code).toBe(
      "ResourceManagerUnavailable",
    );
  });

  test("a set in any region tells that the disk of an image version is encrypted", async () => {
    wire.reply = {
      status: 200,
      body: {
        location: "West US",
        properties: {
          provisioningState: "Succeeded",
          storageProfile: { dataDiskImages: [{ lun: 0 }, { lun: 1 }] },
          publishingProfile: {
            targetRegions: [
              { name: "West US" },
              {
                name: "East US 2",
                encryption: {
                  osDiskImage: {
                    securityProfile: { secureVMDiskEncryptionSetId: SET },
                  },
                  dataDiskImages: [{ lun: 1, diskEncryptionSetId: OTHER_SET }],
                },
              },
            ],
          },
        },
      },
    };
    expect(await reader.getSource(seedVersionId("1.0.0"))).toEqual({
      id: seedVersionId("1.0.0"),
      provisioningState: "Succeeded",
      regions: ["westus", "eastus2"],
      osDisk: { diskEncryptionSetId: SET },
      dataDisks: [{ lun: 0 }, { lun: 1, diskEncryptionSetId: OTHER_SET }],
    });
  });

  test("an answer that is no JSON is no word on whether the resource is there", async () => {
    wire.reply = {
      status: 200,
      headers: { "Content-Type": "text/html" },
      body: "<html>",
    };
    expect(await refusal(reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID))).toMatchObject({
      code: "ResourceManagerUnavailable",
      retryable: true,
    });
  });

  test("a token is the query of ARM's next link, whatever address that names", async () => {
    wire.reply = {
      status: 200,
      body: {
        value: [],
        nextLink: "https://elsewhere.example/other?api-version=2026-03-02&%24skiptoken=a%2Fb",
      },
    };
    const page = await reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID);
    expect(Buffer.from(page?.continuationToken ?? "", "base64url").toString()).toBe(
      "api-version=2026-03-02&%24skiptoken=a%2Fb",
    );
    await reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID, page?.continuationToken);
    const path = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/providers/Microsoft.Compute/diskEncryptionSets?api-version=2026-03-02`;
    expect(wire.received.map(({ url }) => url)).toEqual([path, `${path}&%24skiptoken=a%2Fb`]);
  });

  const token = (text: string): string => Buffer.from(text, "utf8").toString("base64url");

  test.each([
    "@evil.example/",
    "//evil.example/x?y=z",
    "a=b/../../../subscriptions/other",
    "https://evil.example/?$skiptoken=1",
    "api-version=1999-01-01&API%2Dversion=1999-01-01&$skiptoken=1",
  ])("%s as a query goes to ARM's list and nowhere else", async (query) => {
    await reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID, token(query));
    const url = new URL(wire.received[0]?.url ?? "", wire.endpoint);
    expect(wire.received).toHaveLength(1);
    expect(url.pathname).toBe(
      `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/providers/Microsoft.Compute/diskEncryptionSets`,
    );
    expect([...url.searchParams].filter(([name]) => /^api-version$/iu.test(name))).toEqual([
      ["api-version", "2026-03-02"],
    ]);
  });

  test.each([
    ["", "nothing"],
    ["not base64!", "no base64url"],
    ["YT1i=", "padding"],
    ["YT1iA", "left-over bits"],
    [token("a=b#fragment"), "a fragment"],
    [token("a=b c"), "a space"],
    [token("a=b\r\nHost: evil.example"), "a line break"],
    [token("a=\u{1F600}"), "no ASCII"],
    [token("a=%zz"), "a broken escape"],
    [token("a=b\\evil"), "a backslash"],
  ])("continuation token %j (%s) is refused before ARM is asked", async (given) => {
    expect(
      await refusal(reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID, given)),
    ).toMatchObject({
      code: "InvalidRequest",
      retryable: false,
      message: expect.stringMatching(/./u) as unknown,
      findings: [{ code: "InvalidFormat", pointer: "/query/continuationToken" }],
    });
    expect(wire.received).toEqual([]);
  });

  test("a continuation token that ARM refuses is the caller's mistake", async () => {
    wire.reply = { status: 400, body: refused("InvalidSkipToken") };
    const list = (given?: string) =>
      refusal(reader.listDiskEncryptionSets(LOCAL_SUBSCRIPTION_ID, given));
    expect(await list(token("$skiptoken=mine"))).toMatchObject({
      code: "InvalidRequest",
      findings: [{ pointer: "/query/continuationToken" }],
    });
    expect(wire.received).toHaveLength(1);
    // Without one it is ours.
    expect((await list()).code).toBe("ResourceManagerRefused");
  });
});
