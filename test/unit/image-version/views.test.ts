import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { regionField } from "../../../src/image-version/properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../../src/image-version/properties/table.js";
import type { KnownImageVersion } from "../../../src/image-version/queries/get.js";
import type { Look } from "../../../src/image-version/resources.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../src/image-version/state/record.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import {
  durationSentence,
  plannedCopies,
  storageSentence,
} from "../../../src/image-version/commands/copies.js";
import { fail } from "../../../src/operation/failing.js";
import { viewOperation } from "../../support/views.js";
import { idOf } from "../../support/dependencies.js";
import { managedImageRequest, snapshotsRequest } from "../../support/requests.js";
import {
  accepted,
  at,
  changeOf,
  COMPLETED,
  creating,
  lookOf,
  beside,
  REPLICATING,
  replicating,
  step,
  succeeded,
  time,
  told,
  VERSION_ID,
} from "../../support/transitions.js";
import {
  managedImageBody,
  powerShellBody,
  responseMistakes,
  snapshotsBody,
} from "../http/contract/document.js";
import { naming } from "../../support/naming.js";

const PARTLY = {
  westus: ["Completed", 100],
  eastus2: ["Replicating", 31],
} as const;
const LOST = {
  ...PARTLY,
  eastus2: ["Failed", 40, "Out of capacity."],
} as const;

const after = (
  pair: ImageVersionPair,
  state: string,
  regions: Parameters<typeof lookOf>[1],
  seconds: number,
): ImageVersionPair => told(step(pair, lookOf(state, regions, { seconds }), at(seconds)).pair);

const partly = after(replicating(), "Creating", PARTLY, 60);
const regionFailed = after(after(partly, "Failed", LOST, 90), "Failed", LOST, 210);
const refused = fail(
  accepted(),
  {
    code: "PreflightFailed",
    message: "Nothing was created.",
    errors: [{ code: "SourceNotFound", pointer: "/properties", message: "No." }],
  },
  at(5),
);

/** What is known of a version, and what Azure shows of it: its last look, unless another is given. */
function known(
  pair: Pick<ImageVersionPair, "record"> | undefined,
  { look = pair?.record.status, ...more }: Partial<KnownImageVersion> = {},
): KnownImageVersion {
  return {
    id: idOf(VERSION_ID),
    latest: false,
    latestIn: [],
    etag: '"e"',
    warnings: [],
    ...(pair && { record: pair.record }),
    ...(look && { look }),
    ...more,
  };
}

const withRecord = (pair: ImageVersionPair, more: Partial<ImageVersionRecord>) => ({
  record: { ...pair.record, ...more },
});

const STATES: readonly (readonly [string, ImageVersionPair])[] = [
  ["Accepted", accepted()],
  ["Creating", creating()],
  ["Replicating", replicating()],
  ["partly Completed", partly],
  ["Succeeded", succeeded()],
  ["Failed in a region", regionFailed],
  ["Failed before creation", refused],
  ...[managedImageBody, snapshotsBody, powerShellBody, snapshotsRequest("eastus2")].map(
    (body, i): readonly [string, ImageVersionPair] => [
      `of sample ${i}`,
      accepted(body as ImageVersionRequest),
    ],
  ),
];

describe("an answer is what the OpenAPI document says", () => {
  const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

  test.each(STATES)("%s", (_, pair) => {
    const shown = pair === refused ? { look: lookOf("Succeeded", COMPLETED) } : {};
    expect(
      responseMistakes(
        "getImageVersion",
        200,
        "application/json",
        json(viewImageVersion(known(pair, shown), at(90).now)),
      ),
    ).toEqual([]);
    expect(
      responseMistakes(
        "getOperation",
        200,
        "application/json",
        json(viewOperation(pair.operation)),
      ),
    ).toEqual([]);
  });

  test("of a version that others have made", () => {
    const view = viewImageVersion(
      known(undefined, { look: lookOf("Succeeded", COMPLETED) }),
      at(90).now,
    );
    expect(responseMistakes("getImageVersion", 200, "application/json", json(view))).toEqual([]);
    expect(view.sigil).toMatchObject({ managedBy: "Others", pending: [] });
    expect(view.sigil).not.toHaveProperty("operationId");
  });
});

test("a version is ARM's shape as Azure shows it, and beside it what Sigil knows", () => {
  const view = viewImageVersion(
    known(partly, { latest: true, latestIn: ["westus"] }),
    at(90.9).now,
  );
  expect(view).toMatchObject({
    id: VERSION_ID,
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
      managedBy: "Sigil",
      operationId: partly.operation.id,
      state: "Replicating",
      latest: true,
      latestIn: ["westus"],
      seenTime: time(60),
      pending: [],
      createdTime: time(0),
      ageSeconds: 90,
      regions: [
        {
          name: "westus",
          state: "Completed",
          attempts: 1,
          lastProgressTime: time(60),
          completedTime: time(60),
        },
        { name: "eastus2", state: "Replicating", progress: 31 },
      ],
    },
  });
});

describe("what Azure shows is shown", () => {
  const look: Look = lookOf("Succeeded", COMPLETED, {
    seconds: 500,
    changes: {
      "/tags/policy": "x",
      [EXCLUDE_FROM_LATEST]: true,
      [`${regionField("westeurope")}/name`]: "westeurope",
    },
  });

  test("whatever was asked", () => {
    const { tags, properties, sigil } = viewImageVersion(known(succeeded(), { look }), at(600).now);
    expect(tags).toEqual({ policy: "x" });
    expect(properties.publishingProfile).toMatchObject({
      excludeFromLatest: true,
      targetRegions: [{ name: "westus" }, { name: "eastus2" }, { name: "westeurope" }],
    });
    expect(sigil.seenTime).toBe(time(500));
  });

  test("also what nobody may write, and what Sigil does not know; regions by their canonical names", () => {
    const shown = {
      ...look,
      resource: {
        ...look.resource,
        properties: {
          ...look.resource.properties,
          newer: { member: 1 },
          publishingProfile: {
            ...look.resource.properties.publishingProfile,
            targetRegions: [{ name: "West US" }],
          },
        },
      },
    } as Look;
    const view = viewImageVersion(known(succeeded(), { look: shown }), at(600).now);
    expect(view.properties).toMatchObject({
      newer: { member: 1 },
      publishingProfile: { targetRegions: [{ name: "westus" }] },
    });
  });

  test("of a region, beside how it came to that while it is followed", () => {
    const [, region] = viewImageVersion(known(regionFailed), at(300).now).sigil.regions;
    expect(region).toMatchObject({
      name: "eastus2",
      state: "Failed",
      progress: 40,
      details: "Out of capacity.",
      attempts: 1,
    });
    expect(region).not.toHaveProperty("unconfirmed");
  });

  test("of a region that no look has shown nothing, also in Succeeded", () => {
    const { regions } = viewImageVersion(
      known(undefined, { look: lookOf("Succeeded") }),
      at(1).now,
    ).sigil;
    expect(regions).toMatchObject([
      { name: "westus", state: "Unknown", progress: 0 },
      { name: "eastus2", state: "Unknown", progress: 0 },
    ]);
    expect(regions[0]).not.toHaveProperty("seenTime");
  });
});

describe("a version that is to be created", () => {
  test("is shown as it is asked, though Azure has nothing", () => {
    const view = viewImageVersion(known(accepted()), at(1).now);
    expect(view.properties).toMatchObject({
      provisioningState: "Creating",
      publishingProfile: {
        excludeFromLatest: false,
        targetRegions: [{ name: "westus" }, { name: "eastus2" }],
      },
    });
    expect(view.sigil).not.toHaveProperty("seenTime");
    expect(view.sigil.pending).not.toEqual([]);
  });
});

describe("what is pending", () => {
  const CHANGE = { "/tags/a": "1" };

  test("is what is asked and not there yet", () => {
    const { record, operation } = succeeded();
    const begun = {
      record: {
        ...record,
        state: "Accepted" as const,
        requests: { [operation.id]: changeOf(CHANGE) },
      },
      operation,
    };
    const both = beside(begun, changeOf({}, { release: { kind: "exclude", by: "person" } }));
    const { pending } = viewImageVersion(known(both), at(20).now).sigil;
    expect(pending).toEqual([
      { pointer: "/tags/a", propertyChangeType: "Create", after: "1" },
      ...[0, 1].map((i) => ({
        pointer: `/properties/publishingProfile/targetRegions/${i}/excludeFromLatest`,
        propertyChangeType: "Modify",
        before: false,
        after: true,
      })),
    ]);
  });

  test("of a version that is not there yet, is where the answer shows it", () => {
    const view = viewImageVersion(known(accepted()), at(1).now);
    const pointers = view.sigil.pending?.map(({ pointer }) => pointer) ?? [];
    expect(pointers).toContain(
      "/properties/publishingProfile/targetRegions/1/encryption/dataDiskImages/0/diskEncryptionSetId",
    );
    expect(new Set(pointers).size).toBe(pointers.length);
  });

  test("is nothing where no operation runs, or Azure shows it already", () => {
    const ended = withRecord(succeeded(), {
      requests: { x: changeOf(CHANGE) },
    });
    expect(viewImageVersion(known(ended), at(20).now).sigil.pending).toEqual([]);
    const shown = lookOf("Updating", COMPLETED, { changes: CHANGE });
    const there = withRecord(replicating(), {
      requests: { x: changeOf(CHANGE) },
    });
    expect(viewImageVersion(known(there, { look: shown }), at(20).now).sigil.pending).toEqual([]);
  });
});

describe("a version is Sigil's", () => {
  const managed = (more: Partial<ImageVersionRecord>) => {
    const { spec: _, ...record } = succeeded().record;
    return viewImageVersion(known({ record: { ...record, ...more } }), at(1).now).sigil.managedBy;
  };

  test.each<[string, Partial<ImageVersionRecord>, string]>([
    ["which it has made or adopted", { spec: {} }, "Sigil"],
    [
      "which it is to change",
      { state: "Accepted", requests: { x: changeOf({ "/tags/a": "1" }) } },
      "Sigil",
    ],
    ["not by a demotion that has ended", {}, "Others"],
  ])("%s", (_, more, by) => {
    expect(managed(more)).toBe(by);
  });
});

test("a promotion rule is shown that is asked for, or was applied", () => {
  const promotion = { when: "allRegionsReady" } as const;
  const body = { ...managedImageRequest(), sigil: { promotion } };
  for (const pair of [accepted(body), succeeded(body)])
    expect(viewImageVersion(known(pair), at(1).now).sigil.promotion).toEqual(promotion);
});

test("warnings are shown", () => {
  const warning = {
    code: "X",
    pointer: "",
    message: "No.",
    severity: "warning",
  } as const;
  expect(
    viewImageVersion(known(succeeded(), { warnings: [warning] }), at(1).now).sigil.warnings,
  ).toEqual([warning]);
});

test.each([
  [[{ lun: 0, sizeInGB: 64 }], 94],
  [[{ lun: 0 }], undefined],
  [[], 30],
])("copies hold what all disks of the version do: %j", (disks, sizeInGB) => {
  const body = managedImageRequest();
  const shown = {
    ...body,
    properties: {
      ...body.properties,
      storageProfile: {
        osDiskImage: { sizeInGB: 30 },
        dataDiskImages: disks,
      },
    },
  } as ImageVersionRequest;
  const facts = {
    sources: new Map(),
    sourceDefinitions: new Map(),
    regions: { kind: "unseen", reason: "" } as never,
  };
  const [copies] = plannedCopies(body, shown, facts, new Map());
  expect(copies?.sizeInGB).toBe(sizeInGB);
});

test("a plan says what its copies hold, and how long the new ones take", () => {
  const usual = { p50Seconds: 720, p90Seconds: 1_130, ends: 20 };
  const copies = [
    {
      region: "westus",
      replicas: 2,
      storageAccountType: "Standard_LRS",
      sizeInGB: 94,
      isNew: true,
    },
    {
      region: "eastus2",
      replicas: 1,
      storageAccountType: "Standard_ZRS",
      sizeInGB: 94,
      isNew: true,
      usual,
    },
  ];
  expect(storageSentence(copies, "westus")).toBe(
    "westus 2 × 94 GB Standard_LRS, eastus2 1 × 94 GB Standard_ZRS: 3 replicas, at most 282 GB; 1 copy over the network.",
  );
  expect(durationSentence(copies)).toEqual(naming(["westus", "eastus2", "12", "19", "20"]));
  const one = [{ region: "westus", replicas: 1 }];
  expect(storageSentence(one, "westus")).toEqual(naming(["westus", "1"]));
  expect(durationSentence(one)).toBeUndefined();
});

test.each([
  [accepted(), 0],
  [partly, 65],
  [succeeded(), 100],
  [{ operation: { ...succeeded().operation, status: "Running" as const } }, 99],
])("percentComplete is the regions' mean, and 100 only for success", ({ operation }, percent) => {
  expect(viewOperation(operation).percentComplete).toBe(percent);
});

test("an operation does not show its fingerprint, nor its regions' doubts", () => {
  expect(viewOperation(refused.operation)).not.toHaveProperty("fingerprint");
  expect(viewOperation(refused.operation)).toMatchObject({
    status: "Failed",
    error: { code: "PreflightFailed", errors: [{ code: "SourceNotFound" }] },
  });
  const doubted = after(partly, "Failed", LOST, 90);
  expect(doubted.operation.regions[1]).toHaveProperty("unconfirmed");
  expect(viewOperation(doubted.operation).regions[1]).not.toHaveProperty("unconfirmed");
  expect(after(partly, "Creating", REPLICATING, 70).operation.status).toBe("Running");
});
