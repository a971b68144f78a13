import { entries, PreconditionFailedError, type Client, type Schemas } from "@sigil/client";
import { answerTo } from "../asking.js";
import { commonUpdateOf, updateOf } from "../az/update.js";
import type { Command, Context } from "../command.js";
import { Ended, UsageError } from "../exit-codes.js";
import { follow, WAIT_OPTIONS } from "../following.js";
import type { Option } from "../options.js";
import { SAFETY_OPTIONS, TARGET_OPTIONS } from "./create-options.js";
import { DRY_RUN, forecastOf, forecastResult } from "./forecast.js";
import { accepted } from "./operation-columns.js";
import { takingMany, type Asked } from "./many.js";
import { ALLOW_NO_LATEST, allowNoLatest } from "./no-latest.js";
import { IF_MATCH, VERSION_PLACE, versionIn } from "./places.js";
import { BUILT_FROM, KEY_RULE_OPTIONS, keyRuleOf } from "./sigil-options.js";
import { ended, ifMatch, NO_PLAN, SAMPLE, VERSION_COLUMNS } from "./versions.js";

/**
 * The pauses before each attempt of an update, which repeats if the version changed since it was
 * read. Another instance of Sigil may show the version as it was half a minute ago.
 */
const UPDATE_PAUSES_MS = [0, 5_000, 10_000, 20_000];

const IGNORE_USE: Option = {
  names: ["--ignore-use"],
  kind: "flag",
  help: "Continue even if the version is, or may be, in use. Requires the role ImageVersions.Admin.",
};

function ignoreUse({ values }: Context): { ignoreUse?: true } {
  return values.boolean("--ignore-use") === true ? { ignoreUse: true } : {};
}

const UPDATE_ONE: Command = {
  words: "image-version update",
  summary: "Change an image version, and wait until Azure shows the change",
  description: `Takes the options of "az sig image-version update", with the same paths, such as publishingProfile.targetRegions. Sends
only what differs, and only if the version has not changed since it was read. If it has, the command reads it and applies
your changes again. Name a region to remove it: --remove publishingProfile.targetRegions eastus2. The other regions keep
their keys.`,
  options: [
    ...VERSION_PLACE,
    ...TARGET_OPTIONS,
    {
      names: ["--remove-regions"],
      kind: "list",
      help: "Regions to remove from the version.",
      group: "Regions",
    },
    ...KEY_RULE_OPTIONS,
    BUILT_FROM,
    ...SAFETY_OPTIONS,
    {
      names: ["--set"],
      kind: "list",
      help: "path=value: publishingProfile.excludeFromLatest=true, publishingProfile.targetRegions[name=eastus2].regionalReplicaCount=3.",
      group: "Generic update",
    },
    {
      names: ["--add"],
      kind: "list",
      help: "Path of a list, and the entry to add: publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3.",
      group: "Generic update",
    },
    {
      names: ["--remove"],
      kind: "list",
      help: "Path of a property, or path of a list and the name of an entry. An index is refused.",
      group: "Generic update",
    },
    {
      names: ["--force-string"],
      kind: "flag",
      help: "Read the values of --set and --add as text, not as JSON.",
      group: "Generic update",
    },
    NO_PLAN,
    IGNORE_USE,
    ALLOW_NO_LATEST,
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  examples: [
    [
      "Change regions and replica counts",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --target-regions westcentralus=2 eastus2`,
    ],
    [
      "Add a region, and find its keys by name",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --add publishingProfile.targetRegions name=eastus --os-disk-set-rule '{region}DiskEncryptionSet1' --data-disk-set-rule '{region}DiskEncryptionSet2'`,
    ],
    [
      "Add a region, excluded from latest",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --add publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3 excludeFromLatest=true`,
    ],
    [
      "Exclude from latest",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --set publishingProfile.excludeFromLatest=true`,
    ],
    [
      "Block deletion until an admin sets it to false",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --set sigil.protected=true`,
    ],
  ],
  async run(context) {
    const { client, io, note, values } = context;
    const path = versionIn(context);
    const encryption = keyRuleOf(values);
    const builtFrom = values.list("--built-from");
    const pauses = [...UPDATE_PAUSES_MS];
    for (;;) {
      const { body: version, headers } = await client.call("getImageVersion", {
        path,
      });
      const { patch, removedRegions } = updateOf(version, values, path);
      if (removedRegions.length > 0) note(`Removes the version from ${removedRegions.join(", ")}.`);
      const etag = headers.get("ETag");
      try {
        const answer = await client.call("patchImageVersion", {
          path,
          query: {
            ...(!values.boolean("--no-plan") && { plan: "require" as const }),
            ...(removedRegions.length > 0 && {
              removeRegions: removedRegions.join(","),
            }),
            ...ignoreUse(context),
            ...allowNoLatest(context),
          },
          header: { ...(etag !== null && { "If-Match": etag }) },
          body: withOwn(patch, {
            ...(encryption && { encryption }),
            ...(builtFrom && { builtFrom: [...declaredOf(version), ...builtFrom] }),
          }),
        });
        if (answer.status === 200) note("The version is as requested already.");
        return await ended(context, answer.body);
      } catch (error) {
        const pauseMs = pauses.shift();
        if (!(error instanceof PreconditionFailedError) || pauseMs === undefined) throw error;
        note("The version has changed since it was read. It is read again.");
        if (pauseMs > 0) await io.sleep(pauseMs, io.interrupted);
      }
    }
  },
};

export const UPDATE = takingMany(UPDATE_ONE, { command: "patchImageVersion", asked: updateOfMany });

async function updateOfMany(context: Context, ids: readonly string[]): Promise<Asked> {
  const { client, values } = context;
  if (values.has("--built-from"))
    throw new UsageError("--built-from adds to what each version has. Declare it for each alone.");
  if (values.boolean("--no-plan"))
    throw new UsageError("Every version of a batch is planned. Leave --no-plan out.");
  const { patch, removedRegions, changedRegions } = commonUpdateOf(values);
  const encryption = keyRuleOf(values);
  const body = withOwn(patch, { ...(encryption && { encryption }) });
  if (Object.keys(body).length === 0 && removedRegions.length === 0)
    throw new UsageError("Say what to change, such as --end-of-life-date 2030-12-31.");
  for (const region of changedRegions) await mustHave(client, ids, region);
  return {
    body,
    query: {
      ...(removedRegions.length > 0 && { removeRegions: removedRegions.join(",") }),
      ...ignoreUse(context),
      ...allowNoLatest(context),
    },
  };
}

/** A patch would add the region. Throws UsageError. */
async function mustHave(client: Client, ids: readonly string[], region: string): Promise<void> {
  const having = new Set<string>();
  for await (const { id } of entries(client, "queryImageVersions", {
    query: { in: region, top: 200 },
  }))
    having.add(id.toLowerCase());
  const [first, ...others] = ids.filter((id) => !having.has(id.toLowerCase()));
  if (first !== undefined)
    throw new UsageError(
      `--set changes ${region}, and ${others.length + 1} of the ${ids.length} versions are not in it, as far as Sigil has seen: ${first}. Select with --in ${region}, or add it: --add publishingProfile.targetRegions name=${region}.`,
    );
}

export const ADOPT = takingMany(
  {
    words: "image-version adopt",
    summary: "Let Sigil manage an image version that others created",
    description: `Changes nothing in Azure. From then on Sigil shows the version with its keys, sees changes by others, and applies
promotion rules and retention policies to it.`,
    options: [...VERSION_PLACE, ...WAIT_OPTIONS],
    columns: VERSION_COLUMNS,
    async run(context) {
      const { body } = await context.client.call("patchImageVersion", {
        path: versionIn(context),
        header: { "If-Match": "*" },
        body: {},
      });
      return ended(context, body);
    },
  },
  { command: "patchImageVersion", asked: () => ({ body: {}, ifMatch: "*" }) },
);

function withOwn(patch: Readonly<Record<string, unknown>>, own: object) {
  return Object.keys(own).length === 0
    ? patch
    : { ...patch, sigil: { ...(patch["sigil"] as object | undefined), ...own } };
}

/** Parents that were declared before. A list without them would remove them. */
function declaredOf({ sigil: { parents = [] } }: Schemas["ImageVersion"]): readonly string[] {
  return parents.flatMap(({ id, how }) => (how === "Declared" ? [id] : []));
}

const DELETE_ONE: Command = {
  words: "image-version delete",
  summary: "Delete an image version, and wait until Azure no longer has it",
  description: `If the gallery has soft delete, you can restore the version until its retention ends: sigil image-version undelete.
If Sigil is set to check the use of images, it does not delete a version in use. It excludes the version from latest,
checks its use again after 15 minutes (unless set otherwise), and only then deletes it. See sigil image-version use.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--bypass-soft-delete"],
      kind: "flag",
      help: "Delete the version permanently, even if the gallery has soft delete. Requires the role ImageVersions.Admin.",
    },
    IF_MATCH,
    IGNORE_USE,
    ALLOW_NO_LATEST,
    DRY_RUN,
    {
      names: ["--yes", "-y"],
      kind: "flag",
      help: "Do not ask for confirmation. Without a terminal, the command never asks.",
    },
    ...WAIT_OPTIONS,
  ],
  async run(context) {
    if (context.values.boolean("--dry-run"))
      return forecastResult(await forecastOf(context, "delete"));
    await mustBeMeant(context);
    const { body } = await context.client.call("deleteImageVersion", {
      path: versionIn(context),
      query: deletionOf(context),
      header: ifMatch(context),
    });
    const operation = await follow(context, body);
    if (context.values.boolean("--no-wait")) return accepted(operation);
    const until = operation.softDelete?.hardDeletionTargetTime;
    if (until !== undefined)
      context.note(`It can be restored until ${until}: sigil image-version undelete.`);
    return {};
  },
};

function deletionOf(context: Context) {
  return {
    ...(context.values.boolean("--bypass-soft-delete") === true && { bypassSoftDelete: true }),
    ...ignoreUse(context),
    ...allowNoLatest(context),
  };
}

export const DELETE = takingMany(DELETE_ONE, {
  command: "deleteImageVersion",
  asked: (context) => ({ query: deletionOf(context) }),
});

/**
 * On a terminal, says whether the deletion is final and who uses the version, and asks for its
 * number.
 */
async function mustBeMeant(context: Context): Promise<void> {
  const { io, values, client, note } = context;
  if (!io.stderr.isTTY || values.boolean("--yes")) return;
  const path = versionIn(context);
  const { softDelete, regions } = await forecastOf(context, "delete");
  if (softDelete?.isSoftDeleteEnabled === true)
    note("It can be restored for a while: sigil image-version undelete.");
  for (const { region, from, to } of regions)
    if (from !== to) note(`In ${region} the latest goes from ${from} to ${to ?? "none"}.`);
  const { body: use } = await client.call("getImageUse", { path });
  note(
    `Used by ${use.scaleSets.count} scale sets and ${use.machines.count + use.ephemeralMachines.count} machines.`,
  );
  const { versionName, imageName } = path;
  const answer = await answerTo(context, `Type ${versionName} to delete it in ${imageName}: `);
  if (answer !== versionName) throw new Ended("interrupted", "Not confirmed: nothing was deleted.");
}

const RETRY_ONE: Command = {
  words: "image-version retry",
  summary: "Repair the failed regions of an image version",
  description: "Removes each region, adds it back, and waits until it is usable.",
  options: [
    ...VERSION_PLACE,
    {
      names: ["--regions"],
      kind: "list",
      help: "Failed regions to repair. Default: all of them.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  async run(context) {
    const { body } = await context.client.call("retryImageVersion", {
      path: versionIn(context),
      body: regionsIn(context),
    });
    return ended(context, body);
  },
};

function regionsIn({ values }: Context): { readonly regions?: string[] } {
  const regions = values.list("--regions");
  return regions === undefined ? {} : { regions: [...regions] };
}

export const RETRY = takingMany(RETRY_ONE, {
  command: "retryImageVersion",
  asked: (context) => ({ body: regionsIn(context) }),
});
