/** What holds of every body that the contract allows. A failure is told with the smallest bodies that show it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { askedOf } from "../../../../src/image-version/commands/asked.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { isFlag } from "../../../../src/image-version/latest/flags.js";
import { patched, writableForm } from "../../../../src/image-version/properties/body.js";
import {
  canonicalForm,
  fingerprintOf,
} from "../../../../src/image-version/properties/canonical-form.js";
import {
  comparableAt,
  fieldsOf,
  isSigilField,
  nameIn,
  placeOf,
  pointerTo,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
  type Fields,
} from "../../../../src/image-version/properties/fields.js";
import { inOrderOf } from "../../../../src/image-version/properties/order.js";
import {
  askedOfSeen,
  combined,
  conflictsBetween,
  impossibleAmong,
  unmetBy,
  type Patch,
} from "../../../../src/image-version/properties/patch.js";
import { END_OF_LIFE_DATE, PROMOTION } from "../../../../src/image-version/properties/table.js";
import { emptyRecord } from "../../../../src/image-version/state/record.js";
import { bodies, otherwiseWritten, shownBy } from "./bodies.js";

const { SIGIL_LAWS_RUNS = "30", SIGIL_LAWS_SEED = "20260101" } = process.env;

/** The same seed makes the same bodies: the suite cannot fail by chance. */
function always<T extends unknown[]>(
  ...parts: [...{ [I in keyof T]: fc.Arbitrary<T[I]> }, (...values: T) => void]
): void {
  const holds = parts.pop() as (...values: unknown[]) => void;
  fc.assert(
    fc.property(fc.tuple(...(parts as unknown as fc.Arbitrary<unknown>[])), (values) =>
      holds(...values),
    ),
    { numRuns: Number(SIGIL_LAWS_RUNS), seed: Number(SIGIL_LAWS_SEED) },
  );
}

const requests = bodies.map(canonicalForm);
const fields = requests.map(fieldsOf);
const shown = bodies.map(shownBy);
const removals = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>([]) },
  { weight: 1, arbitrary: fc.subarray(["westus", "eastus2", "uksouth"]) },
);

/** What a patch has, in the form in which two of them are compared. */
function comparable(patch: Patch): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(patch).map(([name, value]) => [
      name.startsWith("/tags/") ? name.toLowerCase() : name,
      value === null ? null : comparableAt(name, value),
    ]),
  );
}

function at(document: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((value, part) => (value as Record<string, unknown>)[part], document);
}

describe("the canonical form", () => {
  test("is its own canonical form", () => {
    always(bodies, (body) => {
      const form = canonicalForm(body);
      expect(canonicalForm(form)).toEqual(form);
    });
  });

  test("has the body's fields, and beyond them what the body says for all regions", () => {
    always(bodies, (body) => {
      const before = fieldsOf(body);
      const after = fieldsOf(canonicalForm(body));
      expect(after).toMatchObject(before);
      for (const name of Object.keys(after))
        if (!(name in before))
          expect(name).toMatch(
            /targetRegions\/\w+\/(?:name|regionalReplicaCount|storageAccountType)$/u,
          );
    });
  });

  test("and the fingerprint are the same, however a body is written", () => {
    always(bodies, (body) => {
      const form = canonicalForm(body);
      const other = canonicalForm(otherwiseWritten(body));
      expect(fingerprintOf(other)).toBe(fingerprintOf(form));
      expect(comparable(fieldsOf(other))).toEqual(comparable(fieldsOf(form)));
    });
  });
});

/** What a PUT of the body asks of a version that Azure shows, of which `spec` was achieved through Sigil. */
function askedOfShown(
  resource: ImageVersionRequest,
  body: ImageVersionRequest,
  spec: Fields | undefined,
  removeRegions: readonly string[] = [],
): Patch {
  const time = "2026-01-01T00:00:00Z";
  const look = { resource, provisioningState: "Succeeded", regions: [], time };
  return askedOf(
    { command: {}, body, removeRegions, glance: { look, seen: true } },
    spec && { ...emptyRecord("key", "/versions/1.0.0", time), spec },
  ).patch;
}

describe("a version to which a request is applied", () => {
  const merged = (
    resource: ImageVersionRequest,
    body: ImageVersionRequest,
    spec: Fields | undefined,
    removed: readonly string[],
  ) => {
    const patch = askedOfShown(resource, body, spec, removed);
    const impossible = impossibleAmong(unmetBy(fieldsOf(resource), patch));
    const names = new Set(impossible.map(({ field }) => field));
    return {
      patch,
      result: patched(resource, patch),
      // Of one source that is another than it was, all the members are impossible.
      isImpossible: (name: string) => names.has(name) || name.includes("/source/"),
    };
  };
  const cases = [shown, requests, fc.option(fields, { nil: undefined }), removals] as const;
  /** A PUT of a version that is there does not say where it is in latest, nor an earlier end; Azure has nothing of Sigil's own. */
  const isNotShown = (name: string): boolean =>
    isFlag(name) || isSigilField(name) || name === END_OF_LIFE_DATE;

  test("shows everything that was asked, unless it is impossible", () => {
    always(...cases, (resource, body, spec, removed) => {
      const { patch, result, isImpossible } = merged(resource, body, spec, removed);
      const unmet = unmetBy(fieldsOf(result), patch);
      expect(unmet.filter(({ field }) => !isImpossible(field))).toEqual([]);
    });
  });

  test("shows everything that the request says", () => {
    always(...cases, (resource, body, spec, removed) => {
      const { result, isImpossible } = merged(resource, body, spec, removed);
      const after = fieldsOf(result);
      for (const [name, value] of Object.entries(fieldsOf(body)))
        if (!isNotShown(name) && !isImpossible(name) && !removed.includes(regionOf(name) ?? ""))
          expect([name, sameAt(name, valueAt(after, name), value)]).toEqual([name, true]);
    });
  });

  test("shows nothing that the request takes away, and the regions that it does not name", () => {
    always(...cases, (resource, body, spec, removed) => {
      const { result } = merged(resource, body, spec, removed);
      const after = fieldsOf(result);
      const requested = fieldsOf(body);
      const places = new Set(Object.keys(requested).map(placeOf));
      for (const name of Object.keys(spec ?? {})) {
        const isTakenAway =
          propertyOf(name).omitted === "cleared" &&
          name !== PROMOTION &&
          valueAt(requested, name) === undefined &&
          (placeOf(name) === undefined || places.has(placeOf(name)));
        if (isTakenAway)
          expect([name, sameAt(name, valueAt(after, name), undefined)]).toEqual([name, true]);
      }
      const regions = new Set([...regionsIn(fieldsOf(resource)), ...regionsIn(requested)]);
      expect([...regionsIn(after)].sort()).toEqual(
        [...regions].filter((name) => !removed.includes(name)).sort(),
      );
    });
  });

  test("is byte for byte as it was where neither has a word", () => {
    always(...cases, (resource, body, spec, removed) => {
      const { patch, result } = merged(resource, body, spec, removed);
      for (const name of Object.keys(fieldsOf(resource))) {
        const isNamed = nameIn(patch, name) !== undefined || removed.includes(regionOf(name) ?? "");
        if (!isNamed)
          expect([name, at(result, pointerTo(result, name))]).toEqual([
            name,
            at(resource, pointerTo(resource, name)),
          ]);
      }
      expect(result.properties).toHaveProperty("newInProperties", ["of a newer API version"]);
      expect(result).not.toHaveProperty("systemData");
    });
  });

  test("has every region and key that the request does not name", () => {
    always(...cases, (resource, body, spec, removed) => {
      const { patch, result } = merged(resource, body, spec, removed);
      const before = fieldsOf(resource);
      const after = fieldsOf(result);
      for (const name of Object.keys(before))
        if (
          placeOf(name) !== undefined &&
          !(name in patch) &&
          !removed.includes(regionOf(name) ?? "")
        )
          expect([name, after[name]]).toEqual([name, before[name]]);
    });
  });

  test("asks for nothing more when the same request comes again", () => {
    always(shown, requests, cases[2], (resource, body, spec) => {
      const { result, isImpossible } = merged(resource, body, spec, []);
      const again = askedOfShown(result, body, spec);
      expect(unmetBy(fieldsOf(result), again).filter(({ field }) => !isImpossible(field))).toEqual(
        [],
      );
    });
  });
});

test("an answer of ARM, pasted, asks for nothing", () => {
  always(shown, (resource) => {
    const pasted = canonicalForm(resource);
    expect(askedOfShown(resource, pasted, fieldsOf(resource))).toEqual({});
    expect(askedOfSeen(fieldsOf(resource), fieldsOf(pasted))).toEqual({});
  });
});

test("an answer of Sigil, pasted, asks for nothing", () => {
  always(shown, fields, (resource, { [PROMOTION]: rule }) => {
    const own = rule === undefined ? {} : { [PROMOTION]: rule };
    const form = writableForm(resource, own);
    const applied = { ...fieldsOf(resource), ...own };
    const pasted = canonicalForm(form);
    expect(askedOfShown(resource, pasted, applied)).toEqual({});
    expect(askedOfSeen(applied, fieldsOf(pasted))).toEqual({});
    expect(form).not.toHaveProperty("id");
    expect(form.properties).not.toHaveProperty("provisioningState");
  });
});

test("what differs of a version that was seen makes the one of the other", () => {
  always(requests, requests, (from, to) => {
    const before = fieldsOf(from);
    const wanted = fieldsOf(to);
    const result = fieldsOf(patched(from, askedOfSeen(before, wanted)));
    const places = new Set(Object.keys(wanted).map(placeOf));
    for (const [name, value] of Object.entries(wanted))
      if (!name.includes("/source/"))
        expect([name, sameAt(name, valueAt(result, name), value)]).toEqual([name, true]);
    for (const name of Object.keys(result)) {
      if (valueAt(wanted, name) !== undefined) continue;
      // What stays: what silence keeps, regions that the other lacks, and what says no more than its default.
      const stays =
        propertyOf(name).omitted === "kept" ||
        (placeOf(name) !== undefined && !places.has(placeOf(name))) ||
        sameAt(name, result[name], undefined);
      expect([name, stays]).toEqual([name, true]);
      if (propertyOf(name).mutability !== "mutable") expect(name in before).toBe(true);
    }
  });
});

describe("requests that do not contradict each other", () => {
  const asked = (
    applied: Fields,
    parts: readonly (readonly [Fields, readonly string[]])[],
  ): readonly Patch[] =>
    // Each is what was applied with one change: a whole other body contradicts too often to show anything.
    parts.map(([requested, removed], i) => {
      const some = Object.entries(requested).filter((_, j) => j % 3 === i);
      return combined([
        askedOfSeen(applied, { ...applied, ...Object.fromEntries(some) }),
        Object.fromEntries(removed.map((name) => [regionField(name), null])),
      ]);
    });
  const parts = fc.array(fc.tuple(fields, removals), { minLength: 3, maxLength: 3 });
  const agree = (patches: readonly Patch[]): boolean =>
    patches.every((one) =>
      patches.every((other) => one === other || conflictsBetween(one, other).length === 0),
    );

  test("ask the same in any order, and in any grouping", () => {
    let agreed = 0;
    always(fields, parts, (applied, three) => {
      const patches = asked(applied, three);
      if (!agree(patches)) return;
      agreed += 1;
      const [a, b, c] = patches as [Patch, Patch, Patch];
      const all = comparable(combined([a, b, c]));
      for (const order of [
        [c, b, a],
        [b, a, c],
        [a, c, b],
        [combined([a, b]), c],
      ])
        expect(comparable(combined(order))).toEqual(all);
    });
    expect(agreed).toBeGreaterThan(Number(SIGIL_LAWS_RUNS) / 20);
  });
});

test("a document in the order of another keeps its content", () => {
  always(requests, requests, (document, model) => {
    const ordered = inOrderOf(document, model);
    expect(fieldsOf(ordered)).toEqual(fieldsOf(document));
    expect(inOrderOf(ordered, model)).toEqual(ordered);
    expect(inOrderOf(document, undefined)).toEqual(document);
    expect(inOrderOf(document, document)).toEqual(document);
    const names = (of: ImageVersionRequest): string[] =>
      (of.properties.publishingProfile?.targetRegions ?? []).map(({ name }) => name);
    const shared = names(model).filter((name) => names(document).includes(name));
    expect(names(ordered).slice(0, shared.length)).toEqual(shared);
    for (const region of names(document))
      expect(pointerTo(ordered, regionField(region))).toBe(
        `/properties/publishingProfile/targetRegions/${names(ordered).indexOf(region)}`,
      );
  });
});
