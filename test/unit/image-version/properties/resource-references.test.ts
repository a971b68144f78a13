import { expect, test } from "vitest";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { usedResources } from "../../../../src/image-version/properties/resource-references.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { managedImageRequest, seedResource } from "../../../support/requests.js";

type Storage = ImageVersionRequest["properties"]["storageProfile"];

/** `kind pointer id` of what a version without regions of its own, with that source, makes use of. */
function used(storageProfile: Storage): readonly string[] {
  return usedResources(canonicalForm({ location: "westus", properties: { storageProfile } })).map(
    ({ kind, pointer, id }) =>
      `${kind} ${pointer.replace("/properties/storageProfile/", "")} ${id}`,
  );
}

test("every set in every region and the source are used", () => {
  const kinds = usedResources(canonicalForm(managedImageRequest())).map(
    ({ kind, pointer }) => `${kind} ${pointer.split("/").slice(3, 6).join("/")}`,
  );
  expect(kinds).toEqual([
    ...Array<string>(2).fill("diskEncryptionSets targetRegions/0/encryption"),
    ...Array<string>(2).fill("diskEncryptionSets targetRegions/1/encryption"),
    "sources source/id",
  ]);
});

test.each<[Storage, string[]]>([
  [{ source: { virtualMachineId: "/vm" } }, ["sources source/virtualMachineId /vm"]],
  [
    { source: { communityGalleryImageId: "/CommunityGalleries/x" } },
    ["sources source/communityGalleryImageId /CommunityGalleries/x"],
  ],
  [
    {
      osDiskImage: { source: { id: "/os" } },
      dataDiskImages: [{ lun: 0, source: { id: "/data" } }],
    },
    ["sources osDiskImage/source/id /os", "sources dataDiskImages/0/source/id /data"],
  ],
])("%j uses %j", (storage, expected) => {
  expect(used(storage)).toEqual(expected);
});

const ACCOUNT = seedResource("x").replace(
  "Microsoft.Compute/x",
  "Microsoft.Storage/storageAccounts/Mine",
);

test.each([
  ["https://mine.blob.core.windows.net/vhds/os.vhd", ACCOUNT, true],
  ["https://MINE.z7.blob.storage.azure.net/vhds/os.vhd", ACCOUNT, true],
  ["https://theirs.blob.core.windows.net/mine/os.vhd", ACCOUNT, false],
  ["https://mine.blob.core.windows.net@theirs.example/x", ACCOUNT, false],
  ["https://mine@theirs.blob.core.windows.net/x", ACCOUNT, false],
  ["https://127.0.0.1/mine", ACCOUNT, false],
  ["https://mine.theirs.example/vhds/os.vhd", ACCOUNT, false],
  ["https://mine.blob.core.windows.net.theirs.example/x", ACCOUNT, false],
  ["https://mine.blob.core.windows.net/vhds/os.vhd", undefined, false],
  ["https://mine.blob.core.windows.net/vhds/os.vhd", "/no/id", false],
])("the blob %s is of the storage account %s: %s", (uri, storageAccountId, isOfIt) => {
  const pointers = used({
    osDiskImage: { source: { uri, ...(storageAccountId && { storageAccountId }) } },
  });
  expect(pointers).toEqual([
    ...(storageAccountId === undefined
      ? []
      : [`sources osDiskImage/source/storageAccountId ${storageAccountId}`]),
    ...(isOfIt ? [] : [`sources osDiskImage/source/uri ${uri}`]),
  ]);
});
