import { expect } from "vitest";
import { naming, type Named } from "../../../support/naming.js";
import type { Severity } from "../../../../src/errors.js";
import { askedOf } from "../../../../src/image-version/commands/asked.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { fieldsOf } from "../../../../src/image-version/properties/fields.js";
import { emptyRecord } from "../../../../src/image-version/state/record.js";
import type { ImageVersionRequest, TargetRegion } from "../../../../src/image-version/contract.js";
import type { Change, Gathered, Known } from "../../../../src/image-version/rules/gathered.js";
import type { Seen } from "../../../../src/bounded-reads.js";
import type { GatheredSubject, RuleFinding } from "../../../../src/image-version/rules/rule.js";
import {
  checkChange,
  checkGathered,
  checkRequest,
} from "../../../../src/image-version/rules/rules.js";
import type { ImageDefinition, ImageSource } from "../../../../src/image-version/resources.js";
import type { DiskEncryptionSet } from "../../../../src/keys/ports.js";

export const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const OTHER = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const COMPUTE = computeOf(SUBSCRIPTION);
export const GALLERY = `${COMPUTE}/galleries/gallery`;
export const DEFINITION = `${GALLERY}/images/image`;
export const VERSION = `${DEFINITION}/versions/1.0.0`;
export const IMAGE = `${COMPUTE}/images/image`;
export const MACHINE = `${COMPUTE}/virtualMachines/vm`;
export const REGIONS = "/properties/publishingProfile/targetRegions";
export const STORAGE = "/properties/storageProfile";
export const NOW = new Date("2026-01-01T00:00:00Z");

export type Storage = ImageVersionRequest["properties"]["storageProfile"];
type Publishing = NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>;

/** What makes a subject another than the good one. */
export interface Changes {
  readonly name?: string;
  readonly regions?: TargetRegion[];
  readonly storage?: Storage;
  readonly location?: string;
  readonly publishing?: Publishing;
  readonly promotion?: NonNullable<ImageVersionRequest["sigil"]>["promotion"];
  readonly sets?: Readonly<Record<string, Partial<DiskEncryptionSet> | Seen<DiskEncryptionSet>>>;
  readonly sources?: Readonly<Record<string, Seen<ImageSource>>>;
  readonly definition?: Partial<ImageDefinition>;
  readonly gathered?: Partial<Gathered>;
  /** What Azure has of the version. */
  readonly existing?: Existing;
}

/** A version that Azure has, by what makes it another than the good one. */
export interface Existing extends Pick<
  Changes,
  "regions" | "storage" | "location" | "publishing" | "promotion"
> {
  /** True where Sigil has neither made nor adopted it. */
  readonly unmanaged?: boolean;
  readonly removeRegions?: readonly string[];
}

export function computeOf(subscriptionId: string): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/rg/providers/Microsoft.Compute`;
}

export function setId(name: string): string {
  return `${COMPUTE}/diskEncryptionSets/${name}`;
}

/** A target region with a set for the OS disk, `{name}-os`, and for each LUN, `{name}-{lun}`. */
export function region(
  name: string,
  luns: readonly number[] = [0],
  more: Partial<TargetRegion> = {},
): TargetRegion {
  return {
    name,
    storageAccountType: "Standard_LRS",
    encryption: {
      osDiskImage: { diskEncryptionSetId: setId(`${name}-os`) },
      dataDiskImages: luns.map((lun) => ({
        lun,
        diskEncryptionSetId: setId(`${name}-${lun}`),
      })),
    },
    ...more,
  };
}

/** A target region with platform-managed keys. */
export function platformKeys(name: string): TargetRegion {
  return { name, storageAccountType: "Standard_LRS" };
}

/** The same for confidential virtual machines. */
export function confidentialRegion(name: string, luns: readonly number[] = [0]): TargetRegion {
  return region(name, luns, {
    encryption: {
      ...region(name, luns).encryption,
      osDiskImage: {
        securityProfile: {
          confidentialVMEncryptionType: "EncryptedWithCmk",
          secureVMDiskEncryptionSetId: setId(`${name}-os`),
        },
      },
    },
  });
}

export function seen<T>(value: T): Seen<T> {
  return { kind: "found", value };
}

export const absent = { kind: "absent" } as const;

export function denied(scope: string, action = "Microsoft.Compute/x/read") {
  return { kind: "denied", action, scope } as const;
}

/** A source as ARM shows it: a Linux image in westus with a data disk at LUN 0. */
export function source(id: string, more: Partial<ImageSource> = {}): Seen<ImageSource> {
  return seen({
    id,
    provisioningState: "Succeeded",
    regions: ["westus"],
    osDisk: {},
    dataDisks: [{ lun: 0 }],
    osType: "Linux",
    osState: "Generalized",
    hyperVGeneration: "V2",
    ...more,
  });
}

/** A managed disk or snapshot as ARM shows it. */
export function disk(id: string, more: Partial<ImageSource> = {}): Seen<ImageSource> {
  return seen({
    id,
    provisioningState: "Succeeded",
    regions: ["westus"],
    osDisk: {},
    dataDisks: [],
    ...more,
  });
}

export const GOOD_DEFINITION: ImageDefinition = {
  id: DEFINITION,
  osType: "Linux",
  osState: "Generalized",
  hyperVGeneration: "V2",
  architecture: "x64",
  securityType: "Standard",
};

/** A subject that breaks no rule, but for the changes. */
export function subject(changes: Changes = {}): GatheredSubject {
  const id = {
    subscriptionId: SUBSCRIPTION,
    resourceGroupName: "rg",
    galleryName: "gallery",
    imageName: "image",
    versionName: changes.name ?? "1.0.0",
  };
  const request = requestOf(changes);
  const change = changes.existing && changeOf(request, changes.existing);
  const gathered: Gathered = {
    gallery: seen({ id: GALLERY, sharing: "Private" }),
    imageDefinition: seen({ ...GOOD_DEFINITION, ...changes.definition }),
    imageVersion: absent,
    diskEncryptionSets: setsWith(changes.sets ?? {}),
    sources: new Map(
      Object.entries({ [IMAGE]: source(IMAGE), ...changes.sources }).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]),
    ),
    sourceDefinitions: new Map(),
    regions: seen([
      { name: "westus", zones: false },
      { name: "eastus2", zones: true },
      { name: "westeurope", zones: true },
    ]),
    registrations: new Map([
      ["Microsoft.Compute", seen("Registered")],
      ["Microsoft.Compute/SIGEncryption", seen("Registered")],
    ]),
    ...changes.gathered,
  };
  return { id, request, now: NOW, gathered, change };
}

function requestOf(changes: Changes): ImageVersionRequest {
  return canonicalForm({
    location: changes.location ?? "westus",
    properties: {
      publishingProfile: {
        targetRegions: changes.regions ?? [region("westus"), region("eastus2")],
        ...changes.publishing,
      },
      storageProfile: changes.storage ?? { source: { id: IMAGE } },
    },
    ...(changes.promotion && { sigil: { promotion: changes.promotion } }),
  });
}

/** What a PUT of the request changes of what Azure has. */
export function changeOf(body: ImageVersionRequest, existing: Existing): Change {
  const observed = requestOf(existing);
  const spec = existing.unmanaged === true ? undefined : fieldsOf(observed);
  const time = NOW.toISOString();
  const { removeRegions = [] } = existing;
  const look = {
    resource: observed,
    provisioningState: "Succeeded",
    regions: [],
    time,
  };
  const { patch } = askedOf(
    { command: {}, body, removeRegions, glance: { look, seen: true } },
    spec && { ...emptyRecord("key", VERSION, time), spec },
  );
  return {
    observed,
    patch,
    ...(spec ? { lastApplied: spec } : { unmanaged: true }),
  };
}

export const OPERATION_ID = "0123456789abcdef0123456789abcdef-1";

/** What Sigil does with the version while another operation runs on it. */
export const KNOWN: Known = {
  operationId: OPERATION_ID,
  deleting: false,
  conflicts: [],
};

/** Everything that the rules find, but what storage Azure chooses: that has its own tests. */
export function findings(changes: Changes): readonly RuleFinding[] {
  const it = subject(changes);
  return [...checkRequest(it), ...checkChange(it), ...checkGathered(it)].filter(
    ({ code }) => code !== "StorageChosenByAzure",
  );
}

/** A finding with that code and pointer, whose message and remediation name these values; empty: any text. */
export function finding(
  code: string,
  pointer: string,
  message: Named,
  remediation: Named,
  severity: Severity = "error",
): unknown {
  return {
    rule: expect.any(String) as string,
    code,
    severity,
    pointer,
    message: textNaming(message),
    remediation: textNaming(remediation),
  };
}

function textNaming(named: Named): unknown {
  return named.length === 0 ? expect.stringMatching(/\w/u) : naming(named);
}

function setsWith(changes: NonNullable<Changes["sets"]>): Gathered["diskEncryptionSets"] {
  const sets = new Map<string, Seen<DiskEncryptionSet>>(
    ["westus", "eastus2"].flatMap((name) =>
      ["os", 0, 1].map((place): [string, Seen<DiskEncryptionSet>] => [
        setId(`${name}-${place}`).toLowerCase(),
        seen(goodSet(`${name}-${place}`, name)),
      ]),
    ),
  );
  for (const [name, change] of Object.entries(changes)) {
    const id = name.startsWith("/") ? name : setId(name);
    const regionName = name.split("-")[0] ?? "";
    sets.set(
      id.toLowerCase(),
      "kind" in change ? change : seen({ ...goodSet(name, regionName), ...change }),
    );
  }
  return sets;
}

export function goodSet(name: string, regionName: string): DiskEncryptionSet {
  return {
    id: setId(name),
    region: regionName,
    provisioningState: "Succeeded",
    encryptionType: "EncryptionAtRestWithCustomerKey",
    keyUrl: `https://vault.vault.azure.net/keys/${name}/1`,
    rotationToLatestKeyVersionEnabled: false,
  };
}
