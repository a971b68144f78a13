import { expect, test } from "vitest";
import { withSetIds } from "../../../../src/image-version/commands/set-names.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { idOf } from "../../../support/dependencies.js";
import { seedResource, seedVersionId } from "../../../support/requests.js";

const ID = idOf(seedVersionId("1.0.0"));
const MINE = seedResource("diskEncryptionSets/mySet");
const OTHERS = MINE.replace("MyResourceGroup", "keys");

/** The sets of a body that gives `name` everywhere. */
function setsIn(name: string): unknown[] {
  const body = {
    location: "westus",
    tags: { diskEncryptionSetId: 7 },
    properties: {
      storageProfile: { source: { id: "mySet" } },
      publishingProfile: {
        targetRegions: [
          {
            name: "westus",
            encryption: {
              osDiskImage: {
                diskEncryptionSetId: name,
                securityProfile: { secureVMDiskEncryptionSetId: name },
              },
              dataDiskImages: [{ lun: 0, diskEncryptionSetId: name }],
            },
          },
        ],
        targetExtendedLocations: [{ encryption: { osDiskImage: { diskEncryptionSetId: name } } }],
      },
    },
  } as unknown as ImageVersionRequest;
  const after = withSetIds(body, ID);
  expect(after.properties.storageProfile.source?.id).toBe("mySet");
  expect(after.tags).toEqual({ diskEncryptionSetId: 7 });
  const { targetRegions, targetExtendedLocations } = after.properties.publishingProfile ?? {};
  const { osDiskImage, dataDiskImages } = targetRegions?.[0]?.encryption ?? {};
  return [
    osDiskImage?.diskEncryptionSetId,
    osDiskImage?.securityProfile?.secureVMDiskEncryptionSetId,
    dataDiskImages?.[0]?.diskEncryptionSetId,
    targetExtendedLocations?.[0]?.encryption?.osDiskImage?.diskEncryptionSetId,
  ];
}

test.each([
  ["mySet", MINE],
  ["/mySet", MINE],
  ["keys/mySet", OTHERS],
  ["/keys/mySet", OTHERS],
  [MINE, MINE],
  [MINE.slice(1), MINE.slice(1)],
  ["a/b/c", "a/b/c"],
  ["", ""],
  ["keys/", "keys/"],
])("%j is the set %s", (name, id) => {
  expect(setsIn(name)).toEqual([id, id, id, id]);
});

test("a tag that is called as a set is stays what it is", () => {
  const body = {
    location: "westus",
    tags: { diskEncryptionSetId: "mySet" },
    properties: { storageProfile: {} },
  };
  expect(withSetIds(body, ID).tags).toEqual({ diskEncryptionSetId: "mySet" });
});
