import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResourceReader } from "../../../src/image-version/ports.js";
import type { DiskEncryptionSet } from "../../../src/keys/ports.js";
import { parseResourceId } from "../../../src/resource-id.js";
import { IMAGES, SOURCE, VERSIONS } from "./requests.js";
import { THROTTLED, type AzureUnderTest } from "./azure.js";

const IMAGE = IMAGES[0] ?? "";
const GALLERY = IMAGE.replace(/\/images\/.*$/u, "");
const GROUP = GALLERY.replace(/\/galleries\/.*$/u, "");
const SET = `${GROUP}/diskEncryptionSets/eastus2-os`;
const SUBSCRIPTION_ID = parseResourceId(GALLERY)?.subscriptionId ?? "";

type Read = (reader: ResourceReader, id: string) => Promise<unknown>;
const READS: readonly [string, string, Read][] = [
  ["gallery", GALLERY, (reader, id) => reader.getGallery(id)],
  ["image definition", IMAGE, (reader, id) => reader.getImageDefinition(id)],
  ["disk encryption set", SET, (reader, id) => reader.getDiskEncryptionSet(id)],
  ["source", SOURCE, (reader, id) => reader.getSource(id)],
];

/** What every ResourceReader does. */
export function resourceReaderSuite(start: () => Promise<AzureUnderTest>): void {
  let azure: AzureUnderTest;
  let reader: ResourceReader;
  beforeAll(async () => {
    azure = await start();
    reader = azure.resources;
  });
  afterAll(() => azure.close());

  describe.each(READS)("a %s", (_, id, read) => {
    test("that is not there is undefined", async () => {
      expect(await read(reader, `${id}None`)).toBeUndefined();
    });

    test("has the id by which it was asked for, in any case", async () => {
      const asked = id.toUpperCase();
      expect(await read(reader, asked)).toMatchObject({ id: asked });
    });

    test("is not what has an id of another type, or no id", async () => {
      for (const [, other] of READS)
        if (other !== id) expect(await read(reader, other)).toBeUndefined();
      expect(await read(reader, "nonsense")).toBeUndefined();
    });

    test("whose read is throttled is read once, and may be read again", async () => {
      azure.throttleNext();
      await expect(read(reader, id)).rejects.toMatchObject(THROTTLED);
      expect(await read(reader, id)).toBeDefined();
    });
  });

  test("each shows what rules ask about", async () => {
    expect(await reader.getGallery(GALLERY)).toEqual({
      id: GALLERY,
      sharing: "Private",
    });
    expect(await reader.getImageDefinition(IMAGE)).toEqual({
      id: IMAGE,
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
      architecture: "x64",
      securityType: "Standard",
    });
    expect(await reader.getDiskEncryptionSet(SET)).toEqual({
      id: SET,
      region: "eastus2",
      provisioningState: "Succeeded",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      keyUrl: expect.stringMatching(/^https:.*\/keys\/eastus2-os\//u) as string,
      vaultId: expect.stringMatching(/\/vaults\/keys-eastus2$/u) as string,
      rotationToLatestKeyVersionEnabled: true,
    });
    expect(await reader.getSource(SOURCE)).toEqual({
      id: SOURCE,
      provisioningState: "Succeeded",
      regions: ["westus"],
      osDisk: { sizeInGB: 30 },
      dataDisks: [{ lun: 0, sizeInGB: 64 }],
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
    });
  });

  test("an image version that is not there is no source", async () => {
    expect(await reader.getSource(VERSIONS[0])).toBeUndefined();
  });

  test("a gallery's image definitions are listed as they are read", async () => {
    const listed = await reader.listImageDefinitions(GALLERY.toUpperCase());
    expect(listed?.map(({ name }) => name)).toContain(IMAGE.split("/").at(-1));
    const { id: _, ...definition } = (await reader.getImageDefinition(IMAGE)) ?? {};
    expect(listed).toContainEqual({
      ...definition,
      id: `${GALLERY.toUpperCase()}/images/${IMAGE.split("/").at(-1)}`,
      name: IMAGE.split("/").at(-1),
      region: "westus",
    });
  });

  test("galleries are listed", async () => {
    expect(await reader.listGalleries()).toContainEqual({
      id: GALLERY,
      name: GALLERY.split("/").at(-1),
      region: "westus",
    });
  });

  test("no gallery is no empty list, and no other id is asked for", async () => {
    expect(await reader.listImageDefinitions(`${GALLERY}None`)).toBeUndefined();
    expect(await reader.listImageDefinitions(IMAGE)).toBeUndefined();
    expect(await reader.listImageDefinitions("nonsense")).toBeUndefined();
  });

  test("a subscription's sets are listed as they are read, page after page", async () => {
    const sets: DiskEncryptionSet[] = [];
    let token: string | undefined;
    do {
      const page = await reader.listDiskEncryptionSets(SUBSCRIPTION_ID, token);
      sets.push(...(page?.value ?? []));
      token = page?.continuationToken;
    } while (token !== undefined);
    expect(sets).toHaveLength(12);
    expect(sets).toContainEqual(await reader.getDiskEncryptionSet(SET));
    expect(
      await reader.listDiskEncryptionSets("00000000-0000-4000-8000-000000000000"),
    ).toBeUndefined();
  });
}
