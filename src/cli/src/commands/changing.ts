import { PreconditionFailedError } from "@sigil/client";
import { answerTo } from "../asking.js";
import { updateOf } from "../az/update.js";
import type { Command, Context } from "../command.js";
import { Ended } from "../exit-codes.js";
import { follow, WAIT_OPTIONS } from "../following.js";
import type { Option } from "../options.js";
import { SAFETY_OPTIONS, TARGET_OPTIONS } from "./create-options.js";
import { DRY_RUN, forecastOf, forecastResult } from "./forecast.js";
import { accepted } from "./operation-columns.js";
import { ALLOW_NO_LATEST, allowNoLatest } from "./no-latest.js";
import { IF_MATCH, VERSION_PLACE, versionIn } from "./places.js";
import { KEY_RULE_OPTIONS, keyRuleOf } from "./sigil-options.js";
import { ended, ifMatch, NO_PLAN, SAMPLE, VERSION_COLUMNS } from "./versions.js";

/** How often an update is made anew of a version that has changed since it was read. */
/** Between its attempts: another instance of Sigil may show the version as it was half a minute ago. */
const UPDATE_PAUSES_MS = [0, 5_000, 10_000, 20_000];

const IGNORE_USE: Option = {
  names: ["--ignore-use"],
  kind: "flag",
  help: "Also where somebody needs it, or that could not be seen; for Admins.",
};

function ignoreUse({ values }: Context): { ignoreUse?: true } {
  return values.boolean("--ignore-use") === true ? { ignoreUse: true } : {};
}

export const UPDATE: Command = {
  words: "image-version update",
  summary: "Change an image version, and wait until Azure shows it",
  description: `The options are those of "az sig image-version update". Paths are az's: publishingProfile.targetRegions. Only
what differs is sent, guarded by the version's ETag; if somebody else has changed the version meanwhile,
it is read and changed again. Regions go by name: --remove publishingProfile.targetRegions eastus2.
The keys of a region that stays are kept.`,
  options: [
    ...VERSION_PLACE,
    ...TARGET_OPTIONS,
    {
      names: ["--remove-regions"],
      kind: "list",
      help: "Regions to remove the version from.",
      group: "Regions",
    },
    ...KEY_RULE_OPTIONS,
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
      help: "A list's path, and what to add: publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3.",
      group: "Generic update",
    },
    {
      names: ["--remove"],
      kind: "list",
      help: "A property's path, or a list's path and the name of one of its entries. An index is refused.",
      group: "Generic update",
    },
    {
      names: ["--force-string"],
      kind: "flag",
      help: "Take the values of --set and --add as text, not as JSON.",
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
      "Other regions and counts",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --target-regions westcentralus=2 eastus2`,
    ],
    [
      "One region more, its keys found by name",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --add publishingProfile.targetRegions name=eastus --os-disk-set-rule '{region}DiskEncryptionSet1' --data-disk-set-rule '{region}DiskEncryptionSet2'`,
    ],
    [
      "One region more, not the latest there",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --add publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3 excludeFromLatest=true`,
    ],
    [
      "Out of latest",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --set publishingProfile.excludeFromLatest=true`,
    ],
    [
      "No deletion until an Admin sets it to false",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --set sigil.protected=true`,
    ],
  ],
  async run(context) {
    const { client, io, note, values } = context;
    const path = versionIn(context);
    const encryption = keyRuleOf(values);
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
          body:
            encryption === undefined
              ? patch
              : {
                  ...patch,
                  sigil: { ...(patch["sigil"] as object), encryption },
                },
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

export const DELETE: Command = {
  words: "image-version delete",
  summary: "Delete an image version, and wait until Azure shows that it is gone",
  description: `Where the gallery has soft delete, the version can be restored for a while: sigil image-version undelete.
Where Sigil knows whose machines are made of the images, what somebody needs is not deleted: the version leaves latest, and 15 minutes
later, unless it is set otherwise, it is asked again who uses it. See sigil image-version use.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--bypass-soft-delete"],
      kind: "flag",
      help: "Delete it for good, though the gallery has soft delete. For Admins.",
    },
    IF_MATCH,
    IGNORE_USE,
    ALLOW_NO_LATEST,
    DRY_RUN,
    {
      names: ["--yes", "-y"],
      kind: "flag",
      help: "Do not ask. Without a terminal nothing is asked.",
    },
    ...WAIT_OPTIONS,
  ],
  async run(context) {
    if (context.values.boolean("--dry-run"))
      return forecastResult(await forecastOf(context, "delete"));
    await mustBeMeant(context);
    const { body } = await context.client.call("deleteImageVersion", {
      path: versionIn(context),
      query: {
        ...(context.values.boolean("--bypass-soft-delete") === true && {
          bypassSoftDelete: true,
        }),
        ...ignoreUse(context),
        ...allowNoLatest(context),
      },
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

/** On a terminal: whether it is final, who uses the version, and its number as the answer. */
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

export const RETRY: Command = {
  words: "image-version retry",
  summary: "Repair the failed regions of an image version, Azure's own way",
  description: "Each is removed and added back, and then waited for.",
  options: [
    ...VERSION_PLACE,
    {
      names: ["--regions"],
      kind: "list",
      help: "Regions that failed. Default: all of them.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  async run(context) {
    const regions = context.values.list("--regions");
    const { body } = await context.client.call("retryImageVersion", {
      path: versionIn(context),
      body: regions === undefined ? {} : { regions: [...regions] },
    });
    return ended(context, body);
  },
};
