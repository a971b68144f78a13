import { describe, expect, it } from "vitest";
import type { DefinedError } from "ajv";
import { nearestName, toFindings } from "../../../../src/http/contract/findings.js";
import { createAjv, isDateOrDateTime } from "../../../../src/http/contract/validation.js";
import { managedImageBody, validator } from "./document.js";
import { naming } from "../../../support/naming.js";

type Json = Record<string, unknown>;
const PUBLISHING = "/properties/publishingProfile";
const REGION = `${PUBLISHING}/targetRegions/0`;
const DES = `${REGION}/encryption/osDiskImage/diskEncryptionSetId`;

/** The seed's body with the value at `pointer` replaced; undefined removes it. */
function bodyWith(pointer: string, value: unknown): Json {
  const body = structuredClone(managedImageBody) as Json;
  const segments = pointer.slice(1).split("/");
  const last = segments.pop() ?? "";
  let parent = body;
  for (const segment of segments) parent = (parent[segment] ??= {}) as Json;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return body;
}

const findingsOf = (body: unknown) => validator.validateBody("putImageVersion", body).findings;

describe("each mistake in a body has its own answer:", () => {
  it.each([
    [
      "/location",
      undefined,
      "MissingProperty",
      "`location` is missing. A region's name, in either case, with or without spaces.",
    ],
    [
      `${REGION}/name`,
      undefined,
      "MissingProperty",
      "`name` is missing. A region's name, in either case, with or without spaces.",
    ],
    ["/propertys", {}, "UnknownProperty", "`propertys` is unknown. Did you mean `properties`?"],
    [
      `${REGION}/encryption/OSDiskImage`,
      {},
      "UnknownProperty",
      "PowerShell's OSDiskImage is osDiskImage here.",
    ],
    [
      "/publishingProfile",
      {},
      "UnknownProperty",
      "`publishingProfile` is unknown. It belongs in `properties`.",
    ],
    [
      `${REGION}/zzz~a`,
      1,
      "UnknownProperty",
      "`zzz~a` is unknown. Known names: `name`, `regionalReplicaCount`, `storageAccountType`, `encryption`, `excludeFromLatest`, `additionalReplicaSets`.",
      `${REGION}/zzz~0a`,
    ],
    [
      "/apiVersion",
      "2023-07-03",
      "UnsupportedProperty",
      "`apiVersion` cannot be set. It belongs to the ARM template around the resource; Sigil chooses the API version. Remove it.",
    ],
    [
      "/dependsOn",
      [],
      "UnsupportedProperty",
      "`dependsOn` cannot be set. It belongs to the ARM template around the resource. Remove it.",
    ],
    [
      "/properties/ProvisioningState",
      "Succeeded",
      "UnknownProperty",
      "`ProvisioningState` is unknown. `provisioningState` is read-only. Remove it.",
    ],
    [
      "/properties/restore",
      "yes",
      "WrongType",
      "Must be a boolean, is a string. True restores a deleted version, as `POST …/restore` does.",
    ],
    [
      `${REGION}/encryption`,
      null,
      "WrongType",
      "Must be an object, is null: leave it out instead. A customer-managed key for each disk.",
    ],
    [
      `${REGION}/encryption`,
      "Hashtable",
      "WrongType",
      "Must be an object, is a string. A customer-managed key for each disk.",
    ],
    [
      `${REGION}/regionalReplicaCount`,
      "2",
      "WrongType",
      "Must be an integer, is a string. A number of replicas.",
    ],
    [
      `${PUBLISHING}/targetRegions`,
      {},
      "WrongType",
      "Must be an array, is an object. The regions to replicate to, `location` among them.",
    ],
    [
      `${REGION}/regionalReplicaCount`,
      101,
      "NotInRange",
      "Must be from 1 to 100, is 101. A number of replicas.",
    ],
    [
      `${REGION}/regionalReplicaCount`,
      0,
      "NotInRange",
      "Must be from 1 to 100, is 0. Leave it out if it is not set: NSwag's clients do with /generateOptionalPropertiesAsNullable:true. A number of replicas.",
    ],
    [
      `${REGION}/encryption/dataDiskImages/0/lun`,
      -1,
      "NotInRange",
      "Must be from 0 to 63, is -1. The logical unit number of a data disk.",
    ],
    [
      `${REGION}/storageAccountType`,
      "standard_lrz",
      "NotAllowedValue",
      "`standard_lrz` is not one of `Standard_LRS`, `Standard_ZRS`, `Premium_LRS`, `PremiumV2_LRS`. Did you mean `Standard_LRS`?",
    ],
    [
      `${PUBLISHING}/replicationMode`,
      "full",
      "NotAllowedValue",
      "`full` is not one of `Full`, `Shallow`. Did you mean `Full`?",
    ],
    [
      DES,
      "/galleries/g",
      "InvalidFormat",
      "The format is wrong. Example: `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/MyResourceGro…`. A disk encryption set's full resource id, in either case, with or without its leading slash; or, as az takes it, its name, or its resource group, a slash and its name.",
    ],
    [
      `${PUBLISHING}/endOfLifeDate`,
      "2030-02-30",
      "InvalidFormat",
      "The format is wrong. Example: `2030-12-01`. An RFC 3339 date-time, or a date, which means its midnight in UTC.",
    ],
    [
      `${PUBLISHING}/targetRegions`,
      [],
      "TooFewItems",
      "Must have at least 1 item. The regions to replicate to, `location` among them.",
    ],
    [
      `${PUBLISHING}/targetRegions`,
      Array.from({ length: 101 }, () => ({ name: "westus" })),
      "TooManyItems",
      "May have at most 100 items, has 101. The regions to replicate to, `location` among them.",
    ],
    ["/tags/build", "x".repeat(257), "TooLong", "May have at most 256 characters, has 257."],
    [
      "/tags",
      Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`t${i}`, ""])),
      "TooManyProperties",
      "May have at most 50 entries. At most 50 tags, each with a value of at most 256 characters.",
    ],
    [
      `${PUBLISHING}/targetExtendedLocations`,
      [{ extendedLocation: { name: "" } }],
      "TooShort",
      "Must not be empty. The edge zone's name.",
      `${PUBLISHING}/targetExtendedLocations/0/extendedLocation/name`,
    ],
  ])("%s = %j is %s", (pointer, value, code, message, at?: string) => {
    expect(findingsOf(bodyWith(pointer, value))).toEqual([
      { code, pointer: at ?? pointer, message },
    ]);
  });

  it.each([
    "System.Collections.Hashtable",
    "System.Collections.Specialized.OrderedDictionary",
    "System.Object[]",
    "@{diskEncryptionSetId=mySet}",
  ])("%s is what ConvertTo-Json has cut off", (value) => {
    expect(findingsOf(bodyWith(`${REGION}/encryption`, value))).toMatchObject([
      {
        code: "WrongType",
        message: naming("ConvertTo-Json -Depth 10."),
      },
    ]);
  });

  it.each([[[]], ["text"], [12], [null], [true]])("the body %j is WrongType", (body) => {
    expect(findingsOf(body)).toMatchObject([{ code: "WrongType", pointer: "" }]);
  });
});

describe("a body", () => {
  it("is answered with all its mistakes at once", () => {
    const body = bodyWith(`${REGION}/regionalReplicaCount`, 0);
    Object.assign(body, { location: 7, apiVersion: "x", colour: "blue" });
    expect(findingsOf(body).map(({ code, pointer }) => [code, pointer])).toEqual(
      expect.arrayContaining([
        ["UnsupportedProperty", "/apiVersion"],
        ["UnknownProperty", "/colour"],
        ["WrongType", "/location"],
        ["NotInRange", `${REGION}/regionalReplicaCount`],
      ]),
    );
    expect(findingsOf(body)).toHaveLength(4);
  });

  it("is answered with 100 findings at most, and the count of the rest", () => {
    const body = bodyWith(
      `${PUBLISHING}/targetRegions`,
      Array.from({ length: 9_000 }, () => 0),
    );
    const findings = findingsOf(body);
    expect(findings).toHaveLength(100);
    expect(findings.at(-1)).toEqual({
      code: "TooManyMistakes",
      pointer: "",
      message: naming(["8902"]),
    });
  });

  it("with more values than any image version has is refused without looking at each", () => {
    const body = bodyWith(
      `${PUBLISHING}/targetRegions`,
      Array.from({ length: 120_000 }, () => 0),
    );
    expect(findingsOf(body)).toEqual([
      {
        code: "TooManyValues",
        pointer: "",
        message: "May hold at most 10000 values in all.",
      },
    ]);
  });

  it("nested without end does not exhaust the stack", () => {
    let value: unknown = 0;
    for (let depth = 0; depth < 9_000; depth++) value = [value];
    expect(findingsOf(bodyWith("/location", value))).toMatchObject([
      { code: "WrongType", pointer: "/location" },
    ]);
  });

  it("may not bring a property that every object inherits", () => {
    const body = JSON.parse(
      '{"location":"westus","properties":{"storageProfile":{}},"__proto__":{},"constructor":1}',
    ) as Json;
    expect(findingsOf(body)).toMatchObject([
      { code: "UnknownProperty", pointer: "/__proto__" },
      { code: "UnknownProperty", pointer: "/constructor" },
    ]);
  });

  it("may not carry a shared access signature in the address of a VHD, and the finding does not repeat it", () => {
    const pointer = "/properties/storageProfile/osDiskImage/source/uri";
    const findings = findingsOf(
      bodyWith(pointer, "https://s.blob.core.windows.net/v/os.vhd?sig=SECRET"),
    );
    expect(findings).toMatchObject([{ code: "InvalidFormat", pointer }]);
    expect(JSON.stringify(findings)).not.toContain("SECRET");
  });

  it.each([
    [
      DES,
      "SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/a.b(c)_-/PROVIDERS/MICROSOFT.COMPUTE/DISKENCRYPTIONSETS/X",
    ],
    [DES, "WestUSDiskEncryptionSet1"],
    [DES, "MyResourceGroup/WestUSDiskEncryptionSet1"],
    ["/location", "East US 2"],
    [`${REGION}/storageAccountType`, "PREMIUMV2_lrs"],
    [`${PUBLISHING}/endOfLifeDate`, "2030-12-01T00:00:00.0000000+00:00"],
  ])("may spell %s as %s", (pointer, value) => {
    expect(findingsOf(bodyWith(pointer, value))).toEqual([]);
  });

  it("of an operation that takes none is not looked at", () => {
    expect(validator.validateBody("getOperation", { any: "thing" })).toEqual({
      value: { any: "thing" },
      pasted: false,
      findings: [],
    });
  });
});

describe("path parameters", () => {
  const path = {
    subscriptionId: "00000000-0000-0000-0000-00000000000A",
    resourceGroupName: "My-RG_(1).x",
    galleryName: "My.Gallery_1",
    imageName: "my-image",
    versionName: "1.0.2147483647",
  };

  it("are taken as they are", () => {
    expect(validator.validatePath("getImageVersion", path)).toEqual({
      values: path,
      findings: [],
    });
  });

  it.each([
    ["subscriptionId", "1234", "InvalidFormat"],
    ["subscriptionId", `urn:uuid:${path.subscriptionId}`, "InvalidFormat"],
    ["resourceGroupName", "ends.", "InvalidFormat"],
    ["resourceGroupName", "x".repeat(91), "TooLong"],
    ["resourceGroupName", "ｆullwidth", "InvalidFormat"],
    ["galleryName", "my-gallery", "InvalidFormat"],
    ["galleryName", "..", "InvalidFormat"],
    ["imageName", "x".repeat(81), "TooLong"],
    ["imageName", "a/b", "InvalidFormat"],
    ["versionName", "1.0", "InvalidFormat"],
    ["versionName", "1.0.2147483648", "InvalidFormat"],
    ["versionName", "1.0.0\n", "InvalidFormat"],
    ["versionName", "latest", "InvalidFormat"],
  ])("%s = %j is refused", (name, value, code) => {
    const { findings } = validator.validatePath("getImageVersion", {
      ...path,
      [name]: value,
    });
    expect(findings).toMatchObject([{ code, pointer: `/path/${name}` }]);
  });

  it("that lack are missing", () => {
    expect(validator.validatePath("getOperation", {}).findings).toMatchObject([
      { code: "MissingParameter", pointer: "/path/operationId" },
    ]);
  });
});

describe("query parameters", () => {
  const query = (text: string) =>
    validator.validateQuery("listOperations", new URLSearchParams(text));

  it("are coerced and get their defaults", () => {
    expect(query("top=50&status=Failed")).toEqual({
      values: { top: 50, status: "Failed" },
      findings: [],
    });
    expect(query("").values).toEqual({ top: 20 });
  });

  it.each([
    ["top=0", "NotInRange", "top"],
    ["top=101", "NotInRange", "top"],
    ["top=ten", "WrongType", "top"],
    ["top=", "WrongType", "top"],
    ["top=1.5", "WrongType", "top"],
    ["status=failed", "NotAllowedValue", "status"],
    ["gallery=MyGallery", "InvalidFormat", "gallery"],
    ["top=1&top=1", "RepeatedParameter", "top"],
    ["continuationToken=", "InvalidFormat", "continuationToken"],
    ["__proto__=1", "UnknownParameter", "__proto__"],
  ])("%s is %s", (text, code, name) => {
    expect(query(text).findings).toMatchObject([{ code, pointer: `/query/${name}` }]);
  });

  it("that are unknown are refused with the nearest known name", () => {
    expect(query("Top=5&api-version=1").findings).toEqual([
      {
        code: "UnknownParameter",
        pointer: "/query/Top",
        message: expect.stringMatching(/./u) as unknown,
      },
      {
        code: "UnknownParameter",
        pointer: "/query/api-version",
        message: naming([
          "needsAttention",
          "subscriptionId",
          "imageDefinition",
          "continuationToken",
        ]),
      },
    ]);
  });
});

describe("headers", () => {
  const headers = (value: string) =>
    validator.validateHeaders("putImageVersion", {
      get: (name) => (name === "Idempotency-Key" ? value : name.startsWith("If-") ? null : ""),
    });

  it("are those that the document has", () => {
    expect(headers('"build-4711"')).toEqual({
      values: { "Idempotency-Key": '"build-4711"' },
      findings: [],
    });
  });

  it.each([
    ["", "InvalidFormat"],
    ["two words", "InvalidFormat"],
    ["x".repeat(256), "TooLong"],
  ])("Idempotency-Key %j is %s", (value, code) => {
    expect(headers(value).findings).toMatchObject([{ code, pointer: "/headers/Idempotency-Key" }]);
  });

  it.each([
    ["If-Match", "*", []],
    ["If-Match", '"5d41402abc4b2a76b9719d911017c592"', []],
    ["If-Match", "5d41402abc4b2a76b9719d911017c592", ["InvalidFormat"]],
    ["If-Match", 'W/"weak"', ["InvalidFormat"]],
    ["If-Match", '"one", "two"', ["InvalidFormat"]],
    ["If-Match", `"${"x".repeat(199)}"`, ["TooLong"]],
    ["If-None-Match", "*", []],
    ["If-None-Match", '"one"', ["NotAllowedValue"]],
  ])("%s %j: %j", (header, value, codes) => {
    const { findings } = validator.validateHeaders("putImageVersion", {
      get: (name) => (name === header ? value : null),
    });
    expect(findings.map(({ code }) => code)).toEqual(codes);
  });
});

describe("removeRegions", () => {
  const query = (text: string) =>
    validator.validateQuery("putImageVersion", new URLSearchParams({ removeRegions: text }))
      .findings;

  it.each(["eastus2", "eastus2,West US", " eastus2 , West US "])("may be %j", (text) => {
    expect(query(text)).toEqual([]);
  });

  it.each([
    ["", "InvalidFormat"],
    ["eastus2,", "InvalidFormat"],
    ["eastus2;westus", "InvalidFormat"],
    ["a".repeat(2_001), "TooLong"],
    [`${" ".repeat(1_000)}1`, "InvalidFormat"],
  ])("%.40j is %s", (text, code) => {
    expect(query(text)).toMatchObject([{ code, pointer: "/query/removeRegions" }]);
  });

  it("is what allowRegionRemoval is told to be", () => {
    expect(
      validator.validateQuery("putImageVersion", new URLSearchParams("allowRegionRemoval=true"))
        .findings,
    ).toEqual([
      {
        code: "UnknownParameter",
        pointer: "/query/allowRegionRemoval",
        message: "Sigil 0.1.0's allowRegionRemoval is removeRegions here.",
      },
    ]);
  });
});

it.each([
  ["2030-12-01", true],
  ["2028-02-29", true],
  ["2030-12-01T10:20:30Z", true],
  ["2030-12-01t10:20:30.5+02:00", true],
  ["2030-02-29", false],
  ["2030-13-01", false],
  ["2030-12-01T24:30:00Z", false],
  ["2016-12-31T23:59:60Z", false],
  ["2030-12-01T10:20:30", false],
  ["2030-12-01 10:20:30Z", false],
  ["1 December 2030", false],
])("%s is a date or date-time: %s", (text, expected) => {
  expect(isDateOrDateTime(text)).toBe(expected);
});

it.each([
  ["TARGETREGIONS", "targetRegions"],
  ["targetRegion", "targetRegions"],
  ["regionalReplicaCounts", "regionalReplicaCount"],
  ["xyz", undefined],
  ["n".repeat(100_000), undefined],
])("the nearest name to %.20s is %s", (name, expected) => {
  expect(nearestName(name, ["targetRegions", "regionalReplicaCount", "name"])).toBe(expected);
});

it("an allowed value that is no text is named", () => {
  const check = createAjv().compile({ type: "boolean", enum: [true] });
  check(false);
  const errors = check.errors as DefinedError[];
  const [finding] = toFindings(errors, "parameter", () => ({}));
  expect(finding).toMatchObject({ code: "NotAllowedValue", message: naming(["true"]) });
});
