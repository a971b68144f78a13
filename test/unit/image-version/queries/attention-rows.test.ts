import { describe, expect, test } from "vitest";
import { whatToDo } from "../../../../src/conditions/conditions.js";
import type { ImageSummaryView } from "../../../../src/image-version/contract.js";
import {
  failedRow,
  keyRows,
  operationRow,
  rowsByPlace,
  versionRows,
} from "../../../../src/image-version/queries/attention-rows.js";

const IMAGE =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/it";
const ID = `${IMAGE}/versions/1.0.0`;
const SET =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/set";
type Version = ImageSummaryView["versions"][number];

const version = (more: Partial<Version> = {}): Version => ({
  name: "1.0.0",
  managedBy: "Sigil",
  provisioningState: "Succeeded",
  latest: true,
  excludeFromLatest: false,
  regions: [
    {
      name: "westus",
      state: "Completed",
      progress: 100,
      latest: true,
      excludeFromLatest: false,
      encryptionType: "EncryptionAtRestWithCustomerKey",
      diskEncryptionSets: [0],
    },
  ],
  ...more,
});

const condition = (type: string, more = {}) => ({
  type,
  message: `${type}.`,
  whatToDo: whatToDo("NeedsAttention", ID),
  ...more,
});

const ordered = (...found: Parameters<typeof rowsByPlace>[0]) => [...rowsByPlace(found).values()];

test("a creation whose region failed is one row, with Retry; that its operation failed stands beside it", () => {
  const conditions = [{ ...condition("RegionFailed"), whatToDo: whatToDo("RegionFailed", ID) }];
  const rows = versionRows(IMAGE, version({ state: "Failed", operationId: "op-1", conditions }));
  expect(ordered(...[...rows].reverse())).toMatchObject([
    {
      severity: "error",
      code: "RegionFailed",
      also: ["OperationFailed"],
      whatToDo: { command: expect.stringContaining("sigil image-version retry ") as string },
    },
  ]);
});

test("where no region failed its operation is shown, for a retry would be refused", () => {
  const [row] = versionRows(IMAGE, version({ state: "Failed", operationId: "op-1" }));
  expect(row?.whatToDo.command).toBe("sigil operation show op-1");
  expect(row?.about).toEqual({ versions: [ID], operationId: "op-1" });
});

test("what Azure never had is made anew; the command line cannot say how", () => {
  const row = failedRow(ID, "NotCreated", "op-1");
  expect(row.whatToDo.request).toBe(`PUT /api${ID}`);
  expect(row.whatToDo).not.toHaveProperty("command");
});

test("a revoked version is a row while it is the latest somewhere", () => {
  const revoked = (more = {}) => version({ conditions: [condition("Revoked", more)] });
  expect(versionRows(IMAGE, revoked({ regions: ["westus"] }))).toMatchObject([
    { severity: "error", code: "Revoked" },
  ]);
  expect(versionRows(IMAGE, revoked())).toEqual([]);
});

describe("a set at risk", () => {
  const summary = (
    more: Partial<ImageSummaryView> = {},
    versions = [version({ keys: "AtRisk" })],
  ) =>
    ({
      time: "2026-01-01T00:00:00Z",
      complete: true,
      seen: { never: 0 },
      diskEncryptionSets: [SET],
      keys: [
        {
          diskEncryptionSet: 0,
          seenLately: true,
          seenTime: "2026-01-01T01:00:00Z",
          since: "2026-01-01T00:30:00Z",
          problems: [
            {
              code: "KeyExpiring",
              severity: "warning",
              message: "The key expires.",
              remediation: "Rotate it: az keyvault key rotate --vault-name v --name {key}",
              breaks: [],
            },
            {
              code: "KeyDisabled",
              severity: "error",
              message: "The key is disabled.",
              remediation:
                "Enable it: az keyvault key set-attributes --vault-name v --name k --enabled true",
              breaks: [],
            },
          ],
          notSeen: [],
        },
      ],
      versions,
      ...more,
    }) satisfies ImageSummaryView;

  test("is one row of all image definitions that have it, with the command to paste", () => {
    const views = new Map([
      [IMAGE, summary()],
      [`${IMAGE}2`, summary({ diskEncryptionSets: [SET.toUpperCase()] })],
    ]);
    expect(ordered(...keyRows(views))).toEqual([
      {
        severity: "error",
        code: "KeyDisabled",
        also: ["KeyExpiring"],
        since: "2026-01-01T00:30:00Z",
        seenTime: "2026-01-01T01:00:00Z",
        title: "Key disabled: westus",
        message: "The key is disabled. It encrypts it 1.0.0 and 1 other, the latest there.",
        about: { diskEncryptionSetId: SET, versions: [ID, `${IMAGE}2/versions/1.0.0`] },
        whatToDo: {
          verb: "Open key",
          sentence: expect.any(String) as string,
          command: "az keyvault key set-attributes --vault-name v --name k --enabled true",
          request: `GET /api${ID}?expand=keys`,
        },
      },
    ]);
  });

  test("has no command while something is left to fill in", () => {
    const expiring = keyRows(new Map([[IMAGE, summary()]])).find(
      ({ code }) => code === "KeyExpiring",
    );
    expect(expiring?.whatToDo).not.toHaveProperty("command");
  });

  test("that no version at risk has is no row", () => {
    expect(keyRows(new Map([[IMAGE, summary({}, [version({ keys: "Safe" })])]]))).toEqual([]);
  });
});

describe("an operation under way", () => {
  const operation = (more: object, location?: string) =>
    operationRow(
      {
        id: "op-1",
        kind: "CreateImageVersion",
        status: "Running",
        resourceId: ID,
        regions: [],
        ...more,
      } as never,
      location,
    );

  test("is a row of its version where a region has failed", () => {
    const waitReason = "The region is tried again.";
    expect(operation({ regions: [{ name: "westus", state: "Failed" }], waitReason })).toMatchObject(
      [
        {
          code: "RegionFailed",
          about: { versions: [ID] },
          message: expect.stringContaining("westus") as string,
          whatToDo: { verb: "Retry" },
        },
      ],
    );
  });

  test("offers no retry where the version's own location has failed", () => {
    const regions = ["westus", "eastus2"].map((name) => ({ name, state: "Failed" }));
    const [row] = operation({ regions }, "West US");
    expect(row?.whatToDo).toMatchObject({ verb: "New version" });
    expect(JSON.stringify(row)).not.toContain("retry ");
    const [other] = operation({ regions: regions.slice(1) }, "West US");
    expect(other?.whatToDo.command).toMatch(/^sigil image-version retry .* --regions eastus2$/u);
  });

  test("that has waited for too long is shown, also of what is no version", () => {
    expect(operation({})).toEqual([]);
    expect(operation({ stalled: true })).toMatchObject([
      { code: "OperationStalled", about: { versions: [ID] } },
    ]);
    const resourceId = "/subscriptions/00000000-0000-0000-0000-000000000000";
    expect(operation({ stalled: true, resourceId, kind: "PrepareSubscription" })).toMatchObject([
      { about: { operationId: "op-1" }, whatToDo: { command: "sigil operation show op-1" } },
    ]);
  });
});

test("what is done with the image definition names that, and not the version", () => {
  const { request, command } = whatToDo("NeedsAttention", ID, undefined, "RegionKeepsLatest");
  expect(request).toMatch(/^GET (?!.*\/1\.0\.0).*\/images\/[^/]+\/versions$/u);
  expect(command).not.toContain("1.0.0");
});
