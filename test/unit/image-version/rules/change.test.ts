import { describe, expect, test } from "vitest";
import {
  finding,
  findings,
  IMAGE,
  MACHINE,
  REGIONS,
  region,
  setId,
  STORAGE,
  subject,
  type Changes,
} from "./subject.js";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import type { Change } from "../../../../src/image-version/rules/gathered.js";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import { checkChange } from "../../../../src/image-version/rules/rules.js";

const PAST = "2025-12-31";
const PROFILE = "/properties/publishingProfile";

/** A version in westus, eastus2 and westeurope. */
const THREE = [region("westus"), region("eastus2"), { name: "westeurope" }];

describe("an update", () => {
  test("that says what Azure shows has no finding", () => {
    expect(findings({ existing: {} })).toEqual([]);
  });

  test.each<[string, Changes]>([
    [
      "a replica count",
      {
        regions: [region("westus", [0], { regionalReplicaCount: 3 }), region("eastus2")],
      },
    ],
    ["exclusion from latest", { publishing: { excludeFromLatest: true } }],
    ["an end of life", { publishing: { endOfLifeDate: "2030-01-01" } }],
    ["a region more", { existing: { regions: [region("westus")] } }],
  ])("may change %s", (_, changes) => {
    expect(findings({ existing: {}, ...changes })).toEqual([]);
  });

  test("may leave out the source: it is the one that the version has", () => {
    expect(findings({ storage: {}, existing: {} })).toEqual([]);
    expect(findings({ storage: {} }).map(({ code }) => code)).toEqual(["MissingSource"]);
  });

  test("may leave out the region of the version's own location: it is kept", () => {
    const regions = [region("eastus2")];
    expect(findings({ regions, existing: {} }).map(({ code }) => code)).toEqual(["RegionKept"]);
    expect(findings({ regions }).map(({ code }) => code)).toEqual(["LocationNotInTargetRegions"]);
  });

  test("may repeat an end of life that is past, and ask for no other that is", () => {
    const existing = { publishing: { endOfLifeDate: PAST } };
    const said = (endOfLifeDate: string) => findings({ publishing: { endOfLifeDate }, existing });
    expect(said(PAST)).toEqual([]);
    expect(said("2025-12-31T00:00:00+00:00")).toEqual([]);
    expect(said("2025-12-30").map(({ code, pointer }) => [code, pointer])).toEqual([
      ["EndOfLifeDateInPast", `${PROFILE}/endOfLifeDate`],
    ]);
  });

  test.each<[string, string, string, string, Changes]>([
    ["the location", "/location", '"westus"', '"eastus2"', { location: "eastus2" }],
    [
      "the storage type of a region",
      `${REGIONS}/0/storageAccountType`,
      '"Standard_LRS"',
      '"Standard_ZRS"',
      {
        regions: [region("westus", [0], { storageAccountType: "Standard_ZRS" }), region("eastus2")],
        existing: {
          regions: [
            region("westus", [0], { storageAccountType: "Standard_LRS" }),
            region("eastus2"),
          ],
        },
      },
    ],
    [
      "the source",
      `${STORAGE}/source/id`,
      `"${IMAGE}"`,
      `"${IMAGE}2"`,
      { storage: { source: { id: `${IMAGE}2` } } },
    ],
    [
      "the kind of source",
      `${STORAGE}/source/virtualMachineId`,
      `"${IMAGE}"`,
      `"${MACHINE}"`,
      { storage: { source: { virtualMachineId: MACHINE } } },
    ],
  ])("cannot change %s, and is told both values", (_, pointer, before, after, changes) => {
    const told = findings({ existing: {}, ...changes }).filter(
      ({ rule }) => rule === "immutable-properties",
    );
    expect(told).toEqual([finding("ImmutableProperty", pointer, [before, after], [])]);
  });
});

describe("a region of the version", () => {
  test("that the request does not name is kept, with a warning", () => {
    expect(
      findings({
        regions: [region("westus")],
        existing: { regions: THREE },
      }).filter(({ rule }) => rule === "region-kept"),
    ).toEqual(
      ["eastus2", "westeurope"].map((name) =>
        finding("RegionKept", REGIONS, [name], [name, "removeRegions"], "warning"),
      ),
    );
  });

  test("an edge zone that it does not name is kept, and said to be", () => {
    const zone = (name: string) => ({
      name: "westus",
      extendedLocation: { name, type: "EdgeZone" as const },
    });
    const publishing = {
      targetExtendedLocations: [zone("los angeles"), zone("las vegas")],
    };
    const existing = { publishing };
    expect(findings({ publishing, existing })).toEqual([]);
    expect(
      findings({
        publishing: { targetExtendedLocations: [zone("las vegas")] },
        existing,
      }),
    ).toEqual([
      finding("EdgeZoneKept", `${PROFILE}/targetExtendedLocations`, ["westus"], [], "warning"),
    ]);
    expect(findings({ existing }).map(({ code }) => code)).toEqual([
      "EdgeZoneKept",
      "EdgeZoneKept",
    ]);
  });

  test("that others have added is kept, too", () => {
    expect(
      findings({
        existing: { regions: THREE, unmanaged: true },
      }).map(({ code }) => code),
    ).toContain("RegionKept");
  });

  test("is removed where it is named, and no longer said to be kept", () => {
    expect(
      findings({
        regions: [region("westus"), region("eastus2")],
        existing: { regions: THREE, removeRegions: ["westeurope"] },
      }),
    ).toEqual([]);
  });

  test("that it does not have is not removed, with a warning", () => {
    expect(findings({ existing: { removeRegions: ["eastus22"] } })).toEqual([
      finding("RegionNotInVersion", REGIONS, ["removeRegions"], ["westus", "eastus2"], "warning"),
    ]);
  });

  test("that is the version's own location is not removed", () => {
    expect(
      findings({
        regions: [region("eastus2")],
        existing: { removeRegions: ["westus"] },
      }),
    ).toEqual([finding("InvalidRegionRemoval", "", ["westus"], ["westus", "removeRegions"])]);
  });

  test("is not removed by a request that has it among its target regions", () => {
    expect(findings({ existing: { removeRegions: ["eastus2"] } })).toEqual([
      finding("InvalidRegionRemoval", `${REGIONS}/1`, ["removeRegions", "eastus2"], ["eastus2"]),
    ]);
  });
});

describe("a key", () => {
  const keys = (...names: [os: string, data?: string]) => ({
    encryption: {
      osDiskImage: { diskEncryptionSetId: setId(names[0]) },
      ...(names[1] !== undefined && {
        dataDiskImages: [{ lun: 0, diskEncryptionSetId: setId(names[1]) }],
      }),
    },
  });
  const changed = (eastus2: object, existing: NonNullable<Changes["existing"]> = {}) =>
    findings({
      regions: [region("westus"), { name: "eastus2", ...eastus2 }],
      existing,
    }).filter(({ rule }) => rule === "customer-keys-kept");

  test("may be spelled otherwise", () => {
    expect(
      changed({
        encryption: {
          osDiskImage: {
            diskEncryptionSetId: setId("eastus2-os").toUpperCase(),
          },
          dataDiskImages: [{ lun: 0, diskEncryptionSetId: setId("eastus2-0").toUpperCase() }],
        },
      }),
    ).toEqual([]);
  });

  test("of a disk is never another one", () => {
    expect(changed(keys("eastus2-1", "eastus2-0"))).toEqual([
      finding(
        "CustomerKeysChanged",
        `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
        [setId("eastus2-os"), setId("eastus2-1"), "eastus2"],
        [setId("eastus2-os"), "eastus2"],
      ),
    ]);
  });

  test("of a disk is not left out where it was said through Sigil", () => {
    expect(changed(keys("eastus2-os"))).toEqual([
      finding(
        "CustomerKeysChanged",
        `${REGIONS}/1/encryption`,
        [setId("eastus2-0"), "0", "eastus2"],
        [setId("eastus2-0"), "eastus2"],
      ),
    ]);
    expect(changed({})).toHaveLength(2);
  });

  test("that others have given stays where a request is silent about it", () => {
    expect(changed({}, { unmanaged: true })).toEqual([]);
  });

  test("goes with its region where that is removed", () => {
    expect(
      findings({
        regions: [region("westus")],
        existing: { removeRegions: ["eastus2"] },
      }),
    ).toEqual([]);
  });
});

/** What the rule says of a change of what Azure shows; `patch` is what is asked besides what the body says. */
const warned = (
  code: string,
  said: Changes,
  existing: NonNullable<Changes["existing"]>,
  patch: Change["patch"] = {},
) => {
  const it = subject({ ...said, existing });
  if (it.change === undefined) throw new Error("there is no change");
  const change = { ...it.change, patch: { ...it.change.patch, ...patch } };
  return checkChange({ ...it, change }).filter((one) => one.code === code);
};
const OUT = { excludeFromLatest: true };
const flagged = (name: string, excludeFromLatest: boolean) =>
  region(name, [0], { excludeFromLatest });

describe("a region that is added to a version which its tests have promoted", () => {
  const TESTED: PromotionRule = { when: "tested" };
  const added = (
    more: Partial<Changes> = {},
    existing: Partial<NonNullable<Changes["existing"]>> = {},
    patch?: Change["patch"],
  ) => {
    const before = { promotion: TESTED, regions: [region("westus")] };
    return warned(
      "NotTestedThere",
      { ...before, regions: [region("westus"), region("eastus2")], ...more },
      { ...before, ...existing },
      patch,
    );
  };
  const expected = finding(
    "NotTestedThere",
    `${REGIONS}/1`,
    ["eastus2"],
    ['"excludeFromLatest"', "eastus2"],
    "warning",
  );
  const naming = (...regions: string[]) => ({
    promotion: { ...TESTED, regions },
  });

  test.each<[string, ...Parameters<typeof added>]>([
    ["where none of it has passed there"],
    ["where the rule names it", naming("westus", "East US 2"), naming("westus", "East US 2")],
    [
      "where the rule is asked for only now, by a PATCH",
      {},
      { promotion: { when: "manual" } },
      { "/sigil/promotion": TESTED },
    ],
  ])("has it as its latest at once, %s", (_, ...args) => {
    expect(added(...args)).toEqual([expected]);
  });

  test.each<[string, ...Parameters<typeof added>]>([
    ["is excluded", { regions: [region("westus"), flagged("eastus2", true)] }],
    ["is none that the rule names", naming("westus"), naming("westus")],
    ["was there", {}, { regions: [region("westus"), region("eastus2")] }],
    ["waits for the tests as the version does", {}, { publishing: OUT }],
    ["comes with an exclusion of the version", { publishing: OUT }],
    ["has another rule", { promotion: { when: "manual" } }, { promotion: { when: "manual" } }],
    ["has the rule no more", {}, {}, { [PROMOTION]: null }],
  ])("is no news where it %s", (_, ...args) => {
    expect(added(...args)).toEqual([]);
  });

  test("of a version without a rule is no news", () => {
    const regions = [region("westus"), region("eastus2")];
    const existing = { regions: [region("westus")] };
    expect(warned("NotTestedThere", { regions }, existing)).toEqual([]);
  });
});
