import { ComputeManagementClient, type GalleryImageVersion } from "@azure/arm-compute";
import type { OpenAPIV3 } from "openapi-types";
import { describe, expect, it } from "vitest";
import { createOpenApiDocument, resolve } from "../../../../src/http/contract/openapi-document.js";
import {
  content,
  document,
  documentedOperations,
  managedImageBody,
  powerShellBody,
  responseMistakes,
  schemaMistakes,
  snapshotsBody,
  validator,
} from "./document.js";

const VERSION =
  "/api/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/galleries/g/images/i/versions/1.0.0";
const ARM_VERSION = VERSION.replace("/galleries/", "/providers/Microsoft.Compute/galleries/");
const operations = documentedOperations();
const findingsOf = (body: unknown) => validator.validateBody("putImageVersion", body).findings;
const JSON_TYPE = /^application\/(?:[a-z]+\+)?json$/u;

describe("the document's operations", () => {
  it("are told apart by their operationIds", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(document.operations.map(({ operationId }) => operationId)).toEqual(ids);
  });

  it.each(operations)(
    "$operation.operationId names who may call it, and its problems",
    ({ operation }) => {
      const { requiredRole } = document.operation(operation.operationId);
      const statuses = Object.keys(operation.responses);
      if (/iness$|Document$/u.test(operation.operationId) || requiredRole === undefined)
        expect(operation.security).toEqual([]);
      else expect(statuses).toEqual(expect.arrayContaining(["401", "403"]));
      expect(statuses).toEqual(expect.arrayContaining(["400", "405", "500"]));
    },
  );

  it("are all described, with their parameters", () => {
    for (const { operation } of operations) {
      expect(operation.description).toBeTruthy();
      for (const parameter of document.operation(operation.operationId).parameters)
        expect(parameter.description).toBeTruthy();
    }
  });

  it("need a role unless the document says that they are open", () => {
    const forgotten = structuredClone(content);
    const list = forgotten.paths["/operations"]?.get as Record<string, unknown>;
    delete list["x-required-role"];
    expect(() => createOpenApiDocument(forgotten)).toThrow("listOperations");
  });
});

describe("allowedMethods", () => {
  it.each([
    [VERSION, ["GET", "PUT", "PATCH", "DELETE"]],
    [`${VERSION}/`, ["GET", "PUT", "PATCH", "DELETE"]],
    [VERSION.toLowerCase().replace("/g/", "/My.Gallery/"), ["GET", "PUT", "PATCH", "DELETE"]],
    [VERSION.replace("/1.0.0", ""), ["GET", "POST"]],
    [ARM_VERSION, ["GET", "PUT", "PATCH", "DELETE"]],
    [ARM_VERSION.toLowerCase(), ["GET", "PUT", "PATCH", "DELETE"]],
    [ARM_VERSION.replace("/1.0.0", ""), ["GET"]],
    ["/api/operations", ["GET"]],
    ["/api/openapi.json", ["GET"]],
    ["/api/openapiXjson", []],
    [`${VERSION}/more`, []],
    ["/operations", []],
  ])("of %s are %j", (path, methods) => {
    expect(document.allowedMethods(path)).toEqual(methods);
  });
});

it("names every object that a generator makes a type of", () => {
  const names = Object.keys(content.components?.schemas ?? {});
  const unnamed: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    const { type, title } = value as Record<string, unknown>;
    if (type === "object" && !/^\/components\/schemas\/\w+$/u.test(path)) {
      if (typeof title === "string") names.push(title);
      else unnamed.push(path);
    }
    for (const [name, child] of Object.entries(value))
      if (!/^examples?$/u.test(name)) visit(child, `${path}/${name}`);
  };
  visit(content, "");
  expect(unnamed).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

it("says of every body that it may be malformed, too large, or of another media type", () => {
  for (const { operation } of operations)
    if (operation.requestBody !== undefined)
      expect(Object.keys(operation.responses), operation.operationId).toEqual(
        expect.arrayContaining(["400", "413", "415"]),
      );
});

it("shows an example of every body that it has", () => {
  const bare = operations.flatMap(({ operation }) => [
    ...(operation.requestBody === undefined
      ? []
      : bodiesWithoutExample(operation.operationId, resolve(content, operation.requestBody))),
    ...Object.entries(operation.responses).flatMap(([status, response]) =>
      bodiesWithoutExample(`${operation.operationId} ${status}`, resolve(content, response)),
    ),
  ]);
  expect(bare).toEqual([]);
});

describe("every example in the document is valid", () => {
  for (const { operation } of operations) {
    const id = operation.operationId;
    const body = operation.requestBody && resolve(content, operation.requestBody);
    for (const [type, media] of Object.entries(body?.content ?? {}))
      for (const [name, example] of examplesOf(media))
        it(`${id}, request ${name}, ${type}`, () => {
          expect(validator.validateBody(id, example).findings).toEqual([]);
        });
    for (const [status, response] of Object.entries(operation.responses))
      for (const [type, media] of Object.entries(resolve(content, response).content ?? {}))
        for (const [name, example] of examplesOf(media))
          it(`${id}, response ${status} ${name}`, () => {
            expect(responseMistakes(id, Number(status), type, example)).toEqual([]);
          });
  }

  for (const [name, schema] of Object.entries(content.components?.schemas ?? {}))
    if ("example" in schema)
      it(`schema ${name}`, () => {
        expect(schemaMistakes(schema, schema.example)).toEqual([]);
      });
});

describe("the body of putImageVersion", () => {
  it.each([
    ["a managed image (the seed's first CLI sample)", managedImageBody],
    ["snapshots (the seed's second CLI sample)", snapshotsBody],
    ["the seed's PowerShell sample", powerShellBody],
  ])("may be %s", (_, body) => {
    expect(findingsOf(body)).toEqual([]);
  });

  it("has every property that the SDK sends, and that came since, and beside them Sigil's own", async () => {
    const sent = await bodySentBySdk(everything);
    expect(findingsOf(sent)).toEqual([]);
    const { bodySchema } = document.operation("putImageVersion");
    const own = {
      sigil: {
        promotion: {
          when: "",
          regions: [""],
          results: [""],
          waves: [{ regions: [""], after: "", results: [""] }],
          onFailure: "",
        },
        builtFrom: [""],
        encryption: { osDisk: "", dataDisks: "", tag: "" },
        capture: "",
        protected: "",
      },
    };
    // Of api-version 2026-03-03, which the SDK does not speak.
    const security = {
      confidentialVMEncryptionType: "",
      secureVMDiskEncryptionSetId: "",
    };
    const places = [{ encryption: { dataDiskImages: [{ securityProfile: security }] } }];
    const newer = {
      properties: {
        publishingProfile: {
          targetRegions: places,
          targetExtendedLocations: places,
        },
        securityProfile: {
          secretsProvisioningSettings: {
            isSupported: "",
            osName: "",
            components: [{ name: "", version: "" }],
          },
        },
      },
    };
    expect(propertiesOf(bodySchema as OpenAPIV3.SchemaObject)).toEqual(
      [...new Set([sent, newer, own].flatMap((body) => [...namesIn(body)]))].sort(),
    );
  });

  it("takes back what a GET answers beside Sigil's own", () => {
    const { SigilExtension, ImageVersionSigil } = content.components?.schemas as Record<
      string,
      OpenAPIV3.SchemaObject & { "x-read-only-properties"?: string[] }
    >;
    expect([
      ...Object.keys(SigilExtension?.properties ?? {}),
      ...(SigilExtension?.["x-read-only-properties"] ?? []),
    ]).toEqual(expect.arrayContaining(Object.keys(ImageVersionSigil?.properties ?? {})));
  });

  it("bounds every string, number and list", () => {
    const unbounded: string[] = [];
    const { bodySchema } = document.operation("putImageVersion");
    walk(bodySchema as OpenAPIV3.SchemaObject, "", (schema, path) => {
      const bounded =
        schema.type === "array"
          ? schema.maxItems
          : schema.type === "integer"
            ? schema.maximum
            : schema.type === "string"
              ? (schema.maxLength ?? schema.enum)
              : schema.type === "object"
                ? schema.additionalProperties === false || schema.maxProperties
                : true;
      if (!bounded) unbounded.push(path);
    });
    expect(unbounded).toEqual([]);
  });
});

it.each(["StorageAccountType", "EdgeZoneStorageAccountType"])(
  "%s takes each of its values in any case, and nothing else",
  (name) => {
    const schema = content.components?.schemas?.[name] as OpenAPIV3.SchemaObject & {
      "x-extensible-enum": string[];
    };
    for (const value of schema["x-extensible-enum"])
      for (const spelling of [value, value.toLowerCase(), value.toUpperCase()])
        expect(schemaMistakes(schema, spelling)).toEqual([]);
    for (const other of ["Standard_GRS", "Premium_ZRS", "UltraSSD_LRS", ""])
      expect(schemaMistakes(schema, other)).toHaveLength(1);
  },
);

function bodiesWithoutExample(
  name: string,
  { content: bodies = {} }: Pick<OpenAPIV3.ResponseObject, "content">,
): string[] {
  return Object.entries(bodies)
    .filter(([type, media]) => JSON_TYPE.test(type) && !examplesOf(media)[0])
    .map(([type]) => `${name} ${type}`);
}

function examplesOf(media: OpenAPIV3.MediaTypeObject | undefined): [string, unknown][] {
  const named = Object.entries(media?.examples ?? {}).map(([name, example]): [string, unknown] => [
    name,
    resolve(content, example).value,
  ]);
  return media?.example === undefined ? named : [["example", media.example], ...named];
}

function walk(
  schema: OpenAPIV3.SchemaObject | OpenAPIV3.ReferenceObject,
  path: string,
  visit: (schema: OpenAPIV3.SchemaObject, path: string) => void,
): void {
  const resolved = resolve(content, schema);
  visit(resolved, path);
  for (const [name, child] of Object.entries(resolved.properties ?? {}))
    walk(child, `${path}/${name}`, visit);
  if (resolved.type === "array") walk(resolved.items, `${path}/*`, visit);
}

function propertiesOf(schema: OpenAPIV3.SchemaObject): string[] {
  const paths: string[] = [];
  walk(schema, "", ({ type }, path) => {
    if (type !== "array" && type !== "object") paths.push(path);
    else if (path === "/tags") paths.push(path);
  });
  return paths.sort();
}

function namesIn(value: unknown, path = ""): string[] {
  if (path === "/tags" || typeof value !== "object" || value === null) return [path];
  const children = Array.isArray(value)
    ? namesIn(value[0], `${path}/*`)
    : Object.entries(value).flatMap(([name, child]) => namesIn(child, `${path}/${name}`));
  return children.sort();
}

/** What the SDK would put on the wire, taken from the last place before the wire. */
async function bodySentBySdk(version: GalleryImageVersion): Promise<unknown> {
  let body: unknown;
  const client = new ComputeManagementClient(
    {
      getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3.6e6 }),
    },
    "00000000-0000-0000-0000-000000000000",
    {
      httpClient: {
        sendRequest: (request) => {
          body = JSON.parse(request.body as string);
          return Promise.reject(new Error("not sent"));
        },
      },
      retryOptions: { maxRetries: 0 },
    },
  );
  await expect(
    client.galleryImageVersions.createOrUpdate("rg", "g", "i", "1.0.0", version),
  ).rejects.toThrow("not sent");
  return body;
}

const ID =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/des";
const encryption = {
  osDiskImage: {
    diskEncryptionSetId: ID,
    securityProfile: {
      confidentialVMEncryptionType: "EncryptedWithCmk",
      secureVMDiskEncryptionSetId: ID,
    },
  },
  dataDiskImages: [{ lun: 0, diskEncryptionSetId: ID }],
};
const source = {
  id: ID,
  storageAccountId: ID,
  uri: "https://mystorage.blob.core.windows.net/vhds/os.vhd",
};
const key = { type: "sha256", value: ["aGFzaA=="] };
const everything: Required<
  Pick<
    GalleryImageVersion,
    | "location"
    | "tags"
    | "publishingProfile"
    | "storageProfile"
    | "safetyProfile"
    | "securityProfile"
    | "restore"
  >
> = {
  location: "westus",
  tags: { build: "4711" },
  publishingProfile: {
    targetRegions: [
      {
        name: "westus",
        regionalReplicaCount: 1,
        storageAccountType: "Standard_LRS",
        encryption,
        excludeFromLatest: false,
        additionalReplicaSets: [{ storageAccountType: "Premium_LRS", regionalReplicaCount: 1 }],
      },
    ],
    replicaCount: 1,
    excludeFromLatest: false,
    endOfLifeDate: new Date("2030-12-01T00:00:00Z"),
    storageAccountType: "Standard_LRS",
    replicationMode: "Full",
    targetExtendedLocations: [
      {
        name: "westus",
        extendedLocation: { name: "losangeles", type: "EdgeZone" },
        extendedLocationReplicaCount: 1,
        storageAccountType: "StandardSSD_LRS",
        encryption,
      },
    ],
    storageAccountStrategy: "PreferStandard_ZRS",
  },
  storageProfile: {
    source: {
      id: ID,
      communityGalleryImageId: "/CommunityGalleries/g-1/Images/i/Versions/1.0.0",
      virtualMachineId: ID,
    },
    osDiskImage: { hostCaching: "None", source },
    dataDiskImages: [{ lun: 0, hostCaching: "ReadOnly", source }],
  },
  safetyProfile: {
    allowDeletionOfReplicatedLocations: true,
    blockDeletionBeforeEndOfLife: false,
  },
  securityProfile: {
    uefiSettings: {
      signatureTemplateNames: ["MicrosoftWindowsTemplate"],
      additionalSignatures: { pk: key, kek: [key], db: [key], dbx: [key] },
    },
  },
  restore: false,
};
