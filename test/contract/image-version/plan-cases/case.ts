/** What is asked of Azure, what a plan finds in it, and whether Azure would have taken it: read by plan-truth.test.ts. */
import { seedResource } from "../../../support/requests.js";
import { HOME, type Ask, type Trial } from "../../../support/trial.js";

export interface Case {
  readonly name: string;
  readonly ask: (trial: Trial) => Ask | Promise<Ask>;
  /** The codes of the plan's errors; absent: it lets the request pass. */
  readonly codes?: readonly string[];
  /** The same request once what the findings say is done: nothing is found, and Azure makes it. */
  readonly mended?: Case["ask"];
  /** Why the plan stops what Azure would take. */
  readonly stricter?: string;
  /** Where Azure's refusal is less exact than the plan, or names another mistake first: its code in the same vocabulary. */
  readonly azureSays?: string;
}

export const PLAIN = [{ name: HOME }, { name: "eastus2" }];
export const SNAPSHOTS = {
  osDiskImage: { source: { id: seedResource("snapshots/myOSSnapshot") } },
  dataDiskImages: [{ lun: 0, source: { id: seedResource("snapshots/myDDSnapshot") } }],
};

/** A definition of its own for one case, in the seed's gallery. */
export async function definition(
  trial: Trial,
  properties: Record<string, unknown>,
): Promise<string> {
  const name = trial.name("image");
  await trial.put(trial.of.imageDefinition("MyGallery", name, HOME, properties));
  return `galleries/MyGallery/images/${name}`;
}

/** A managed disk of this type, or size, and what else is given. */
export function diskOf(
  trial: Trial,
  word: string,
  properties: Record<string, unknown> = {},
  sku?: string,
): Promise<string> {
  const disk = trial.of.disk("disks", trial.name(word), HOME, { os: true }, properties);
  return trial.put(sku === undefined ? disk : { ...disk, sku: { name: sku } });
}

export const snapshotOf = (
  trial: Trial,
  word: string,
  properties: Record<string, unknown>,
): Promise<string> =>
  trial.put(trial.of.disk("snapshots", trial.name(word), HOME, { os: true }, properties));

/** Properties of a confidential VM's disk. */
export const CONFIDENTIAL = {
  securityProfile: { securityType: "ConfidentialVM_DiskEncryptedWithPlatformKey" },
};

export const securityType = (value: string) => ({ features: [{ name: "SecurityType", value }] });
