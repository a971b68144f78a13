import { describe, expect, test } from "vitest";
import { canonicalForm } from "../../../src/image-version/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { merge, type Merger } from "../../../src/image-version/merging.js";
import { managedImageRequest, seedRegion } from "../../support/requests.js";

type Region = ReturnType<typeof seedRegion>;
const WEST = seedRegion("westus", "WestUS", { regionalReplicaCount: 2 });
const EAST = seedRegion("eastus", "EastUS");
const EAST2 = seedRegion("eastus2", "EastUS2");

interface Asked {
  readonly tags?: Record<string, string>;
  readonly publishing?: object;
  readonly safety?: object;
  readonly sigil?: ImageVersionRequest["sigil"];
}

function asks(
  regions: readonly Region[],
  { tags, publishing, safety, sigil }: Asked = {},
): ImageVersionRequest {
  const { location, properties } = managedImageRequest();
  return canonicalForm({
    location,
    ...(tags && { tags }),
    ...(sigil && { sigil }),
    properties: {
      ...properties,
      publishingProfile: { targetRegions: [...regions], ...publishing },
      ...(safety && { safetyProfile: safety }),
    },
  });
}

const pointers = (merger: Merger): string[] =>
  merger.kind === "conflict"
    ? merger.conflicts.map(({ pointer }) => pointer)
    : [];

function merged(merger: Merger): ImageVersionRequest {
  if (merger.kind === "merged") return merger.request;
  throw new Error(`conflicts at ${pointers(merger).join(", ")}`);
}

const base = asks([WEST]);
const PUBLISHING = "/properties/publishingProfile";

test("two equal requests are the one", () => {
  expect(merged(merge(base, base, base))).toEqual(base);
  expect(merged(merge(undefined, base, base))).toEqual(base);
});

describe("invariant 1: all that both say", () => {
  test.each([
    ["onto a version", base],
    ["for a version that is yet to be made", undefined],
  ])("regions, %s", (_, before) => {
    expect(
      merged(merge(before, asks([WEST, EAST]), asks([WEST, EAST2]))),
    ).toEqual(asks([WEST, EAST2, EAST]));
  });

  test("tags, an end of life and a safety profile", () => {
    expect(
      merged(
        merge(
          base,
          asks([WEST], { tags: { a: "1" } }),
          asks([WEST], {
            tags: { b: "2" },
            publishing: { endOfLifeDate: "2030-01-01" },
            safety: { blockDeletionBeforeEndOfLife: true },
          }),
        ),
      ),
    ).toEqual(
      asks([WEST], {
        tags: { b: "2", a: "1" },
        publishing: { endOfLifeDate: "2030-01-01" },
        safety: { blockDeletionBeforeEndOfLife: true },
      }),
    );
  });

  test("what a request leaves out of what the version had goes", () => {
    const had = asks([WEST], {
      tags: { old: "yes" },
      publishing: { excludeFromLatest: true },
    });
    const desired = asks([WEST, EAST], {
      tags: { old: "yes" },
      publishing: { excludeFromLatest: true },
    });
    expect(merged(merge(had, desired, base))).toEqual(asks([WEST, EAST]));
  });

  test("but not what the other has added", () => {
    const desired = asks([WEST], {
      tags: { added: "yes" },
      publishing: { excludeFromLatest: true },
    });
    expect(merged(merge(base, desired, asks([WEST, EAST])))).toEqual(
      asks([WEST, EAST], {
        tags: { added: "yes" },
        publishing: { excludeFromLatest: true },
      }),
    );
  });

  test("more replicas than the other asks for serve both", () => {
    const count = (n: number): Region => ({ ...WEST, regionalReplicaCount: n });
    expect(merged(merge(base, asks([count(3)]), asks([count(5)])))).toEqual(
      asks([count(5)]),
    );
    expect(pointers(merge(base, asks([count(5)]), asks([count(3)])))).toEqual([
      `${PUBLISHING}/targetRegions/0/regionalReplicaCount`,
    ]);
    // Fewer than the version has are a change like any, where nobody else changes them.
    expect(merged(merge(base, asks([WEST, EAST]), asks([count(1)])))).toEqual(
      asks([count(1), EAST]),
    );
  });

  test("a set is the same set, however its id is spelled", () => {
    const shouted = JSON.parse(
      JSON.stringify(asks([WEST])).replace(
        /diskEncryptionSets\/WestUS/gu,
        "diskEncryptionSets/WESTUS",
      ),
    ) as ImageVersionRequest;
    expect(merge(base, base, shouted).kind).toBe("merged");
  });
});

test("invariant 2: a caller's own regions come first, in its order", () => {
  expect(
    merged(
      merge(asks([WEST, EAST]), asks([WEST, EAST, EAST2]), asks([EAST, WEST])),
    ).properties.publishingProfile?.targetRegions?.map(({ name }) => name),
  ).toEqual(["eastus", "westus", "eastus2"]);
});

describe("nothing is decided where they contradict each other:", () => {
  test.each<[string, Asked, Asked, string]>([
    ["a tag", { tags: { a: "1" } }, { tags: { a: "2" } }, "/tags/a"],
    [
      "an end of life",
      { publishing: { endOfLifeDate: "2030-01-01" } },
      { publishing: { endOfLifeDate: "2031-01-01" } },
      `${PUBLISHING}/endOfLifeDate`,
    ],
    [
      "a promotion rule",
      { sigil: { promotion: { when: "manual" } } },
      { sigil: { promotion: { when: "allRegionsReady" } } },
      "/sigil/promotion/when",
    ],
  ])("%s", (_, one, other, pointer) => {
    expect(
      pointers(merge(base, asks([WEST], one), asks([WEST], other))),
    ).toEqual([pointer]);
  });

  test("one states what the version was, and the other has changed it", () => {
    const before = asks([WEST], { tags: { a: "1" } });
    expect(
      pointers(merge(before, asks([WEST], { tags: { a: "2" } }), before)),
    ).toEqual(["/tags/a"]);
    expect(pointers(merge(before, asks([WEST]), before))).toEqual(["/tags/a"]);
  });

  test("one says that a version to be made is held back, and the other does not", () => {
    const held = asks([WEST], { publishing: { excludeFromLatest: true } });
    const pointer = `${PUBLISHING}/excludeFromLatest`;
    expect(pointers(merge(undefined, held, base))).toEqual([pointer]);
    expect(pointers(merge(undefined, base, held))).toEqual([pointer]);
  });

  test("the key of a region that both add", () => {
    const other = seedRegion("eastus", "EastUS2");
    expect(
      pointers(merge(base, asks([WEST, EAST]), asks([WEST, other]))).every(
        (pointer) =>
          pointer.startsWith(`${PUBLISHING}/targetRegions/1/encryption`),
      ),
    ).toBe(true);
    expect(merge(base, asks([WEST, EAST]), asks([WEST, other])).kind).toBe(
      "conflict",
    );
  });
});

describe("invariant 3: no merger", () => {
  test("takes a region away", () => {
    expect(
      pointers(
        merge(asks([WEST, EAST]), asks([WEST, EAST, EAST2]), asks([WEST])),
      ),
    ).toEqual([`${PUBLISHING}/targetRegions`]);
  });

  test("brings back a region that the other takes away", () => {
    const both = asks([WEST, EAST]);
    expect(merge(both, asks([WEST]), both).kind).toBe("conflict");
  });

  test.each<[string, (request: ImageVersionRequest) => void, string]>([
    [
      "the source",
      ({ properties }) => {
        properties.storageProfile = {
          source: { id: "/subscriptions/s/resourceGroups/g/other" },
        };
      },
      "/properties/storageProfile/source/id",
    ],
    [
      "the replication mode",
      ({ properties }) => {
        properties.publishingProfile = {
          ...properties.publishingProfile,
          replicationMode: "Shallow",
        };
      },
      `${PUBLISHING}/replicationMode`,
    ],
    [
      "a data disk",
      ({ properties }) => {
        properties.storageProfile = {
          ...properties.storageProfile,
          dataDiskImages: [{ lun: 0, source: { id: "/disk" } }],
        };
      },
      "/properties/storageProfile/dataDiskImages/0",
    ],
  ])("changes %s", (_, change, pointer) => {
    const asked = structuredClone(base);
    change(asked);
    expect(
      pointers(merge(base, base, asked)).some((one) =>
        one.startsWith(pointer.split("/").slice(0, 4).join("/")),
      ),
    ).toBe(true);
    expect(merge(undefined, base, asked).kind).toBe("conflict");
  });
});

test("a request with the promotion rule says nothing of exclusion", () => {
  const rule: Asked = { sigil: { promotion: { when: "manual" } } };
  const held = asks([WEST], {
    ...rule,
    publishing: { excludeFromLatest: true },
  });
  expect(
    merged(merge(held, asks([WEST], rule), asks([WEST, EAST], rule))),
  ).toEqual(asks([WEST, EAST], rule));
  expect(merged(merge(undefined, held, asks([WEST, EAST], rule)))).toEqual(
    asks([WEST, EAST], { ...rule, publishing: { excludeFromLatest: true } }),
  );
});
