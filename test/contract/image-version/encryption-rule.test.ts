/** `sigil.encryption`: sets that Sigil chooses, as the simulator then has them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { ServiceError } from "../../../src/errors.js";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { patchImageVersion, putImageVersion } from "../../../src/image-version/commands/put.js";
import type {
  EncryptionRule,
  ImageVersionRequest,
  TargetRegion,
} from "../../../src/image-version/contract.js";
import {
  commandOf,
  idOf,
  operationIn,
  request,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../../support/requests.js";
import { naming } from "../../support/naming.js";

const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
const BY_NAME = {
  osDisk: "{region}DiskEncryptionSet1",
  dataDisks: "{region}DiskEncryptionSet{lun}",
};
const CONFIDENTIAL = {
  osDiskImage: {
    securityProfile: { confidentialVMEncryptionType: "EncryptedWithCmk" },
  },
} as const;

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

let versions = 0;
let id: string;
beforeEach(() => {
  versions += 1;
  id = seedVersionId(`${versions}.0.0`);
});

function ruled(
  encryption: EncryptionRule,
  targetRegions: TargetRegion[] = [{ name: "westus" }, { name: "East US 2" }],
  { properties, ...body }: ImageVersionRequest = managedImageRequest(),
): ImageVersionRequest {
  return {
    ...body,
    properties: { ...properties, publishingProfile: { targetRegions } },
    sigil: { encryption },
  };
}

async function regionsInAzure(): Promise<readonly TargetRegion[]> {
  const { resource } =
    (await world.deps.resourceManager.getImageVersion(idOf(id))) ?? expect.fail("it is not there");
  return resource.properties.publishingProfile?.targetRegions ?? [];
}

/** Names of the sets that Azure has for the disks of each region: the OS disk's, then those of the data disks by LUN. */
async function setsInAzure(): Promise<Record<string, string[]>> {
  const nameOf = (set = ""): string => set.slice(set.lastIndexOf("/") + 1).toLowerCase();
  return Object.fromEntries(
    (await regionsInAzure()).map(({ name, encryption }) => [
      name.toLowerCase().replaceAll(" ", ""),
      [
        nameOf(encryption?.osDiskImage?.diskEncryptionSetId),
        ...(encryption?.dataDiskImages ?? []).map(
          ({ lun, diskEncryptionSetId }) => `${lun}: ${nameOf(diskEncryptionSetId)}`,
        ),
      ],
    ]),
  );
}

async function tagSet(
  name: string,
  region: string,
  tags = {},
  type?: Parameters<typeof of.diskEncryptionSet>[2],
): Promise<void> {
  await world.simulator.control.putResource({
    ...of.diskEncryptionSet(name, region, type),
    tags,
  });
}

test("chooses each disk's set in each region by name, the LUNs from the source", async () => {
  await world.simulator.control.putResource(
    of.diskEncryptionSet("westusDiskEncryptionSet0", "westus"),
  );
  await world.simulator.control.putResource(
    of.diskEncryptionSet("eastus2DiskEncryptionSet0", "eastus2"),
  );
  await request(world.deps, id, ruled(BY_NAME));
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(await setsInAzure()).toEqual({
    westus: ["westusdiskencryptionset1", "0: westusdiskencryptionset0"],
    eastus2: ["eastus2diskencryptionset1", "0: eastus2diskencryptionset0"],
  });
});

test("leaves a set that the request gives, and reads no source that lists its disks", async () => {
  const west = seedRegion("westus", "WestUS");
  await request(
    world.deps,
    id,
    ruled(BY_NAME, [west, { name: "eastus2" }], snapshotsRequest("eastus2")),
  );
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(await setsInAzure()).toEqual({
    westus: ["westusdiskencryptionset1", "0: westusdiskencryptionset2"],
    eastus2: ["eastus2diskencryptionset1", "0: eastus2diskencryptionset0"],
  });
});

test("gives a confidential OS disk its set where one takes it, and none where platform keys hold it", async () => {
  const plan = await planImageVersion(world.deps, {
    id: idOf(id),
    body: ruled({ osDisk: "{region}ConfidentialEncryptionSet" }, [
      { name: "westus", encryption: CONFIDENTIAL },
      {
        name: "eastus2",
        encryption: {
          osDiskImage: {
            securityProfile: {
              confidentialVMEncryptionType: "EncryptedWithPmk",
            },
          },
        },
      },
    ]),
  });
  const sent = JSON.stringify(plan.request?.body);
  expect(sent).toContain(
    `"secureVMDiskEncryptionSetId":"${seedResource("diskEncryptionSets/westusConfidentialEncryptionSet")}"`,
  );
  expect(sent).not.toContain("eastus2ConfidentialEncryptionSet");
});

test("says which set is missing, at the place that it was chosen for, with what would make it", async () => {
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(id),
    body: ruled({ osDisk: "{image}-{region}", dataDisks: BY_NAME.dataDisks }),
  });
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "DiskEncryptionSetNotFound",
      pointer:
        "/properties/publishingProfile/targetRegions/0/encryption/osDiskImage/diskEncryptionSetId",
      message: expect.stringContaining("diskEncryptionSets/MyImage-westus") as string,
      remediation: expect.stringContaining(
        "In Bicep: resource set 'Microsoft.Compute/diskEncryptionSets@2025-01-02' = { name: 'MyImage-westus', location: 'westus', identity: { type: 'SystemAssigned' }, properties: { activeKey: { keyUrl: '{key}' } } }",
      ) as string,
    }),
  );
});

test("chooses by tag: the one set of the region; sets that are tagged later change nothing", async () => {
  await tagSet("golden-west", "westus", { Image: "golden=1" });
  await tagSet("golden-east", "eastus2", { image: "golden=1", more: "" });
  await tagSet("other-east", "eastus2", { image: "Golden=1" });
  const body = ruled({ tag: "image=golden=1" });
  const { id: first } = await request(world.deps, id, body);
  await tagSet("golden-east-2", "eastus2", { image: "golden=1" });
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(await setsInAzure()).toEqual({
    westus: ["golden-west", "0: golden-west"],
    eastus2: ["golden-east", "0: golden-east"],
  });

  const refused = await refusal(request(world.deps, seedVersionId("900.0.0"), body));
  expect(refused.code).toBe("InvalidRequest");
  expect(refused.findings).toEqual([
    expect.objectContaining({
      code: "SeveralDiskEncryptionSetsFit",
      pointer: "/sigil/encryption/tag",
      message: expect.stringMatching(
        /^2 disk encryption sets in eastus2 have the tag image=golden=1: .*golden-east, .*golden-east-2\.$/u,
      ) as string,
    }),
  ]);
  await tagSet("golden-east-2", "eastus2");
  expect((await request(world.deps, id, body)).id).toBe(first);
});

test.each([
  ["is on two sets now", "moved-west-2", { moved: "1" }],
  ["is on none any more", "moved-west", {}],
])(
  "a request repeated while its creation runs is the same, though its tag %s, and its plan agrees",
  async (_, name, tags) => {
    await tagSet("moved-west", "westus", { moved: "1" });
    await tagSet("moved-west-2", "westus");
    const body = ruled({ tag: "moved=1" }, [{ name: "westus" }]);
    const { id: first } = await request(world.deps, id, body);
    const repeated = async (): Promise<void> => {
      expect((await request(world.deps, id, body)).id).toBe(first);
      expect(
        (
          await operationIn(
            putImageVersion(world.deps, {
              ...commandOf(id, body),
              plan: "require",
            }),
          )
        ).id,
      ).toBe(first);
      const { findings, request: sent } = await planImageVersion(world.deps, {
        id: idOf(id),
        body,
      });
      expect(findings.map(({ code }) => code)).toContain("AlreadyRequested");
      expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
      if (sent !== undefined) expect(JSON.stringify(sent)).toMatch(/moved-west"/iu);
    };
    await repeated();
    await tagSet(name, "westus", tags);
    await repeated();
    await world.runDue();
    await repeated();
    expect((await world.finish(id)).status).toBe("Succeeded");
    expect(await setsInAzure()).toEqual({
      westus: ["moved-west", "0: moved-west"],
    });
    // What ends there is chosen anew elsewhere.
    expect((await refusal(request(world.deps, seedVersionId("901.0.0"), body))).code).toBe(
      "InvalidRequest",
    );
  },
);

test("a patch repeated while it waits is the same, though its tag is on two sets now", async () => {
  await tagSet("patched-west", "westus", { patched: "1" });
  await tagSet("patched-east", "eastus2", { patched: "1" });
  await request(world.deps, id, ruled({ tag: "patched=1" }, [{ name: "westus" }]));
  await world.finish(id);
  const { body: _, ...command } = commandOf(id, managedImageRequest());
  const patch = {
    properties: {
      publishingProfile: {
        targetRegions: [...(await regionsInAzure()), { name: "eastus2" }],
      },
    },
    sigil: { encryption: { tag: "patched=1" } },
  };
  const patched = () =>
    operationIn(patchImageVersion(world.deps, { ...command, validate: () => [], patch }));
  const { id: first } = await patched();
  await tagSet("patched-east-2", "eastus2", { patched: "1" });
  expect((await patched()).id).toBe(first);
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(await setsInAzure()).toMatchObject({
    eastus2: ["patched-east", "0: patched-east"],
  });
});

test("a confidential OS disk keeps the set that it has, though another has the tag now", async () => {
  const type = "ConfidentialVmEncryptedWithCustomerKey";
  const tags = { image: "secret" };
  await world.simulator.control.putResource(
    of.imageDefinition("MyGallery", "Secret", "westus", {
      features: [{ name: "SecurityType", value: "ConfidentialVMSupported" }],
    }),
  );
  const version = seedVersionId("90.0.0").replace("MyImage", "Secret");
  await tagSet("secret-1", "westus", tags, type);
  await tagSet("secret-data", "westus", tags);
  const body = ruled({ tag: "image=secret" }, [{ name: "westus", encryption: CONFIDENTIAL }]);
  await request(world.deps, version, body);
  expect((await world.finish(version)).status).toBe("Succeeded");
  await tagSet("secret-1", "westus", {}, type);
  await tagSet("secret-2", "westus", tags, type);
  await request(world.deps, version, { ...body, tags: { a: "1" } });
  expect((await world.finish(version)).status).toBe("Succeeded");
  const { resource } =
    (await world.deps.resourceManager.getImageVersion(idOf(version))) ??
    expect.fail("it is not there");
  expect(JSON.stringify(resource)).toMatch(/secret-1/iu);
  expect(JSON.stringify(resource)).not.toMatch(/secret-2/iu);
});

test("tells of each region that has no set with the tag, and of each kind, with what would make one", async () => {
  await tagSet("lonely", "westus", { lonely: "yes" });
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(id),
    body: ruled({ tag: "lonely=yes" }, [
      { name: "westus", encryption: CONFIDENTIAL },
      { name: "eastus2" },
    ]),
  });
  expect(findings.filter(({ code }) => code === "NoDiskEncryptionSetFits")).toEqual([
    expect.objectContaining({
      message: naming(["ConfidentialVmEncryptedWithCustomerKey", "westus"]),
      remediation: expect.stringContaining(
        "encryptionType: 'ConfidentialVmEncryptedWithCustomerKey'",
      ) as string,
    }),
    expect.objectContaining({
      message: "No disk encryption set in eastus2 has the tag lonely=yes.",
      remediation: expect.stringContaining("tags: { 'lonely': 'yes' }") as string,
    }),
  ]);
});

test("a region that a patch adds gets its sets by the patch's rule, the LUNs of the version", async () => {
  await request(world.deps, id, ruled(BY_NAME, [{ name: "westus" }], managedImageRequest()));
  await world.finish(id);
  const { body: _, ...command } = commandOf(id, managedImageRequest());
  await operationIn(
    patchImageVersion(world.deps, {
      ...command,
      validate: () => [],
      patch: {
        properties: {
          publishingProfile: {
            targetRegions: [...(await regionsInAzure()), { name: "eastus2" }],
          },
        },
        sigil: { encryption: BY_NAME },
      },
    }),
  );
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(await setsInAzure()).toMatchObject({
    eastus2: ["eastus2diskencryptionset1", "0: eastus2diskencryptionset0"],
  });
});

test("a next version with a rule is made once, however often its request is repeated", async () => {
  const image = idOf(id);
  const next = () =>
    createNextImageVersion(world.deps, {
      image,
      body: ruled(BY_NAME),
      increment: "major",
      idempotencyKey: "nightly-rule",
      requestedBy: { appId: "build-system", objectId: "object" },
      traceparent: commandOf(id, managedImageRequest()).traceparent,
    });
  const { id: first } = await next();
  expect((await next()).id).toBe(first);
});

test("a source that may not be read leaves the data disks unknown, and says so", async () => {
  const { findings } = await planImageVersion(
    {
      ...world.deps,
      resources: {
        ...world.deps.resources,
        getSource: (source) =>
          world.deps.resources.getSource(source).then(() => {
            throw new ServiceError("ResourceManagerForbidden", "It may not be read.", {
              fields: {
                action: "Microsoft.Compute/images/read",
                scope: source,
              },
            });
          }),
      },
    },
    { id: idOf(id), body: ruled(BY_NAME) },
  );
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "DataDisksUnknown",
      pointer: "/sigil/encryption/dataDisks",
    }),
  );
});
