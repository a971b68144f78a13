import { describe, expect, test } from "vitest";
import { viewImageVersion } from "../../../src/image-version/views.js";
import { viewOperation } from "../../../src/operation/views.js";
import { observe } from "../../../src/image-version/observation.js";
import { fail } from "../../../src/operation/failing.js";
import type { ImageVersionPair } from "../../../src/image-version/records.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  managedImageRequest,
  seedVersionId,
  snapshotsRequest,
} from "../../support/requests.js";
import {
  accepted,
  at,
  creating,
  observed,
  replicating,
  told,
} from "../../support/transitions.js";
import {
  managedImageBody,
  powerShellBody,
  responseMistakes,
  snapshotsBody,
} from "../http/document.js";

const partly = told(
  observe(
    replicating(),
    observed("Creating", {
      westus: ["Completed", 100],
      eastus2: ["Replicating", 31],
    }),
    undefined,
    at(60),
  ),
);
const succeeded = observe(
  partly,
  observed("Succeeded", {
    westus: ["Completed", 100],
    eastus2: ["Completed", 100],
  }),
  undefined,
  at(90),
);
const regionFailed = observe(
  partly,
  observed("Failed", {
    westus: ["Completed", 100],
    eastus2: ["Failed", 40, "Out of capacity."],
  }),
  { code: "X", message: "It broke." },
  at(90),
);
const refused = fail(
  accepted(),
  {
    code: "PreflightFailed",
    message: "Nothing was created.",
    errors: [
      { code: "SourceNotFound", pointer: "/properties", message: "No." },
    ],
  },
  at(5),
);

const STATES: readonly (readonly [string, ImageVersionPair])[] = [
  ["Accepted", accepted()],
  ["Creating", creating()],
  ["Replicating", replicating()],
  ["partly Completed", partly],
  ["Succeeded", succeeded],
  ["Failed in a region", regionFailed],
  ["Failed before creation", refused],
  ...[
    managedImageBody,
    snapshotsBody,
    powerShellBody,
    snapshotsRequest("eastus2"),
  ].map((body, i): readonly [string, ImageVersionPair] => [
    `of sample ${i}`,
    accepted(body as ImageVersionRequest),
  ]),
];

describe("an answer is what the OpenAPI document says", () => {
  test.each(STATES)("%s", (_, { record: version, operation }) => {
    const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
    expect(
      responseMistakes(
        "getImageVersion",
        200,
        "application/json",
        json(viewImageVersion({ record: version, latest: true }, at(90).now)),
      ),
    ).toEqual([]);
    expect(
      responseMistakes(
        "getOperation",
        200,
        "application/json",
        json(viewOperation(operation)),
      ),
    ).toEqual([]);
  });
});

test("a version is ARM's shape, and beside it what Sigil knows", () => {
  const view = viewImageVersion(
    { record: partly.record, latest: true },
    at(90.9).now,
  );
  expect(view).toMatchObject({
    id: seedVersionId("1.0.0"),
    name: "1.0.0",
    type: "Microsoft.Compute/galleries/images/versions",
    location: "westus",
    properties: {
      provisioningState: "Creating",
      replicationStatus: {
        aggregatedState: "InProgress",
        summary: [
          { region: "westus", state: "Completed", progress: 100 },
          { region: "eastus2", state: "Replicating", progress: 31 },
        ],
      },
      storageProfile: managedImageRequest().properties.storageProfile,
    },
    sigil: {
      operationId: partly.operation.id,
      state: "Replicating",
      latest: true,
      createdTime: at(0).now.toISOString(),
      ageSeconds: 90,
      regions: [
        {
          name: "westus",
          state: "Completed",
          attempts: 1,
          lastProgressTime: at(60).now.toISOString(),
          completedTime: at(60).now.toISOString(),
          encryption: {
            osDiskImage: { type: "EncryptionAtRestWithCustomerKey" },
          },
        },
        { name: "eastus2", state: "Replicating", progress: 31 },
      ],
    },
  });
});

test.each([
  ["Accepted", accepted(), "Creating", "Unknown"],
  ["Succeeded", succeeded, "Succeeded", "Completed"],
  ["Failed in a region", regionFailed, "Failed", "Failed"],
  ["Failed before creation", refused, "Failed", "Unknown"],
] as const)(
  "%s is shown as ARM would",
  (_, { record: version }, state, aggregated) => {
    const { properties } = viewImageVersion(
      { record: version, latest: false },
      at(90).now,
    );
    expect(properties.provisioningState).toBe(state);
    expect(properties.replicationStatus.aggregatedState).toBe(aggregated);
  },
);

test.each([
  [accepted(), 0],
  [partly, 65],
  [succeeded, 100],
  [
    observe(
      replicating(),
      observed("Creating", {
        westus: ["Completed", 100],
        eastus2: ["Completed", 100],
      }),
      undefined,
      at(60),
    ),
    99,
  ],
])(
  "percentComplete is the regions' mean, and 100 only for success",
  ({ operation }, percent) => {
    expect(viewOperation(operation).percentComplete).toBe(percent);
  },
);

test("an operation does not show its fingerprint", () => {
  expect(viewOperation(refused.operation)).not.toHaveProperty("fingerprint");
  expect(viewOperation(refused.operation)).toMatchObject({
    status: "Failed",
    error: { code: "PreflightFailed", errors: [{ code: "SourceNotFound" }] },
  });
});
