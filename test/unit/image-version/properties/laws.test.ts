/** What holds of every body that the contract allows. A failure is told with the smallest bodies that show it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import {
  patched,
  writableForm,
} from "../../../../src/image-version/properties/body.js";
import {
  canonicalForm,
  fingerprintOf,
} from "../../../../src/image-version/properties/canonical-form.js";
import {
  comparableAt,
  fieldsOf,
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
  askedBy,
  combined,
  conflictsBetween,
  difference,
  impossibleAmong,
  unmetBy,
  withApplied,
  type Patch,
} from "../../../../src/image-version/properties/patch.js";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import { bodies, otherwiseWritten, shownBy } from "./bodies.js";

const { SIGIL_LAWS_RUNS = "100", SIGIL_LAWS_SEED = "20260101" } = process.env;

/** The same seed makes the same bodies: the suite cannot fail by chance. */
function always<T extends unknown[]>(
  ...parts: [...{ [I in keyof T]: fc.Arbitrary<T[I]> }, (...values: T) => void]
): void {
  const holds = parts.pop() as (...values: unknown[]) => void;
  fc.assert(
    fc.property(
      fc.tuple(...(parts as unknown as fc.Arbitrary<unknown>[])),
      (values) => holds(...values),
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
    .reduce(
      (value, part) => (value as Record<string, unknown>)[part],
      document,
    );
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

describe("a version to which a request is applied", () => {
  const merged = (
    resource: ImageVersionRequest,
    requested: Fields,
    applied: Fields | undefined,
    removed: readonly string[],
  ) => {
    const patch = combined([askedBy(requested, applied, removed)], applied);
    const impossible = impossibleAmong(unmetBy(fieldsOf(resource), patch));
    return {
      patch,
      result: patched(resource, patch),
      impossible: new Set(impossible.map(({ field }) => field)),
    };
  };
  const cases = [
    shown,
    fields,
    fc.option(fields, { nil: undefined }),
    removals,
  ] as const;

  test("shows everything that was asked, unless it is impossible", () => {
    always(...cases, (resource, requested, applied, removed) => {
      const { patch, result, impossible } = merged(
        resource,
        requested,
        applied,
        removed,
      );
      const unmet = unmetBy(fieldsOf(result), patch).filter(
        // Of one source that is another than it was, all the members are impossible.
        ({ field }) => !impossible.has(field) && !field.includes("/source/"),
      );
      expect(unmet).toEqual([]);
    });
  });

  test("shows everything that the request says", () => {
    always(...cases, (resource, requested, applied, removed) => {
      const { result, impossible } = merged(
        resource,
        requested,
        applied,
        removed,
      );
      const after = fieldsOf(result);
      for (const [name, value] of Object.entries(requested)) {
        const isRepeated =
          propertyOf(name).restated === true &&
          applied !== undefined &&
          sameAt(name, valueAt(applied, name), value);
        if (
          isRepeated ||
          impossible.has(name) ||
          name.includes("/source/") ||
          removed.includes(regionOf(name) ?? "")
        )
          continue;
        expect([name, sameAt(name, valueAt(after, name), value)]).toEqual([
          name,
          true,
        ]);
      }
    });
  });

  test("shows nothing that the request takes away, and the regions that it does not name", () => {
    always(...cases, (resource, requested, applied, removed) => {
      const { result } = merged(resource, requested, applied, removed);
      const after = fieldsOf(result);
      const places = new Set(Object.keys(requested).map(placeOf));
      for (const name of Object.keys(applied ?? {})) {
        const isTakenAway =
          propertyOf(name).omitted === "cleared" &&
          valueAt(requested, name) === undefined &&
          (placeOf(name) === undefined || places.has(placeOf(name)));
        if (isTakenAway)
          expect([name, sameAt(name, valueAt(after, name), undefined)]).toEqual(
            [name, true],
          );
      }
      const regions = new Set([
        ...regionsIn(fieldsOf(resource)),
        ...regionsIn(requested),
      ]);
      expect([...regionsIn(after)].sort()).toEqual(
        [...regions].filter((name) => !removed.includes(name)).sort(),
      );
    });
  });

  test("is byte for byte as it was where neither has a word", () => {
    always(...cases, (resource, requested, applied, removed) => {
      const { patch, result } = merged(resource, requested, applied, removed);
      for (const name of Object.keys(fieldsOf(resource))) {
        const isNamed =
          nameIn(patch, name) !== undefined ||
          removed.includes(regionOf(name) ?? "");
        if (!isNamed)
          expect([name, at(result, pointerTo(result, name))]).toEqual([
            name,
            at(resource, pointerTo(resource, name)),
          ]);
      }
      expect(result.properties).toHaveProperty("newInProperties", [
        "of a newer API version",
      ]);
      expect(result).not.toHaveProperty("systemData");
    });
  });

  test("asks for nothing more when the same request comes again", () => {
    always(
      fields,
      fc.option(fields, { nil: undefined }),
      (requested, before) => {
        const patch = combined([askedBy(requested, before)], before);
        const applied = withApplied(before, patch);
        expect(askedBy(requested, applied).changes).toEqual({});
      },
    );
  });
});

test("an answer of ARM, pasted, asks for nothing", () => {
  always(shown, (resource) => {
    const observed = fieldsOf(resource);
    const pasted = fieldsOf(canonicalForm(resource));
    const asked = askedBy(pasted, observed);
    expect(asked.changes).toEqual({});
    expect(unmetBy(observed, combined([asked], observed))).toEqual([]);
    expect(difference(observed, pasted).changes).toEqual({});
  });
});

test("an answer of Sigil, pasted, asks for nothing", () => {
  always(shown, fields, (resource, { [PROMOTION]: rule }) => {
    const own = rule === undefined ? {} : { [PROMOTION]: rule };
    const form = writableForm(resource, own);
    const applied = { ...fieldsOf(resource), ...own };
    const pasted = fieldsOf(canonicalForm(form));
    expect(askedBy(pasted, applied).changes).toEqual({});
    expect(difference(applied, pasted).changes).toEqual({});
    expect(form).not.toHaveProperty("id");
    expect(form.properties).not.toHaveProperty("provisioningState");
  });
});

test("an update's body has every region and key that the patch does not name", () => {
  always(shown, fields, removals, (resource, requested, removed) => {
    const { changes } = askedBy(requested, undefined, removed);
    const request = patched(resource, changes);
    const before = fieldsOf(resource);
    const after = fieldsOf(request);
    for (const name of Object.keys(before))
      if (
        placeOf(name) !== undefined &&
        !(name in changes) &&
        !removed.includes(regionOf(name) ?? "")
      )
        expect([name, after[name]]).toEqual([name, before[name]]);
    const gone = regionsIn(before).filter(
      (name) => !regionsIn(after).includes(name),
    );
    expect(gone).toEqual(
      regionsIn(before).filter((name) => removed.includes(name)),
    );
  });
});

test("the difference of two versions makes the one of the other", () => {
  always(requests, requests, (from, to) => {
    const { changes } = difference(fieldsOf(from), fieldsOf(to));
    const before = fieldsOf(from);
    const wanted = fieldsOf(to);
    const result = fieldsOf(patched(from, changes));
    const places = new Set(Object.keys(wanted).map(placeOf));
    for (const [name, value] of Object.entries(wanted))
      if (!name.includes("/source/"))
        expect([name, sameAt(name, valueAt(result, name), value)]).toEqual([
          name,
          true,
        ]);
    for (const name of Object.keys(result)) {
      if (valueAt(wanted, name) !== undefined) continue;
      // What stays: what nobody can take away, regions that the other lacks, and what says no more than its default.
      const stays =
        propertyOf(name).mutability !== "mutable" ||
        (placeOf(name) !== undefined && !places.has(placeOf(name))) ||
        sameAt(name, result[name], undefined);
      expect([name, stays]).toEqual([name, true]);
      if (propertyOf(name).mutability !== "mutable")
        expect(name in before).toBe(true);
    }
  });
});

describe("requests that do not contradict each other", () => {
  const asked = (
    applied: Fields | undefined,
    parts: readonly (readonly [Fields, readonly string[]])[],
  ) =>
    // Each is what was applied with one change: a whole other body contradicts too often to show anything.
    parts.map(([requested, removed], i) => {
      const some = Object.entries(requested).filter((_, j) => j % 3 === i);
      return askedBy(
        { ...applied, ...Object.fromEntries(some) },
        applied,
        removed,
      );
    });
  const parts = fc.array(fc.tuple(fields, removals), {
    minLength: 3,
    maxLength: 3,
  });
  const agree = (requests: readonly ReturnType<typeof askedBy>[]): boolean =>
    requests.every((one) =>
      requests.every(
        (other) => one === other || conflictsBetween(one, other).length === 0,
      ),
    );

  test("ask the same in any order, and in any grouping", () => {
    let agreed = 0;
    always(fields, parts, (applied, three) => {
      const requests = asked(applied, three);
      if (!agree(requests)) return;
      agreed += 1;
      const [a, b, c] = requests as [
        (typeof requests)[0],
        (typeof requests)[0],
        (typeof requests)[0],
      ];
      const all = comparable(combined([a, b, c], applied));
      for (const order of [
        [c, b, a],
        [b, a, c],
        [a, c, b],
      ])
        expect(comparable(combined(order, applied))).toEqual(all);
      const first = { changes: combined([a, b], applied), repeats: {} };
      expect(comparable(combined([first, c], applied))).toEqual(all);
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
      (of.properties.publishingProfile?.targetRegions ?? []).map(
        ({ name }) => name,
      );
    const shared = names(model).filter((name) =>
      names(document).includes(name),
    );
    expect(names(ordered).slice(0, shared.length)).toEqual(shared);
    for (const region of names(document))
      expect(pointerTo(ordered, regionField(region))).toBe(
        `/properties/publishingProfile/targetRegions/${names(ordered).indexOf(region)}`,
      );
  });
});
