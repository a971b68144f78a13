import type { DefinedError, ValidateFunction } from "ajv";
import type { OpenAPIV3 } from "openapi-types";
import {
  createOpenApiDocument,
  resolve,
  type OperationId,
} from "../../../../src/http/contract/openapi-document.js";
import { createAjv, createValidator } from "../../../../src/http/contract/validation.js";
import { readOpenApi } from "../../../support/contracts.js";

export const document = createOpenApiDocument(readOpenApi("openapi"));
export const { content } = document;
export const validator = createValidator(document);

const METHODS = ["get", "put", "post", "patch", "delete"] as const;

/** Every operation of the document with its path and method. */
export function documentedOperations(): {
  template: string;
  method: string;
  operation: OpenAPIV3.OperationObject & { operationId: OperationId };
}[] {
  return Object.entries(content.paths).flatMap(([template, item]) =>
    METHODS.flatMap((method) => {
      const operation = item?.[method];
      return operation
        ? [
            {
              template,
              method,
              operation: operation as OpenAPIV3.OperationObject & {
                operationId: OperationId;
              },
            },
          ]
        : [];
    }),
  );
}

/** What keeps `value` from being an answer of that operation and status, in ajv's words; none when it is one. */
export function responseMistakes(
  operationId: OperationId,
  status: number,
  mediaType: string,
  value: unknown,
): string[] {
  const found = documentedOperations().find(
    ({ operation }) => operation.operationId === operationId,
  );
  const response = found?.operation.responses[String(status)];
  if (response === undefined) return [`${operationId} has no response ${status}`];
  const schema = resolve(content, response).content?.[mediaType]?.schema;
  if (schema === undefined) return [`${operationId} ${status} has no ${mediaType}`];
  return schemaMistakes(schema, value);
}

/** Names of the headers that an answer of that operation and status lacks though the document has them always there. */
export function missingHeaders(
  operationId: OperationId,
  status: number,
  headers: { has(name: string): boolean },
): string[] {
  const response = documentedOperations().find(
    ({ operation }) => operation.operationId === operationId,
  )?.operation.responses[String(status)];
  const documented = response && resolve(content, response).headers;
  return Object.entries(documented ?? {})
    .filter(([, header]) => resolve(content, header).required)
    .map(([name]) => name)
    .filter((name) => !headers.has(name));
}

/** By reference, or by the schema itself: compiling takes longer than checking. */
const compiled = new Map<unknown, ValidateFunction>();

export function schemaMistakes(schema: object, value: unknown): string[] {
  const key = "$ref" in schema ? schema.$ref : schema;
  const check =
    compiled.get(key) ?? createAjv().compile({ ...schema, components: content.components });
  compiled.set(key, check);
  if (check(value)) return [];
  return (check.errors as DefinedError[]).map(
    ({ instancePath, message }) => `${instancePath} ${message ?? ""}`,
  );
}

const SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000";
const COMPUTE = `${SUBSCRIPTION}/resourceGroups/myResourceGroup/providers/Microsoft.Compute`;
const des = (name: string): string => `${COMPUTE}/diskEncryptionSets/${name}`;
const region = (name: string, prefix: string, rest: object = {}): object => ({
  name,
  ...rest,
  encryption: {
    osDiskImage: { diskEncryptionSetId: des(`${prefix}DiskEncryptionSet1`) },
    dataDiskImages: [{ lun: 0, diskEncryptionSetId: des(`${prefix}DiskEncryptionSet2`) }],
  },
});

/** The seed's first CLI sample: a managed image, westus twice on Standard_LRS, and eastus2. */
export const managedImageBody = {
  location: "westus",
  properties: {
    publishingProfile: {
      targetRegions: [
        region("westus", "WestUS", {
          regionalReplicaCount: 2,
          storageAccountType: "standard_lrs",
        }),
        region("eastus2", "EastUS2"),
      ],
    },
    storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
  },
};

/** The seed's second CLI sample: snapshots of an OS disk and a data disk. Its wrong region is for the domain to find. */
export const snapshotsBody = {
  location: "westus",
  properties: {
    publishingProfile: {
      targetRegions: [
        region("westus", "WestUS", {
          regionalReplicaCount: 2,
          storageAccountType: "standard_lrs",
        }),
        region("eastus", "EastUS2"),
      ],
    },
    storageProfile: {
      osDiskImage: { source: { id: `${COMPUTE}/snapshots/myOSSnapshot` } },
      dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/snapshots/myDDSnapshot` } }],
    },
  },
};

/** The seed's PowerShell sample: ids without a leading slash, display names of regions, a date without a time. */
export const powerShellBody = {
  location: "West US",
  properties: {
    publishingProfile: {
      replicaCount: 2,
      storageAccountType: "Standard_LRS",
      endOfLifeDate: "2020-12-01",
      targetRegions: [
        {
          name: "West US",
          regionalReplicaCount: 1,
          storageAccountType: "Standard_LRS",
          encryption: {
            osDiskImage: { diskEncryptionSetId: des("myDESet").slice(1) },
            dataDiskImages: [
              { lun: 1, diskEncryptionSetId: des("myDESet1").slice(1) },
              { lun: 2, diskEncryptionSetId: des("myDESet2").slice(1) },
            ],
          },
        },
        { name: "East US 2", regionalReplicaCount: 1 },
      ],
    },
    storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
  },
};
