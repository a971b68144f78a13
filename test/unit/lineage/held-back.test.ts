/** What an objection to being in latest does to requests, and what it is asked of. */
import { expect, test } from "vitest";
import type { Deed, ImageVersionRecord, Objection } from "../../../src/image-version/index.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  holdingBack,
  mayBeRestored,
  mustStillBeUnopposed,
  objectionsToCreation,
  withHeldBack,
} from "../../../src/image-version/preflight/objections.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { Put } from "../../../src/image-version/state/reconcile.js";
import { descendantsOf } from "../../../src/lineage/descendants.js";
import { keyOf } from "../../../src/resource-id.js";
import { idOf } from "../../support/dependencies.js";
import { managedImageRequest } from "../../support/requests.js";
import { accepted, beside, putOf, VERSION_ID } from "../../support/transitions.js";

const ID = idOf(VERSION_ID);
const BODY = canonicalForm(managedImageRequest());
const { record: RECORD } = accepted(BODY);

const heldIn = (...regions: readonly string[]): Objection => ({
  code: "GateClosed",
  pointer: "",
  message: "It is held.",
  remediation: "",
  regions,
});

/** A port that objects to nothing, and what it was asked. */
function asking(...objections: readonly Objection[]) {
  const asked: Deed[] = [];
  const deps = {
    objections: (_: unknown, deed: Deed) => {
      asked.push(deed);
      return Promise.resolve(objections);
    },
  };
  return { deps, asked };
}

const put = (more: Partial<Put>) => ({ body: BODY, creates: false, sentFor: [], ...more }) as Put;

test("a creation is asked of each region, an update is not: its regions were in latest before", async () => {
  const { deps, asked } = asking(heldIn("westus"));
  expect(await objectionsToCreation(deps, ID, RECORD, put({}))).toEqual([]);
  expect(asked).toEqual([]);
  const objections = await objectionsToCreation(deps, ID, RECORD, put({ creates: true }));
  expect(objections).toEqual([heldIn("westus")]);
  expect(asked).toMatchObject([{ kind: "enterLatest", regions: ["westus", "eastus2"] }]);
});

test("each of several requests that create together is held back and told, a change without a body is not", () => {
  const pair = accepted(BODY);
  const second = beside(pair, putOf(managedImageRequest()));
  const third = beside(second, { patch: { "/tags/team": "a" } });
  const ids = Object.keys(third.record.requests);
  expect(ids).toHaveLength(3);
  const { record, happened } = withHeldBack(third.record, ids, [heldIn("westus", "eastus2")]);
  const releases = ids.map((id) => record.requests[id]?.release);
  const held = { kind: "set", release: { in: "none" } };
  expect(releases.slice(0, 2)).toMatchObject([held, held]);
  expect(releases[2]).toBeUndefined();
  expect(happened).toMatchObject([{ kind: "found", ids, findings: [{ severity: "warning" }] }]);
});

test.each([
  ["some regions: the others stay in latest", ["eastus2"], ["westus"]],
  ["all regions: none stays", ["westus", "eastus2"], "none"],
])("a body's release is held back in %s", (_, regions, left) => {
  const request = { ...putOf(managedImageRequest()), body: BODY };
  const set = { kind: "set", release: { in: "all", but: [], by: "request" } } as const;
  const { release } = holdingBack({ ...request, release: set }, [heldIn(...regions)]);
  expect(release).toEqual({ kind: "set", release: { ...set.release, in: left } });
});

test("what a request excludes stays excluded beside what is held back, by whom it was", () => {
  const release = { kind: "exclude", by: "person", regions: ["eastus2"] } as const;
  expect(holdingBack({ patch: {}, release }, [heldIn("westus")]).release).toEqual({
    ...release,
    regions: ["eastus2", "westus"],
  });
  const request = { patch: {}, release };
  expect(holdingBack(request, [])).toBe(request);
});

test("what a canceled operation gives back is asked as a fallback, what comes anew as entering", async () => {
  const [id = ""] = Object.keys(RECORD.requests);
  const ending = { kind: "canceled", by: {}, time: "2026-06-01T00:00:00Z" } as const;
  const canceled: ImageVersionRecord = {
    ...RECORD,
    requests: { [id]: { patch: {}, ending } },
  };
  const given = asking();
  await mustStillBeUnopposed(given.deps, ID, canceled, put({ sentFor: [id] }));
  expect(given.asked).toEqual([{ kind: "fallBackTo" }]);
  const anew = asking();
  await mustStillBeUnopposed(anew.deps, ID, RECORD, put({ sentFor: [id] }));
  expect(anew.asked).toEqual([{ kind: "enterLatest", regions: ["westus", "eastus2"] }]);
});

test("a restore is asked of the regions that are known to be in latest, of any where none is known", async () => {
  const excluded = (): ImageVersionRequest => {
    const { publishingProfile: profile, ...properties } = BODY.properties;
    const targetRegions = (profile?.targetRegions ?? []).map((one) => ({
      ...one,
      excludeFromLatest: true,
    }));
    return {
      ...BODY,
      properties: {
        ...properties,
        publishingProfile: { ...profile, targetRegions, excludeFromLatest: true },
      },
    };
  };
  const asked = async (body: ImageVersionRequest | undefined) => {
    const port = asking();
    await mayBeRestored(port.deps, ID, RECORD, body);
    return port.asked;
  };
  expect(await asked(undefined)).toMatchObject([{ kind: "enterLatest", regions: "any" }]);
  expect(await asked(BODY)).toMatchObject([{ regions: ["westus", "eastus2"] }]);
  expect(await asked(excluded())).toEqual([]);
});

test("a child is there from the write that creates it on, not while only an update is sent or it is asked for", async () => {
  const child = (n: number) => VERSION_ID.replace("1.0.0", `2.0.${n}`);
  const parentage = { ids: [VERSION_ID], time: "2026-06-01T00:00:00Z" };
  const records = [
    { write: { creates: true } },
    { write: {} },
    {},
    { status: { provisioningState: "Succeeded" } },
  ].map((more, n) => [keyOf(child(n)), { ...RECORD, requests: {}, parentage, ...more }] as const);
  const stored = new Map<string, object>(records);
  const deps = {
    store: { readRecord: (key: string) => Promise.resolve(stored.get(key)) },
    index: {
      page: (scope: string) =>
        Promise.resolve({
          rows: scope.includes(keyOf(VERSION_ID))
            ? records.map((_, n) => ({ target: child(n) }))
            : [],
        }),
    },
  } as unknown as Parameters<typeof descendantsOf>[0];
  const { found } = await descendantsOf(deps, VERSION_ID);
  expect(found.map(({ id }) => id)).toEqual([child(0), child(3)]);
});
