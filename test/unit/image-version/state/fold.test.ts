import { describe, expect, it } from "vitest";
import { exclusionIn } from "../../../../src/image-version/latest/flags.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  ALLOW_DELETION,
  PROMOTION,
  PROTECTED,
} from "../../../../src/image-version/properties/table.js";
import {
  desired,
  inWindow,
  isProtected,
  latestToBe,
  latestToStay,
  regionsAfter,
  ruleInForce,
  saidOfLatest,
  withSentRequests,
  staysOpen,
  unapplied,
} from "../../../../src/image-version/state/fold.js";
import type {
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { succeeded, time, withRecord } from "../../../support/transitions.js";

const A = "/tags/a";
const RULE = { when: "allRegionsReady" } as const;
const UK = regionField("uksouth");

function withRequests(
  requests: Readonly<Record<string, VersionRequest>>,
  more: Partial<ImageVersionRecord> = {},
): ImageVersionRecord {
  return withRecord(succeeded(), { state: "Replicating", requests, ...more }).record;
}

describe("what is desired", () => {
  it("is nothing where nobody asks for anything", () => {
    expect(desired(withRequests({}))).toEqual({ patch: {}, ids: [] });
  });

  it("is what the open requests ask, the later on top of the earlier", () => {
    const record = withRequests({
      "1": { patch: { [A]: "1", "/tags/b": "1" } },
      "2": { patch: { [A]: "2" } },
    });
    expect(desired(record)).toEqual({
      patch: { [A]: "2", "/tags/b": "1" },
      ids: ["1", "2"],
    });
  });

  it("has no request that is applied (1)", () => {
    const record = withRequests({
      "1": { patch: { [A]: "1" }, appliedTime: time(5) },
      "2": { patch: { "/tags/b": "2" } },
    });
    expect(desired(record).patch).toEqual({ "/tags/b": "2" });
    expect(unapplied(record).map(([id]) => id)).toEqual(["2"]);
  });

  it("has those requests alone that a step has judged", () => {
    const record = withRequests({
      "1": { patch: { [A]: "1" } },
      "2": { patch: { "/tags/b": "2" } },
    });
    expect(desired(record, ["2"])).toEqual({
      patch: { "/tags/b": "2" },
      ids: ["2"],
    });
  });

  it("has the first request alone after ARM has refused several", () => {
    const requests = { "1": { patch: { [A]: "1" } }, "2": { patch: {} } };
    expect(inWindow(withRequests(requests, { window: 1 }))).toHaveLength(1);
    expect(inWindow(withRequests(requests))).toHaveLength(2);
  });

  it("removes no region, key, flag, rule or protection that nobody names (2)", () => {
    expect(desired(withRequests({ "1": { patch: { [A]: "1" } } })).patch).toEqual({ [A]: "1" });
  });

  it("has no field of Sigil's own: Azure knows none", () => {
    const record = withRequests({ "1": { patch: { [PROTECTED]: true } } });
    expect(desired(record).patch).toEqual({});
  });

  it("has the flags of all regions where a request is about latest (3)", () => {
    const demotion = {
      patch: {},
      release: { kind: "exclude", by: "person" },
    } as const;
    expect(desired(withRequests({ "1": demotion }))).toMatchObject({
      patch: { [exclusionIn("westus")]: true, [exclusionIn("eastus2")]: true },
      release: { in: "none" },
    });
  });

  it("else has the flag of a region that comes, by the release that facts have shown (3)", () => {
    const adds = { "1": { patch: { [`${UK}/name`]: "uksouth" } } };
    const flag = (release: ImageVersionRecord["release"]) =>
      desired(withRequests(adds, { ...(release && { release }) })).patch[exclusionIn("uksouth")];
    expect(flag({ in: "all", but: [], by: "request" })).toBe(false);
    expect(flag({ in: "none", but: [], by: "person" })).toBe(true);
    expect(flag({ in: ["westus"], but: [], by: "rule" })).toBe(true);
  });

  it("holds a region back that comes while the rule is paused", () => {
    const record = withRequests(
      { "1": { patch: { [`${UK}/name`]: "uksouth" } } },
      {
        conditions: [{ type: "Paused", message: "", since: time(1), fields: {} }],
      },
    );
    expect(desired(record).patch[exclusionIn("uksouth")]).toBe(true);
  });

  it("adds back what a repair has taken away, whoever asks for what", () => {
    const removed = { [`${UK}/name`]: "uksouth" };
    const record = withRequests({}, { repairs: { uksouth: { attempts: 0, removed } } });
    expect(desired(record).patch).toMatchObject(removed);
    const lost = withRequests(
      {},
      {
        repairs: { uksouth: { attempts: 0, removed, lost: true } },
      },
    );
    expect(desired(lost).patch).toEqual({});
  });
});

describe("what is stricter holds from acceptance, what is looser once it is applied (4)", () => {
  const asks = (patch: VersionRequest["patch"], spec = {}) =>
    withRequests({ "1": { patch } }, { spec });

  it("protection", () => {
    expect(isProtected(asks({ [PROTECTED]: true }))).toBe(true);
    expect(isProtected(asks({ [PROTECTED]: null }, { [PROTECTED]: true }))).toBe(true);
    expect(isProtected(asks({}))).toBe(false);
  });

  it("a rule is in force until it has promoted the version everywhere, or another decides", () => {
    const ruled = (release: ImageVersionRecord["release"]) =>
      ruleInForce(withRequests({}, { spec: { [PROMOTION]: RULE }, ...(release && { release }) }));
    expect(ruled({ in: "none", but: [], by: "rule" })).toEqual(RULE);
    expect(ruled({ in: "all", but: [], by: "rule" })).toBeUndefined();
    expect(ruled({ in: "none", but: [], by: "person" })).toBeUndefined();
  });

  it("a demotion that is open ends the rule", () => {
    const record = withRequests(
      { "1": { patch: {}, release: { kind: "exclude", by: "person" } } },
      {
        spec: { [PROMOTION]: RULE },
        release: { in: "none", but: [], by: "rule" },
      },
    );
    expect(ruleInForce(record)).toBeUndefined();
  });

  it("that regions may be removed at any time, where somebody has asked for that through Sigil", () => {
    expect(staysOpen(withRequests({}, { spec: { [ALLOW_DELETION]: true } }), {})).toBe(true);
    expect(
      staysOpen(withRequests({}, { spec: { [ALLOW_DELETION]: true } }), {
        [ALLOW_DELETION]: false,
      }),
    ).toBe(false);
    expect(staysOpen(withRequests({}), {})).toBe(false);
  });
});

it.each([
  ["a deletion", { deletes: true as const }, ["1", "3", "4"]],
  ["a creation", { creates: true as const }, ["1", "3"]],
])("what was sent with %s is what the write was sent for", (_, kind, ids) => {
  const ending = { kind: "canceled", by: {}, time: time(2) } as const;
  const record = withRequests(
    {
      "1": { patch: {}, sent: true },
      "2": { patch: {} },
      "3": { patch: {}, deletion: {} },
      "4": { patch: {}, ending },
    },
    { write: { changes: {}, sentTime: time(1), answer: "none", sentFor: ["3", "4"], ...kind } },
  );
  expect(Object.keys(withSentRequests(record).requests)).toEqual(ids);
});

it("a version has the regions that it had, with those that are asked for, without those that are removed", () => {
  expect(regionsAfter({}, { [`${UK}/name`]: "uksouth" })).toEqual(["uksouth"]);
  expect(regionsAfter(succeeded().record, { [regionField("eastus2")]: null })).toEqual(["westus"]);
});

it("an inclusion says nothing of a region that is held back", () => {
  const regions = ["westus", "eastus2"];
  const says = (kind: "include" | "exclude") =>
    saidOfLatest([{ patch: {}, release: { kind, by: "person", regions } }], ["westus"], regions);
  expect(says("include")).toEqual(["westus"]);
  expect(says("exclude")).toEqual(regions);
});

describe("where the version is in latest once all is done", () => {
  const { resource } = succeeded().record.status ?? expect.fail("no status");
  const write = {
    changes: {},
    sentTime: time(1),
    answer: "none",
    sentFor: [],
  } as const;

  it("is where Azure shows it, without what open requests remove or hold back", () => {
    expect(latestToBe(undefined, resource)).toEqual(["westus", "eastus2"]);
    const removes = withRequests({
      "1": { patch: { [regionField("eastus2")]: null } },
    });
    expect(latestToBe(removes, resource)).toEqual(["westus"]);
    const deletes = withRequests({ "1": { patch: {}, deletion: {} } });
    expect(latestToBe(deletes, resource)).toEqual([]);
  });

  it("stays where the write under way leaves it", () => {
    const staysAfter = (changes: VersionRequest["patch"]) =>
      latestToStay(withRequests({}, { write: { ...write, changes } }), resource);
    expect(staysAfter({})).toEqual(["westus", "eastus2"]);
    expect(staysAfter({ [regionField("eastus2")]: null })).toEqual(["westus"]);
    expect(staysAfter({ [exclusionIn("eastus2")]: true })).toEqual(["westus"]);
  });
});
