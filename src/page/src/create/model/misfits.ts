/**
 * Members of a pasted body that the form cannot show, because they have another type than it
 * expects.
 */
import { isObject } from "./json.js";

/** Text may be a number, and a number text: the service says what is wrong with that. */
type Shape = "text" | "number" | "boolean" | readonly [Shape] | { readonly [name: string]: Shape };

/** Every member of an object. */
const EACH = "*";

const SOURCE: Shape = { id: "text", virtualMachineId: "text" };

/** The members that `formOf` reads. All others are kept as they are. */
const BODY: Shape = {
  location: "text",
  tags: { [EACH]: "text" },
  properties: {
    publishingProfile: {
      targetRegions: [
        {
          name: "text",
          regionalReplicaCount: "number",
          storageAccountType: "text",
          excludeFromLatest: "boolean",
          encryption: {
            osDiskImage: {
              diskEncryptionSetId: "text",
              securityProfile: {
                confidentialVMEncryptionType: "text",
                secureVMDiskEncryptionSetId: "text",
              },
            },
            dataDiskImages: [
              {
                lun: "number",
                diskEncryptionSetId: "text",
                securityProfile: {
                  confidentialVMEncryptionType: "text",
                  secureVMDiskEncryptionSetId: "text",
                },
              },
            ],
          },
        },
      ],
      excludeFromLatest: "boolean",
      endOfLifeDate: "text",
    },
    storageProfile: {
      source: SOURCE,
      osDiskImage: { source: SOURCE },
      dataDiskImages: [{ lun: "number", source: SOURCE }],
    },
    safetyProfile: { blockDeletionBeforeEndOfLife: "boolean" },
    securityProfile: {
      secretsProvisioningSettings: {
        isSupported: "boolean",
        osName: "text",
        components: [{ name: "text", version: "text" }],
      },
    },
  },
  sigil: {
    promotion: { when: "text", regions: ["text"] },
    encryption: { osDisk: "text", dataDisks: "text", tag: "text" },
  },
};

/** A sentence for each member of another kind, by its JSON Pointer. What is null is not there. */
export function misfitsOf(value: unknown, shape: Shape = BODY, pointer = ""): readonly string[] {
  if (value === null && pointer !== "") return [];
  const wrong = (wanted: string): readonly string[] => [
    `${pointer || "The request"} is ${kindOf(value)}. It must be ${wanted}.`,
  ];
  if (shape === "text" || shape === "number")
    return typeof value === "string" || typeof value === "number"
      ? []
      : wrong(shape === "text" ? shape : "a number");
  if (shape === "boolean") return typeof value === "boolean" ? [] : wrong("true or false");
  if (isList(shape))
    return Array.isArray(value)
      ? value.flatMap((item: unknown, i) =>
          item === null
            ? [`${pointer}/${i} is null.`]
            : misfitsOf(item, shape[0], `${pointer}/${i}`),
        )
      : wrong("an array");
  if (!isObject(value)) return wrong("an object");
  return Object.entries(value).flatMap(([name, member]) => {
    const of = shape[EACH] ?? (Object.hasOwn(shape, name) && shape[name]);
    return of ? misfitsOf(member, of, `${pointer}/${segment(name)}`) : [];
  });
}

/** Array.isArray does not tell a read-only array from an object. */
function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (isObject(value)) return "an object";
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}

/** RFC 6901. */
function segment(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
