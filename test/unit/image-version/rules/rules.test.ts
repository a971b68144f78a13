import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Gathered } from "../../../../src/image-version/rules/gathered.js";
import { PAGES } from "../../../../src/image-version/rules/basis.js";
import type { GatheredSubject } from "../../../../src/image-version/rules/rule.js";
import {
  ALL_RULES,
  checkChange,
  checkGathered,
  checkRequest,
  CHANGE_RULES,
  FACT_RULES,
  REQUEST_RULES,
} from "../../../../src/image-version/rules/rules.js";
import {
  absent,
  changeOf,
  confidentialRegion,
  denied,
  disk,
  findings,
  IMAGE,
  KNOWN,
  MACHINE,
  region,
  source,
  subject,
  VERSION,
} from "./subject.js";

test("a request that meets every rule has no finding", () => {
  expect(findings({})).toEqual([]);
});

test("every rule has a name and a code of its own", () => {
  const names = ALL_RULES.map((rule) => rule.name);
  const codes = ALL_RULES.map((rule) => rule.code);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(codes).size).toBe(codes.length);
  expect(ALL_RULES).toHaveLength(REQUEST_RULES.length + CHANGE_RULES.length + FACT_RULES.length);
});

test("every file in a room of the folder is a rule that is named after it, and is registered", async () => {
  const folder = new URL("../../../../src/image-version/rules/", import.meta.url);
  const rooms = ["request", "change", "place", "source", "keys"];
  const files = rooms.flatMap((room) =>
    readdirSync(new URL(`${room}/`, folder)).map((file) => ({
      name: file.replace(/\.ts$/u, ""),
      address: new URL(`${room}/${file}`, folder).href,
    })),
  );
  expect(ALL_RULES.map((rule) => rule.name).sort()).toEqual(files.map(({ name }) => name).sort());
  for (const rule of ALL_RULES) {
    const file = files.find(({ name }) => name === rule.name);
    const module = (await import(file?.address ?? "")) as Record<string, unknown>;
    expect(Object.values(module), rule.name).toContain(rule);
  }
});

test("every rule says in one sentence what holds, and its name and code are well formed", () => {
  for (const { name, code, summary } of ALL_RULES) {
    expect(name).toMatch(/^[a-z]+(-[a-z0-9]+)*$/u);
    expect(code).toMatch(/^([A-Z][a-z]+|V|V2)+$/u);
    expect(summary, name).toMatch(/^[A-Za-z][^|\n]*[^.]\.$/u);
  }
});

test("every rule says what it rests on, and what rests on a guess stops nothing", () => {
  for (const { name, severity, basis } of ALL_RULES) {
    if ("documented" in basis) expect(PAGES, name).toHaveProperty(basis.documented);
    else expect(Object.values(basis).join(), name).toMatch(/^\S.{10,}\.$/u);
    if ("guess" in basis) expect(severity, name).not.toBe("error");
  }
});

test("findings name their rule and come in the order of the rules", () => {
  const found = findings({
    name: "01.0.0",
    regions: [region("eastus2", [0, 0]), region("eastus2")],
    storage: {},
    gathered: { gallery: absent },
  });
  expect(found.map(({ rule, code }) => `${rule} ${code}`)).toEqual([
    "version-name InvalidVersionName",
    "unique-regions DuplicateRegion",
    "location-among-regions LocationNotInTargetRegions",
    "source-given MissingSource",
    "unique-luns DuplicateLun",
    "gallery-exists GalleryNotFound",
  ]);
});

describe("no rule throws", () => {
  const nothing: Gathered = {
    gallery: absent,
    imageDefinition: absent,
    imageVersion: absent,
    diskEncryptionSets: new Map(),
    sources: new Map(),
    sourceDefinitions: new Map(),
    regions: absent,
    registrations: new Map(),
  };
  const unseen: Gathered = {
    ...nothing,
    gallery: denied("/g"),
    imageDefinition: denied("/d"),
    imageVersion: denied("/v"),
    regions: denied("/s"),
    registrations: new Map([["Microsoft.Compute", denied("/s")]]),
    sources: new Map([[IMAGE.toLowerCase(), denied("/i")]]),
  };
  const good = subject();
  const bare = (properties: object): GatheredSubject => ({
    ...good,
    request: {
      location: "westus",
      properties: { storageProfile: {}, ...properties },
    },
  });
  const regionsOf = (...targetRegions: object[]): GatheredSubject =>
    bare({ publishingProfile: { targetRegions } });
  const encryptionOf = (encryption: object): GatheredSubject =>
    regionsOf({ name: "westus", encryption });

  test.each<[string, GatheredSubject]>([
    ["nothing but a location", bare({})],
    ["an empty publishing profile", bare({ publishingProfile: {} })],
    ["no regions", regionsOf()],
    ["a region without a name's worth", regionsOf({ name: "" })],
    ["a region twice", regionsOf({ name: "westus" }, { name: "westus" })],
    ["empty encryption", encryptionOf({})],
    ["an empty OS disk's encryption", encryptionOf({ osDiskImage: {} })],
    ["an empty security profile", encryptionOf({ osDiskImage: { securityProfile: {} } })],
    ["no data disks to encrypt", encryptionOf({ osDiskImage: {}, dataDiskImages: [] })],
    ["an id that is none", encryptionOf({ osDiskImage: { diskEncryptionSetId: "no id" } })],
    ["an empty id", encryptionOf({ dataDiskImages: [{ lun: 0, diskEncryptionSetId: "" }] })],
    [
      "no replica count in further replica sets",
      regionsOf({ name: "westus", additionalReplicaSets: [{}] }),
    ],
    ["no edge zones", bare({ publishingProfile: { targetExtendedLocations: [] } })],
    ["an end-of-life date that is none", bare({ publishingProfile: { endOfLifeDate: "soon" } })],
    ["an empty source", bare({ storageProfile: { source: {} } })],
    [
      "every kind of source, none of them an id",
      bare({
        storageProfile: {
          source: {
            id: "a",
            virtualMachineId: "b",
            communityGalleryImageId: "c",
          },
          osDiskImage: { source: { id: "d", uri: "e", storageAccountId: "f" } },
          dataDiskImages: [{ lun: 0, source: { id: "g" } }, { lun: 0 }],
        },
      }),
    ],
    ["an empty OS disk image", bare({ storageProfile: { osDiskImage: {}, dataDiskImages: [] } })],
    ["a name of no numbers", { ...good, id: { ...good.id, versionName: "latest" } }],
    ["nothing in Azure", { ...good, gathered: nothing }],
    ["nothing that may be seen", { ...good, gathered: unseen }],
    [
      "an operation that asks for the same",
      {
        ...good,
        gathered: {
          ...good.gathered,
          known: { ...KNOWN, sameRequest: KNOWN.operationId },
        },
      },
    ],
    [
      "a version that has nothing",
      {
        ...good,
        change: { observed: bare({}).request, patch: {}, unmanaged: true },
        gathered: {
          ...good.gathered,
          imageVersion: {
            kind: "found",
            value: {
              provisioningState: "Failed",
              resource: bare({}).request,
              regions: [],
            },
          },
        },
      },
    ],
    [
      "a change of a version that says nothing",
      { ...bare({}), change: changeOf(good.request, {}) },
    ],
    [
      "a source without regions or disks",
      subject({
        sources: {
          [IMAGE]: source(IMAGE, {
            regions: [],
            dataDisks: [],
            provisioningState: "",
          }),
        },
      }),
    ],
    [
      "a machine whose disks have ids that are none",
      subject({
        storage: { source: { virtualMachineId: MACHINE } },
        sources: {
          [MACHINE]: source(MACHINE, {
            osDisk: { id: "none", diskEncryptionSetId: "none" },
            dataDisks: [{ lun: 0, id: "" }],
          }),
        },
      }),
    ],
    [
      "an image version whose definition was not looked at",
      subject({
        storage: { source: { id: VERSION } },
        sources: { [VERSION]: disk(VERSION) },
      }),
    ],
    [
      "a definition that says nothing",
      subject({
        regions: [confidentialRegion("westus")],
        definition: {
          osType: "",
          osState: "",
          hyperVGeneration: "",
          architecture: "",
          securityType: "",
        },
        gathered: { regions: { kind: "found", value: [] } },
      }),
    ],
  ])("over %s", (_, it) => {
    for (const rule of ALL_RULES) {
      expect(() => rule.check(it), rule.name).not.toThrow();
      for (const { pointer, message, remediation } of rule.check(it)) {
        expect(pointer).toMatch(/^(\/|$)/u);
        expect(message).not.toMatch(/undefined|NaN|\[object/u);
        expect(remediation).not.toMatch(/undefined|NaN|\[object/u);
      }
    }
    const all = [...checkRequest(it), ...checkChange(it), ...checkGathered(it)];
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length);
  });
});
