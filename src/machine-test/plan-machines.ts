/** Plans the machines for a version as Azure has it, and finds what prevents them. Reads only. */
import type { DiskEncryptionSet } from "../keys/ports.js";
import { setToSee } from "../keys/look.js";
import { formatImageVersionId, imageIdOf, type ImageVersionId } from "../resource-id.js";
import { planMachine, type MachinePlan } from "./machine.js";
import type { Refusal, TestDependencies } from "./ports.js";
import { placesOf, type TestProfile } from "./profile.js";
import { proveProfile, within } from "./prove-profile.js";

type Reads = Pick<
  TestDependencies,
  "resourceManager" | "resources" | "looks" | "subscriptions" | "machineReader"
>;

/**
 * The machines for these regions, in the profile's order; undefined if Azure has no such version.
 * Throws what a read throws.
 */
export async function planMachines(
  deps: Reads,
  id: ImageVersionId,
  profile: TestProfile,
  regions: readonly string[],
): Promise<
  | {
      readonly plans: readonly MachinePlan[];
      readonly publishedDate: string | undefined;
    }
  | undefined
> {
  const [version, definition] = await Promise.all([
    deps.resourceManager.getImageVersion(id),
    deps.resources.getImageDefinition(imageIdOf(id)),
  ]);
  if (version === undefined || definition === undefined) return undefined;
  const sets = await readSets(deps, version.resource);
  return {
    publishedDate: version.publishedDate,
    plans: placesOf(profile)
      .filter(({ region }) => regions.includes(region))
      .map((place) =>
        planMachine(
          { ...id, resourceId: formatImageVersionId(id) },
          version.resource,
          definition,
          place,
          sets,
          profile.proof.kind,
        ),
      ),
  };
}

/**
 * Why no machine can be created there now, by the checks of a profile's PUT; undefined: nothing
 * prevents it.
 */
export async function hindranceIn(
  { machineReader: machines, resources, subscriptions }: Reads,
  profile: TestProfile,
  region: string,
): Promise<Refusal | undefined> {
  const findings = await proveProfile(
    { machines, resources, subscriptions },
    within(profile, [region]),
  );
  const errors = (findings ?? []).filter(({ severity }) => severity === "error");
  const [first] = errors;
  return (
    first && {
      code: first.code,
      message: errors.map(({ message, remediation }) => `${message} ${remediation}`).join(" "),
    }
  );
}

/**
 * The sets that the version names. One that cannot be read is left out, and its type is not
 * compared.
 */
async function readSets(
  { resources, looks }: Reads,
  { properties: { publishingProfile } }: Parameters<typeof planMachine>[1],
): Promise<ReadonlyMap<string, DiskEncryptionSet>> {
  const ids = (publishingProfile?.targetRegions ?? []).flatMap(({ encryption }) =>
    [encryption?.osDiskImage, ...(encryption?.dataDiskImages ?? [])].flatMap(
      (disk) => disk?.diskEncryptionSetId ?? [],
    ),
  );
  const sets = new Map<string, DiskEncryptionSet>();
  const read = async (id: string): Promise<void> => {
    const shown = await looks.keys.see(setToSee(resources, id), "act");
    if (shown.value !== undefined) sets.set(id, shown.value);
  };
  await Promise.all([...new Set(ids.map((one) => one.toLowerCase()))].map(read));
  return sets;
}
