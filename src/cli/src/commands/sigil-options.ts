/**
 * The `sigil` member of a body, which Azure does not have: when the version becomes the latest, and
 * how its keys are chosen.
 */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Option, Values } from "../options.js";

type Promotion = Schemas["Promotion"];
type Wave = Schemas["PromotionWave"];
type Asked = Pick<Schemas["SigilExtension"], "promotion" | "encryption" | "builtFrom" | "capture">;

export const KEY_RULE_OPTIONS: readonly Option[] = [
  {
    names: ["--os-disk-set-rule"],
    help: "Disk encryption set of the OS disk in each region without one of its own, by name, group/name or ID: {region}-os. {image} stands for the image definition.",
    group: "Encryption",
  },
  {
    names: ["--data-disk-set-rule"],
    help: "Disk encryption set of each data disk, in the same way: {region}-data-{lun}.",
    group: "Encryption",
  },
  {
    names: ["--disk-set-tag"],
    help: "For disks without a rule: use the only set in the region that has this tag, name=value.",
    group: "Encryption",
  },
];

export const BUILT_FROM: Option = {
  names: ["--built-from"],
  kind: "list",
  help: "Image versions that this one was built from, by ID, and Marketplace images, by URN. Use it if the source does not show it. The revocation of one of them names this version.",
  group: "Source",
};

const CAPTURE: Option = {
  names: ["--capture"],
  choices: ["snapshots"],
  help: "Create snapshots of the disks of --virtual-machine, which is stopped or deallocated, and the version from them. Sigil deletes the snapshots when every region is Completed. A Trusted Launch machine with customer-managed keys needs this.",
  group: "Source",
};

export const SIGIL_OPTIONS: readonly Option[] = [
  ...KEY_RULE_OPTIONS,
  CAPTURE,
  BUILT_FROM,
  {
    names: ["--promote-when"],
    choices: ["manual", "allRegionsReady", "tested"],
    help: "Exclude the version from latest until someone promotes it (manual), every region is ready, or its tests have passed.",
    group: "Promotion",
  },
  {
    names: ["--wave"],
    kind: "list",
    help: "Regions to promote the version in together, and when: westus or westus:tested when its tests have passed there; eastus2,eastus:manual when someone promotes it; eastus2:1440 that many minutes after the previous wave. Repeat the option for each wave, in order.",
    group: "Promotion",
  },
  {
    names: ["--promote-results"],
    kind: "list",
    help: "Tests that must pass, for --promote-when tested and for each wave with tested. Default: sigil/machine, the test on a machine.",
    group: "Promotion",
  },
  {
    names: ["--on-failure"],
    choices: ["halt", "rollBack"],
    help: "What to do when a test fails: start no further wave (halt), or exclude the version from latest in all regions (rollBack). Default: halt.",
    group: "Promotion",
  },
];

/** Throws UsageError if options exclude each other. */
export function sigilOf(values: Values): Asked {
  const promotion = promotionOf(values);
  const encryption = keyRuleOf(values);
  const builtFrom = values.list("--built-from");
  const capture = values.text("--capture") as Asked["capture"];
  return {
    ...(capture !== undefined && { capture }),
    ...(builtFrom !== undefined && { builtFrom: [...builtFrom] }),
    ...(promotion !== undefined && { promotion }),
    ...(encryption !== undefined && { encryption }),
  };
}

function promotionOf(values: Values): Promotion | undefined {
  const when = values.text("--promote-when") as Promotion["when"] | undefined;
  const waves = values.all("--wave");
  const results = values.list("--promote-results");
  const onFailure = values.text("--on-failure") as Promotion["onFailure"];
  if (waves.length > 0 && when !== undefined)
    throw new UsageError("Waves are a rule of their own: leave --promote-when out.");
  if (onFailure !== undefined && waves.length === 0)
    throw new UsageError("--on-failure goes with --wave.");
  const tests = results === undefined ? {} : { results: [...results] };
  if (waves.length > 0)
    return {
      when: "waves",
      waves: waves.map((text) => {
        const wave = waveOf(text);
        return wave.after === "tested" ? { ...wave, ...tests } : wave;
      }),
      ...(onFailure !== undefined && { onFailure }),
    };
  if (results !== undefined && when !== "tested")
    throw new UsageError("--promote-results goes with --wave, or with --promote-when tested.");
  return when === undefined ? undefined : { when, ...tests };
}

function waveOf(text: string): Wave {
  const [, regions = "", after = "tested"] =
    /^([^:]+)(?::(tested|manual|\d{1,5}))?$/iu.exec(text) ?? [];
  if (regions === "")
    throw new UsageError(
      `--wave is regions and after what, such as westus, eastus2,eastus:manual or eastus2:1440; not "${text}".`,
    );
  return {
    regions: regions.split(","),
    after: /^\d/u.test(after)
      ? { minutes: Number(after) }
      : (after.toLowerCase() as "tested" | "manual"),
  };
}

/** Undefined if no option is given. */
export function keyRuleOf(values: Values): Asked["encryption"] {
  const osDisk = values.text("--os-disk-set-rule");
  const dataDisks = values.text("--data-disk-set-rule");
  const tag = values.text("--disk-set-tag");
  return osDisk === undefined && dataDisks === undefined && tag === undefined
    ? undefined
    : {
        ...(osDisk !== undefined && { osDisk }),
        ...(dataDisks !== undefined && { dataDisks }),
        ...(tag !== undefined && { tag }),
      };
}
