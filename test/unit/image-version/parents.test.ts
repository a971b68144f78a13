import { describe, expect, it, test } from "vitest";
import { toImageSource, type WireSource } from "../../../src/azure/arm/sources.js";
import { parentageOf } from "../../../src/image-version/preflight/parents.js";
import { parentNamed } from "../../../src/image-version/properties/parents.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { ImageSource } from "../../../src/image-version/resources.js";
import type { Seen } from "../../../src/bounded-reads.js";
import { seedResource } from "../../support/requests.js";

const BASE = seedResource("galleries/Base/images/rhel9");
const VERSION = `${BASE}/versions/4.12.3`;
const UBUNTU =
  "/Subscriptions/x/Providers/Microsoft.Compute/Locations/westus/Publishers/Canonical/ArtifactTypes/VMImage/Offers/ubuntu-24_04-lts/Skus/server/Versions/24.04.202611110";
const DISK = seedResource("disks/os");
const SNAPSHOT = seedResource("snapshots/os");
const MACHINE = seedResource("virtualMachines/build");
const IMAGE = seedResource("images/build");

const madeOf = (type: string, properties: WireSource["properties"]) =>
  toImageSource(DISK, type, { location: "westus", ...(properties && { properties }) }).madeOf;

describe("what Azure says that a source was made of", () => {
  test.each([
    [
      "a machine of a version",
      "virtualmachines",
      { storageProfile: { imageReference: { id: VERSION, exactVersion: "4.12.3" } } },
      [VERSION],
    ],
    [
      "a machine of the latest",
      "virtualmachines",
      { storageProfile: { imageReference: { id: BASE, exactVersion: "4.12.3" } } },
      [VERSION],
    ],
    [
      "a machine of a definition's latest, in so many words",
      "virtualmachines",
      {
        storageProfile: {
          imageReference: { id: `${BASE}/versions/latest`, exactVersion: "4.1.0" },
        },
      },
      [`${BASE}/versions/4.1.0`],
    ],
    [
      "a machine of a community image",
      "virtualmachines",
      {
        storageProfile: {
          imageReference: {
            communityGalleryImageId: "/CommunityGalleries/pub-1/Images/rhel9",
            exactVersion: "1.2.3",
          },
        },
      },
      ["/CommunityGalleries/pub-1/Images/rhel9/versions/1.2.3"],
    ],
    [
      "a machine of the Marketplace",
      "virtualmachines",
      {
        storageProfile: {
          imageReference: {
            publisher: "Canonical",
            offer: "ubuntu-24_04-lts",
            sku: "server",
            version: "latest",
            exactVersion: "24.04.202611110",
          },
        },
      },
      ["Canonical:ubuntu-24_04-lts:server:24.04.202611110"],
    ],
    [
      "a disk, by either reference",
      "disks",
      { creationData: { galleryImageReference: { id: VERSION }, imageReference: { id: UBUNTU } } },
      [VERSION, "Canonical:ubuntu-24_04-lts:server:24.04.202611110"],
    ],
    ["a snapshot", "snapshots", { creationData: { sourceResourceId: DISK } }, [DISK]],
    ["a managed image", "images", { sourceVirtualMachine: { id: MACHINE } }, [MACHINE]],
    ["an imported disk", "disks", { creationData: {} }, undefined],
  ] as const)("%s", (_, type, properties, expected) => {
    expect(madeOf(type, properties)).toEqual(expected);
  });
});

function source(id: string, more: Partial<ImageSource> = {}): [string, Seen<ImageSource>] {
  const value = { id, provisioningState: "Succeeded", regions: [], osDisk: {}, dataDisks: [] };
  return [id.toLowerCase(), { kind: "found", value: { ...value, ...more } }];
}

const ofProfile = (storageProfile: unknown) =>
  ({ location: "westus", properties: { storageProfile } }) as ImageVersionRequest;
const ofSource = (id: string) => ofProfile({ source: { id } });
const ofDisk = (id: string) => ofProfile({ osDiskImage: { source: { id } } });

describe("parents", () => {
  it("are found through a snapshot and its disk, in whatever case they are written", () => {
    const sources = new Map([
      source(SNAPSHOT, {
        madeOf: [DISK.toUpperCase().replace("/SUBSCRIPTIONS", "/subscriptions")],
      }),
      source(DISK, { madeOf: [VERSION.toUpperCase()] }),
    ]);
    const { ids, endsAt } = parentageOf(ofDisk(SNAPSHOT), sources) ?? {};
    expect(ids?.map((id) => id.toLowerCase())).toEqual([VERSION.toLowerCase()]);
    expect(endsAt).toBeUndefined();
  });

  it("are found through a managed image, its machine and that machine's OS disk", () => {
    const sources = new Map([
      source(IMAGE, { madeOf: [MACHINE] }),
      source(MACHINE, { osDisk: { id: DISK } }),
      source(DISK, { madeOf: [VERSION] }),
    ]);
    expect(parentageOf(ofSource(IMAGE), sources)).toEqual({ ids: [VERSION] });
  });

  it.each([
    ["is gone", { kind: "absent" }],
    ["may not be read", { kind: "denied", action: "read", scope: DISK }],
    ["was not read", undefined],
  ] as const)("are unknown beyond a disk that %s", (_, seen) => {
    const sources = new Map([source(SNAPSHOT, { madeOf: [DISK] })]);
    if (seen) sources.set(DISK.toLowerCase(), seen);
    expect(parentageOf(ofDisk(SNAPSHOT), sources)).toEqual({ ids: [], endsAt: [DISK] });
  });

  it("are unknown beyond a disk of which Azure does not say what it was made of", () => {
    expect(parentageOf(ofDisk(DISK), new Map([source(DISK)]))).toEqual({ ids: [], endsAt: [DISK] });
  });

  it("are not claimed of a blob: nothing was read", () => {
    const profile = { osDiskImage: { source: { uri: "https://s.blob.core.windows.net/a.vhd" } } };
    expect(parentageOf(ofProfile(profile), new Map())).toBeUndefined();
  });

  it("are the version that it is copied from, and the community image", () => {
    expect(parentageOf(ofSource(VERSION), new Map())).toEqual({ ids: [VERSION] });
    const community = "/CommunityGalleries/pub-1/Images/rhel9";
    expect(
      parentageOf(ofProfile({ source: { communityGalleryImageId: community } }), new Map()),
    ).toEqual({ ids: [community] });
  });

  it("are found of a data disk, whose end is no unknown", () => {
    const data = seedResource("disks/data");
    const other = `${BASE}/versions/4.0.0`;
    const request = ofProfile({
      osDiskImage: { source: { id: DISK } },
      dataDiskImages: [
        { lun: 0, source: { id: data } },
        { lun: 1, source: { id: `${data}1` } },
      ],
    });
    const sources = new Map([
      source(DISK, { madeOf: [VERSION] }),
      source(data, { madeOf: [other] }),
      source(`${data}1`, { madeOf: [SNAPSHOT] }),
    ]);
    expect(parentageOf(request, sources)).toEqual({ ids: [VERSION, other] });
  });

  it("end in a circle", () => {
    const sources = new Map([
      source(DISK, { madeOf: [SNAPSHOT] }),
      source(SNAPSHOT, { madeOf: [DISK] }),
    ]);
    expect(parentageOf(ofDisk(DISK), sources)?.endsAt).toHaveLength(1);
  });
});

it.each([
  [VERSION, VERSION],
  ["Canonical:ubuntu-24_04-lts:server:24.04.202611110", "as it is"],
  ["/SharedGalleries/name-1/Images/rhel9/Versions/1.0.0", "as it is"],
  [DISK, undefined],
  [BASE, undefined],
  ["Canonical:ubuntu", undefined],
  ["", undefined],
])("%s names a parent: %s", (text, expected) => {
  expect(parentNamed(text)).toBe(expected === "as it is" ? text : expected);
});
