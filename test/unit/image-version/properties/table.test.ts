import type { OpenAPIV3 } from "openapi-types";
import { describe, expect, test } from "vitest";
import { escapePointer } from "../../../../src/errors.js";
import { resolve } from "../../../../src/http/contract/openapi-document.js";
import { patched } from "../../../../src/image-version/properties/body.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import {
  fieldsOf,
  patternOf,
  propertyOf,
} from "../../../../src/image-version/properties/fields.js";
import {
  askedOfSeen,
  impossibleAmong,
  unmetBy,
} from "../../../../src/image-version/properties/patch.js";
import {
  ALLOW_DELETION,
  END_OF_LIFE_DATE,
  EXCLUDE_FROM_LATEST,
  isKnown,
  isMap,
  keyAt,
  PROMOTION,
  PROPERTIES,
  propertyAt,
  READ_ONLY,
  TARGET_REGIONS,
} from "../../../../src/image-version/properties/table.js";
import { seedResource } from "../../../support/requests.js";
import { content } from "../../http/contract/document.js";
import {
  documentOf,
  PROFILE,
  regionalField,
  REGIONS,
  resource,
  SAFETY,
  STORAGE,
  ZONES,
} from "./document-of.js";

const BASE = seedResource("galleries/Base/images/rhel9/versions/4.12.3");

type Schema = OpenAPIV3.SchemaObject & { readonly "x-read-only-properties"?: readonly string[] };

describe("the contract's GalleryImageVersion", () => {
  const writable: string[] = [];
  const readOnly: string[] = [];
  walk("", { $ref: "#/components/schemas/GalleryImageVersion" });

  /** Lists and objects that the table has as one value end the walk, as plain values do. */
  function walk(path: string, reference: OpenAPIV3.SchemaObject | OpenAPIV3.ReferenceObject): void {
    const schema = resolve<Schema>(content, reference);
    for (const name of schema["x-read-only-properties"] ?? []) readOnly.push(`${path}/${name}`);
    if (path in PROPERTIES || !["object", "array"].includes(schema.type ?? "")) writable.push(path);
    else if (schema.type === "array") walk(`${path}/*`, schema.items);
    else {
      if (typeof schema.additionalProperties === "object")
        walk(`${path}/*`, schema.additionalProperties);
      for (const [name, property] of Object.entries(schema.properties ?? {}))
        walk(`${path}/${name}`, property);
    }
  }

  test("has each property of the table, and no writable one beside them", () => {
    // A rule that chooses properties is none itself.
    const properties = writable.filter(
      (path) => !path.startsWith("/sigil/encryption/") && path !== "/sigil/capture",
    );
    expect(properties.sort()).toEqual(Object.keys(PROPERTIES).sort());
  });

  test("has each read-only property, and none beside them but Sigil's own", () => {
    const own = readOnly.filter((path) => path.startsWith("/sigil/"));
    expect(own).toContain("/sigil/managedBy");
    expect(readOnly.filter((path) => !own.includes(path)).sort()).toEqual([...READ_ONLY].sort());
  });

  test("has as one value only what has no keys", () => {
    const whole = Object.keys(PROPERTIES).filter((path) => {
      let schema: Schema = { $ref: "#/components/schemas/GalleryImageVersion" } as Schema;
      schema = resolve<Schema>(content, schema);
      for (const part of path.slice(1).split("/")) {
        const next =
          part === "*"
            ? schema.type === "array"
              ? schema.items
              : (schema.additionalProperties as Schema)
            : (schema.properties ?? {})[part];
        schema = resolve<Schema>(content, next as Schema);
      }
      return schema.type === "object" || schema.type === "array";
    });
    expect(whole.sort()).toEqual([
      `${REGIONS}/*/additionalReplicaSets`,
      "/properties/securityProfile/secretsProvisioningSettings/components",
      "/properties/securityProfile/uefiSettings/additionalSignatures",
      "/properties/securityProfile/uefiSettings/signatureTemplateNames",
      "/sigil/promotion",
    ]);
  });
});

/** What an update may do with a property, and what it means to leave it out. */
interface Row {
  /** As a caller may write it, and as it is compared and sent. */
  readonly written: unknown;
  readonly canonical: unknown;
  /** Another value. */
  readonly other: unknown;
  /** Another value is possible, or impossible once there is one. */
  readonly change: "possible" | "impossible";
  /** Never changes: no finding where Azure does not show it. */
  readonly made?: true;
  /** Left out of a request after it was applied: `stays`, `goes` from the body, or this is sent. */
  readonly leftOut: "stays" | "goes" | { readonly sends: unknown };
  /** What Azure has where nothing is said. */
  readonly silence?: unknown;
  readonly own?: true;
}

/** As the version was made. */
const made = (written: unknown, canonical: unknown, other: unknown): Row => ({
  ...{ written, canonical, other },
  change: "impossible",
  made: true,
  leftOut: "stays",
});
/** Added, and then there to stay. */
const added = (written: unknown, canonical: unknown, other: unknown): Row => ({
  ...{ written, canonical, other },
  change: "impossible",
  leftOut: "stays",
});
const mutable = (written: unknown, canonical: unknown, other: unknown): Row => ({
  ...{ written, canonical, other },
  change: "possible",
  leftOut: "goes",
});
const replicas: Row = { ...mutable(3, 3, 2), leftOut: { sends: 1 }, silence: 1 };
const guard: Row = { ...mutable(true, true, false), leftOut: { sends: false }, silence: false };
const exclusion: Row = { ...guard, leftOut: "stays" };
const id = (path: string): Row =>
  added(`${resource(path).slice(1)}/`, resource(path), resource(`${path}Other`));
const source = (path: string): Row => ({ ...id(path), made: true });
const vhd = made(
  "https://account.blob.core.windows.net/vhds/OS.vhd",
  "https://account.blob.core.windows.net/vhds/OS.vhd",
  "https://account.blob.core.windows.net/vhds/other.vhd",
);
const storageType = made("premium_lrs", "Premium_LRS", "Standard_LRS");
const caching = made("readonly", "ReadOnly", "None");
const confidential = added("encryptedwithcmk", "EncryptedWithCmk", "EncryptedWithPmk");

const confidentialData = added(
  "datadiskencryptedwithcmk",
  "DataDiskEncryptedWithCmk",
  "EncryptedWithPmk",
);
/** Changed by an update, and kept where it is left out. */
const kept = (written: unknown, canonical: unknown, other: unknown): Row => ({
  ...mutable(written, canonical, other),
  leftOut: "stays",
});

const ROWS: Readonly<Record<string, Row>> = {
  "/location": made("West US", "westus", "eastus"),
  "/tags/build": mutable("Full", "Full", "full"),
  [`${PROFILE}/replicaCount`]: replicas,
  [`${PROFILE}/excludeFromLatest`]: exclusion,
  [`${PROFILE}/endOfLifeDate`]: {
    ...mutable(
      "2030-01-01T01:00:00.0000000+01:00",
      "2030-01-01T00:00:00.000Z",
      "2031-01-01T00:00:00.000Z",
    ),
  },
  [`${PROFILE}/storageAccountType`]: storageType,
  [`${PROFILE}/storageAccountStrategy`]: made(
    "preferstandard_zrs",
    "PreferStandard_ZRS",
    "DefaultStandard_LRS",
  ),
  [`${PROFILE}/replicationMode`]: { ...made("shallow", "Shallow", "Other"), silence: "Full" },
  [regionalField("westus", "name")]: added("West US", "westus", "eastus"),
  [regionalField("westus", "regionalReplicaCount")]: replicas,
  [regionalField("westus", "storageAccountType")]: storageType,
  [regionalField("westus", "excludeFromLatest")]: exclusion,
  [regionalField("westus", "additionalReplicaSets")]: mutable(
    [{ storageAccountType: "premiumv2_lrs", regionalReplicaCount: 2 }],
    [{ storageAccountType: "PremiumV2_LRS", regionalReplicaCount: 2 }],
    [{ storageAccountType: "PremiumV2_LRS", regionalReplicaCount: 3 }],
  ),
  [regionalField("westus", "encryption/osDiskImage/diskEncryptionSetId")]:
    id("diskEncryptionSets/os"),
  [regionalField("westus", "encryption/osDiskImage/securityProfile/confidentialVMEncryptionType")]:
    confidential,
  [regionalField("westus", "encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId")]:
    id("diskEncryptionSets/confidential"),
  [regionalField("westus", "encryption/dataDiskImages/7/lun")]: added(7, 7, 8),
  [regionalField("westus", "encryption/dataDiskImages/7/diskEncryptionSetId")]:
    id("diskEncryptionSets/data"),
  [regionalField(
    "westus",
    "encryption/dataDiskImages/7/securityProfile/confidentialVMEncryptionType",
  )]: confidentialData,
  [regionalField(
    "westus",
    "encryption/dataDiskImages/7/securityProfile/secureVMDiskEncryptionSetId",
  )]: id("diskEncryptionSets/confidentialData"),
  [`${ZONES}/westus los angeles/name`]: added("West US", "westus", "eastus"),
  [`${ZONES}/westus los angeles/extendedLocation/name`]: added(
    "los angeles",
    "los angeles",
    "LOS ANGELES",
  ),
  [`${ZONES}/westus los angeles/extendedLocation/type`]: made("edgezone", "EdgeZone", "Unknown"),
  [`${ZONES}/westus los angeles/extendedLocationReplicaCount`]: replicas,
  [`${ZONES}/westus los angeles/storageAccountType`]: made(
    "standardssd_lrs",
    "StandardSSD_LRS",
    "Standard_LRS",
  ),
  [`${ZONES}/westus los angeles/encryption/osDiskImage/diskEncryptionSetId`]:
    id("diskEncryptionSets/zone"),
  [`${ZONES}/westus los angeles/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`]:
    confidential,
  [`${ZONES}/westus los angeles/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`]:
    id("diskEncryptionSets/confidentialZone"),
  [`${ZONES}/westus los angeles/encryption/dataDiskImages/7/lun`]: added(7, 7, 8),
  [`${ZONES}/westus los angeles/encryption/dataDiskImages/7/diskEncryptionSetId`]: id(
    "diskEncryptionSets/zoneData",
  ),
  [`${ZONES}/westus los angeles/encryption/dataDiskImages/7/securityProfile/confidentialVMEncryptionType`]:
    confidentialData,
  [`${ZONES}/westus los angeles/encryption/dataDiskImages/7/securityProfile/secureVMDiskEncryptionSetId`]:
    id("diskEncryptionSets/confidentialZoneData"),
  [`${STORAGE}/source/id`]: source("images/myImage"),
  [`${STORAGE}/source/virtualMachineId`]: source("virtualMachines/myMachine"),
  [`${STORAGE}/source/communityGalleryImageId`]: made(
    "CommunityGalleries/g-1/Images/i/Versions/1.0.0",
    "/CommunityGalleries/g-1/Images/i/Versions/1.0.0",
    "/CommunityGalleries/g-1/Images/i/Versions/1.0.1",
  ),
  [`${STORAGE}/osDiskImage/hostCaching`]: caching,
  [`${STORAGE}/osDiskImage/source/id`]: source("snapshots/os"),
  [`${STORAGE}/osDiskImage/source/storageAccountId`]: source("storageAccounts/account"),
  [`${STORAGE}/osDiskImage/source/uri`]: vhd,
  [`${STORAGE}/dataDiskImages/7/lun`]: made(7, 7, 8),
  [`${STORAGE}/dataDiskImages/7/hostCaching`]: caching,
  [`${STORAGE}/dataDiskImages/7/source/id`]: source("snapshots/data"),
  [`${STORAGE}/dataDiskImages/7/source/storageAccountId`]: source("storageAccounts/account"),
  [`${STORAGE}/dataDiskImages/7/source/uri`]: vhd,
  [`${SAFETY}/allowDeletionOfReplicatedLocations`]: guard,
  [`${SAFETY}/blockDeletionBeforeEndOfLife`]: guard,
  "/properties/securityProfile/secretsProvisioningSettings/isSupported": kept(true, true, false),
  "/properties/securityProfile/secretsProvisioningSettings/osName": kept("os", "os", "OS"),
  "/properties/securityProfile/secretsProvisioningSettings/components": kept(
    [{ name: "azureguestagent", version: "2.7.0" }],
    [{ name: "AzureGuestAgent", version: "2.7.0" }],
    [{ name: "AzureGuestAgent", version: "2.8.0" }],
  ),
  "/properties/securityProfile/uefiSettings/signatureTemplateNames": made(
    ["microsoftwindowstemplate", "nosignaturetemplate"],
    ["MicrosoftWindowsTemplate", "NoSignatureTemplate"],
    ["MicrosoftWindowsTemplate"],
  ),
  "/properties/securityProfile/uefiSettings/additionalSignatures": made(
    { pk: { type: "X509", value: ["QQ=="] } },
    { pk: { type: "x509", value: ["QQ=="] } },
    { pk: { type: "x509", value: ["QQ==", "Qg=="] } },
  ),
  "/properties/restore": made(true, true, false),
  "/sigil/promotion": {
    ...mutable(
      { when: "regions", regions: ["West US"] },
      { when: "regions", regions: ["westus"] },
      { when: "manual" },
    ),
    own: true,
  },
  [`/sigil/builtFrom/${escapePointer(BASE.toLowerCase())}`]: {
    ...added(BASE.replace("/versions/", "/VERSIONS/"), BASE, `${BASE}0`),
    own: true,
  },
  "/sigil/protected": { ...exclusion, own: true },
};

test("the rows below are the table's", () => {
  expect(Object.keys(ROWS).map(patternOf)).toEqual(Object.keys(PROPERTIES));
});

describe.each(Object.entries(ROWS))("%s", (field, row) => {
  const { written, canonical, other, leftOut, silence } = row;
  /** What names the region or zone, so that it is there. */
  const beside = Object.fromEntries(
    [`${REGIONS}/westus`, `${ZONES}/westus los angeles`]
      .filter((item) => field.startsWith(`${item}/`))
      .map((item) => [`${item}/name`, "westus"]),
  );
  const shown = { ...beside, [field]: canonical };

  test("has one spelling", () => {
    const body = documentOf({ "/location": "westus", [field]: written });
    expect(fieldsOf(body)[field]).toEqual(canonical);
    expect(fieldsOf(canonicalForm(body))[field]).toEqual(canonical);
    expect(fieldsOf(documentOf({ [field]: canonical }))[field]).toEqual(canonical);
  });

  test(`another value is ${row.change}`, () => {
    const unmet = unmetBy(shown, { [field]: other });
    if (row.own === true) return expect(unmet).toEqual([]); // Azure has nothing to do with it.
    expect(unmet).toEqual([{ field, before: canonical, after: other }]);
    return expect(impossibleAmong(unmet)).toEqual(row.change === "impossible" ? unmet : []);
  });

  test("where Azure does not show it, it can be added, and is not looked for if it never changes", () => {
    const { [field]: _, ...without } = shown;
    const unmet = unmetBy(without, { [field]: canonical });
    const isSkipped = row.made === true && silence === undefined;
    expect(unmet).toEqual(
      isSkipped || row.own === true ? [] : [{ field, before: undefined, after: canonical }],
    );
    // What never changes and has a default is that default where Azure is silent.
    expect(impossibleAmong(unmet)).toEqual(row.made === true ? unmet : []);
  });

  test("left out, it is cleared or stays", () => {
    const { [field]: _, ...without } = shown;
    expect(askedOfSeen(shown, without)).toEqual(leftOut === "stays" ? {} : { [field]: null });
    // A region or zone that the request does not name at all stays with all that it has.
    expect(askedOfSeen(shown, {})).toEqual(
      leftOut === "stays" || Object.keys(beside).length > 0 ? {} : { [field]: null },
    );
  });

  test("cleared, it is left out of the body or its default is sent", () => {
    const document = patched(documentOf(shown), { [field]: null });
    const { cleared } = propertyOf(field);
    expect(fieldsOf(document)[field]).toEqual(
      cleared === undefined ? canonical : cleared === "leftOut" ? undefined : silence,
    );
    expect(cleared === "default" && leftOut !== "stays").toBe(typeof leftOut === "object");
    expect(cleared === undefined).toBe(row.change === "impossible");
  });

  test(`saying ${JSON.stringify(silence) ?? "anything"} ${silence === undefined ? "is not" : "is"} the same as saying nothing`, () => {
    expect(propertyOf(field).default).toEqual(silence);
    if (silence === undefined) return;
    expect(unmetBy(beside, { [field]: silence })).toEqual([]);
    expect(unmetBy({ ...beside, [field]: silence }, { [field]: null })).toEqual([]);
  });
});

describe("keys of lists", () => {
  test("are a region's canonical name, a zone's with its region, and a LUN", () => {
    expect(keyAt(TARGET_REGIONS)?.({ name: "West US" })).toBe("westus");
    expect(keyAt(TARGET_REGIONS)?.({})).toBe("");
    expect(keyAt(ZONES)?.({ name: "West US", extendedLocation: { name: "Los Angeles" } })).toBe(
      "westus Los Angeles",
    );
    expect(keyAt(ZONES)?.({ name: "West US", extendedLocation: {} })).toBe("westus ");
    expect(keyAt(ZONES)?.({})).toBe(" ");
    for (const list of [
      `${REGIONS}/*/encryption/dataDiskImages`,
      `${ZONES}/*/encryption/dataDiskImages`,
      `${STORAGE}/dataDiskImages`,
    ])
      expect(keyAt(list)?.({ lun: 7 })).toBe("7");
  });

  test("are not asked for where a list is one value", () => {
    expect(keyAt(`${REGIONS}/*/additionalReplicaSets`)).toBeUndefined();
    expect(keyAt("")).toBeUndefined();
  });

  test("only the members of tags are named by callers", () => {
    expect(isMap("/tags")).toBe(true);
    expect(isMap("")).toBe(false);
  });
});

test("a path is known where it is a property or leads to one", () => {
  for (const path of ["", "/tags", "/tags/*", PROFILE, `${REGIONS}/*/name`])
    expect(isKnown(path)).toBe(true);
  for (const path of ["/id", "/tags/*/x", "/properties/publishing", "/x"])
    expect(isKnown(path)).toBe(false);
  expect(propertyAt(PROFILE)).toBeUndefined();
});

test("the properties that the core names are in the table", () => {
  expect([
    ALLOW_DELETION,
    END_OF_LIFE_DATE,
    EXCLUDE_FROM_LATEST,
    PROMOTION,
    `${TARGET_REGIONS}/*/name`,
  ]).toEqual([
    `${SAFETY}/allowDeletionOfReplicatedLocations`,
    `${PROFILE}/endOfLifeDate`,
    `${PROFILE}/excludeFromLatest`,
    "/sigil/promotion",
    `${REGIONS}/*/name`,
  ]);
});
