/** What only Sigil knows of a request, `sigil` in its body: when the version becomes the latest, and how keys are chosen. */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Option, Values } from "../options.js";

type Promotion = Schemas["Promotion"];
type Wave = Schemas["PromotionWave"];
type Asked = Pick<Schemas["SigilExtension"], "promotion" | "encryption">;

export const KEY_RULE_OPTIONS: readonly Option[] = [
  {
    names: ["--os-disk-set-rule"],
    help: "The OS disk's set in each region that says none, by name, group/name or id: {region}-os. {image} is the image definition.",
    group: "Encryption",
  },
  {
    names: ["--data-disk-set-rule"],
    help: "The same for each data disk: {region}-data-{lun}.",
    group: "Encryption",
  },
  {
    names: ["--disk-set-tag"],
    help: "For disks without a rule: the one set of the region that has this tag, name=value.",
    group: "Encryption",
  },
];

export const SIGIL_OPTIONS: readonly Option[] = [
  ...KEY_RULE_OPTIONS,
  {
    names: ["--promote-when"],
    choices: ["manual", "allRegionsReady", "tested"],
    help: "Keep the version out of latest until it is promoted, until every region is ready, or until its tests have passed.",
    group: "Promotion",
  },
  {
    names: ["--wave"],
    kind: "list",
    help: "Regions that get the version as their latest together, and after what: westus or westus:tested once its tests have passed there, eastus2,eastus:manual when somebody promotes it, eastus2:1440 so many minutes after the wave before. Once for each wave, in their order.",
    group: "Promotion",
  },
  {
    names: ["--promote-results"],
    kind: "list",
    help: "The tests that have to pass, with --promote-when tested and in each wave after tested. Default: sigil/machine, the test by a machine.",
    group: "Promotion",
  },
  {
    names: ["--on-failure"],
    choices: ["halt", "rollBack"],
    help: "What becomes of the waves when a test fails: no further one begins, or the version is out of latest everywhere. Default: halt.",
    group: "Promotion",
  },
];

/** Throws UsageError where they exclude each other. */
export function sigilOf(values: Values): Asked {
  const promotion = promotionOf(values);
  const encryption = keyRuleOf(values);
  return {
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

/** Undefined where none is given. */
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
