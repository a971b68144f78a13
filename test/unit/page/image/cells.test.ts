import { expect, it } from "vitest";
import {
  ageText,
  latestCounts,
  matrixOf,
  unseenText,
} from "../../../../src/page/src/image/cells.js";
import { naming } from "../../../support/naming.js";

const NOW = Date.parse("2026-06-01T12:00:00Z");

const region = (name: string, more: object = {}) => ({
  name,
  state: "Completed" as const,
  progress: 100,
  latest: false,
  excludeFromLatest: false,
  encryptionType: "EncryptionAtRestWithCustomerKey" as const,
  diskEncryptionSets: [0],
  ...more,
});
const version = (
  name: string,
  regions: readonly ReturnType<typeof region>[],
  more: object = {},
) => ({
  name,
  managedBy: "Sigil" as const,
  provisioningState: "Succeeded",
  state: "Succeeded",
  latest: false,
  excludeFromLatest: false,
  regions: [...regions],
  ...more,
});
const body = (...versions: ReturnType<typeof version>[]) => ({
  time: "2026-06-01T12:00:00Z",
  complete: true,
  seen: { never: 0 },
  diskEncryptionSets: ["/sets/a", "/sets/b"],
  keys: [
    {
      diskEncryptionSet: 1,
      seenLately: true,
      notSeen: [],
      problems: [
        {
          code: "KeyDisabled",
          severity: "error" as const,
          message: "",
          remediation: "",
          breaks: [],
        },
      ],
    },
  ],
  versions,
});
const only = (...versions: ReturnType<typeof version>[]) => matrixOf(body(...versions), NOW).rows;

it("columns are by geography, and a version that lacks a region says so where its neighbours have it", () => {
  const both = [region("westus"), region("westeurope")];
  const { regions, rows, geographies } = matrixOf(
    body(
      version("1.3.0", [...both, region("japaneast")]),
      version("1.2.0", both.slice(1)),
      version("1.1.0", both),
    ),
    NOW,
  );
  expect(regions).toEqual(["westus", "westeurope", "japaneast"]);
  expect(geographies.map(({ name }) => name)).toEqual(["Americas", "Europe", "Asia Pacific"]);
  expect(rows.map(({ standsOut }) => standsOut)).toEqual(["", "Not in westus", ""]);
  expect(rows[1]?.cells[0]).toMatchObject({ state: "absent" });
});

it.each([
  ["Failed in westus", "bad", [region("westus", { state: "Failed" })], {}],
  ["Key at risk in westus", "bad", [region("westus", { diskEncryptionSets: [1] })], {}],
  ["Waits for a person", "warn", [], { conditions: [{ type: "NeedsAttention" }] }],
  [
    "Wave 2 waits for a person",
    "warn",
    [region("westus", { latest: true })],
    {
      conditions: [{ type: "NeedsAttention", reason: "WaitsForGo" }],
      rollout: { state: "Waiting", message: "", wave: 2, waitsForGo: true },
    },
  ],
  [
    "Canceled, and still the latest",
    "warn",
    [region("westus", { latest: true })],
    { conditions: [{ type: "NeedsAttention", reason: "RegionKeepsLatest" }] },
  ],
  [
    "Halted: a test failed in westus",
    "warn",
    [],
    {
      conditions: [{ type: "NeedsAttention" }],
      rollout: {
        state: "Halted",
        message: "",
        failed: [{ name: "boot", region: "westus" }],
      },
    },
  ],
  ["Its gate is closed", "warn", [], { conditions: [{ type: "GateClosed" }], heldBack: true }],
  ["End of life in 6 days", "warn", [], { endOfLifeDate: "2026-06-07T12:00:00Z" }],
  ["Past its end of life", "warn", [], { endOfLifeDate: "2026-05-07T12:00:00Z" }],
  ["Being deleted", "run", [], { state: "Deleting" }],
  ["Latest in westus", "plain", [region("westus", { latest: true })], {}],
  ["Excluded from latest", "plain", [], { excludeFromLatest: true }],
  ["", "plain", [region("westus")], {}],
] as const)("%s", (standsOut, tone, regions, more) => {
  expect(only(version("1.0.0", regions, more))[0]).toMatchObject({
    standsOut,
    tone,
  });
});

it("counts apart what nobody has seen", () => {
  const unknown = region("eastus", { state: "Unknown", latest: true });
  const one = version("1.1.0", [region("westus"), unknown], { managedBy: "Others" });
  const [row] = only(one);
  expect([row?.ready, row?.unseen]).toEqual([1, 1]);
  expect(unseenText(only(version("1.0.0", [region("westus")])))).toBe("");
  expect(unseenText(only(one, version("1.0.0", [region("westus")])))).toBe(
    "1.1.0: 1 region not seen yet",
  );
  expect(unseenText(only(one, { ...one, name: "1.0.0" }))).toEqual(naming(["2"]));
});

it("a version that is the latest in one region of two is not simply the latest", () => {
  expect(
    latestCounts([
      version("1.1.0", [region("westus", { latest: true }), region("eastus")]),
      version("1.0.0", [region("westus"), region("eastus", { latest: true })]),
      version("0.9.0", [region("westus")]),
    ]),
  ).toEqual([
    { name: "1.1.0", count: 1 },
    { name: "1.0.0", count: 1 },
  ]);
});

it.each([
  ["2026-06-01T11:46:00Z", "14 min"],
  ["2026-06-01T06:00:00Z", "6 h"],
  ["2026-05-31T11:00:00Z", "1 d"],
  ["2026-05-11T12:00:00Z", "3 wk"],
  ["2026-03-01T12:00:00Z", "3 mo"],
  ["2023-01-01T12:00:00Z", "3 y"],
  ["never", ""],
])("the age of %s is %s", (published, age) => {
  expect(ageText(published, NOW)).toBe(age);
});
