import type { Finding } from "../../errors.js";
import { isComputeResourceId, parseResourceId } from "../resource-id.js";
import { diskEncryptionReferences } from "./disk-encryption-references.js";
import { STORAGE_PROFILE, type RequestRule } from "./rule.js";

const SOURCE_TYPES = [
  "images",
  "galleries/images/versions",
  "virtualMachines",
  "disks",
  "snapshots",
];
const DISK_TYPES = ["disks", "snapshots"];

/** Every resource id is well formed and names a resource of a kind that fits its place. */
export const resourceIds: RequestRule = (_id, request) => {
  const { source, osDiskImage, dataDiskImages } =
    request.properties.storageProfile;
  return [
    ...diskEncryptionReferences(request).flatMap((reference) =>
      expectType(reference.pointer, reference.diskEncryptionSetId, [
        "diskEncryptionSets",
      ]),
    ),
    ...expectType(`${STORAGE_PROFILE}/source/id`, source?.id, SOURCE_TYPES),
    ...expectType(
      `${STORAGE_PROFILE}/source/virtualMachineId`,
      source?.virtualMachineId,
      ["virtualMachines"],
    ),
    ...expectType(
      `${STORAGE_PROFILE}/osDiskImage/source/id`,
      osDiskImage?.source?.id,
      DISK_TYPES,
    ),
    ...(dataDiskImages ?? []).flatMap((image, i) =>
      expectType(
        `${STORAGE_PROFILE}/dataDiskImages/${i}/source/id`,
        image.source?.id,
        DISK_TYPES,
      ),
    ),
  ];
};

function expectType(
  pointer: string,
  id: string | undefined,
  types: readonly string[],
): Finding[] {
  if (id === undefined || types.some((type) => isComputeResourceId(id, type)))
    return [];
  const example = `/subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/${types[0]}/{name}`;
  return [
    parseResourceId(id) === undefined
      ? {
          code: "InvalidResourceId",
          pointer,
          message: `"${id}" is not a resource id. Write it as ${example}.`,
        }
      : {
          code: "WrongResourceType",
          pointer,
          message: `"${id}" is not one of Microsoft.Compute/${types.join(", Microsoft.Compute/")}. Write an id such as ${example}.`,
        },
  ];
}
