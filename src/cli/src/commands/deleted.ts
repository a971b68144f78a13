import type { Schemas } from "@sigil/client";
import { answerTo } from "../asking.js";
import type { Command, Context } from "../command.js";
import { Ended, UsageError } from "../exit-codes.js";
import { TIMEOUT, WAIT_OPTIONS } from "../following.js";
import { IMAGE_PLACE, imageIn, VERSION_PLACE, versionIn } from "./places.js";
import { ended, SAMPLE, VERSION_COLUMNS } from "./versions.js";

type Deleted = Schemas["DeletedImageVersion"];

export const UNDELETE: Command = {
  words: "image-version undelete",
  alias: "image-version restore",
  summary: "Restore a soft-deleted image version, and wait until it is usable",
  description: `The gallery must have had soft delete when the version was deleted: sigil image-version list-soft-deleted.
Azure restores the version as it was, with its tags, regions and keys. "restore" is an alias of this command.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--location", "-l"],
      help: "Region that the version was created in. Default: the region that Azure lists.",
    },
    {
      names: ["--tags"],
      kind: "list",
      help: "Refused. Azure restores the tags that the version had.",
    },
    {
      names: ["--allow-replicated-location-deletion"],
      kind: "boolean",
      help: "Refused. Azure restores the version as it was.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  examples: [
    ["Restore a version", `sigil image-version undelete ${SAMPLE} --gallery-image-version 1.0.0`],
  ],
  async run(context) {
    const { client, values } = context;
    if (
      values.list("--tags") !== undefined ||
      values.boolean("--allow-replicated-location-deletion") !== undefined
    )
      throw new UsageError(
        "A version is restored as it was: leave --tags and --allow-replicated-location-deletion out, and change it afterwards with sigil image-version update.",
      );
    await mustBeIn(context, values.text("--location"));
    const { body } = await client.call("restoreImageVersion", {
      path: versionIn(context),
    });
    return ended(context, body);
  },
};

/** Azure restores a version only in the region that it was created in. */
async function mustBeIn(context: Context, location: string | undefined): Promise<void> {
  if (location === undefined) return;
  const { versionName } = versionIn(context);
  const found = (await deletedIn(context)).find(({ name }) => name === versionName);
  const given = location.replace(/\s+/gu, "").toLowerCase();
  if (found !== undefined && found.location !== given)
    throw new Ended(
      "refused",
      `${versionName} was made in ${found.location}, and is restored there: give --location ${found.location}, or none.`,
    );
}

export const LIST_SOFT_DELETED: Command = {
  words: "image-version list-soft-deleted",
  summary: "List the soft-deleted versions of an image definition",
  options: IMAGE_PLACE,
  columns: [
    { title: "Name", of: ({ name }: Deleted) => name },
    { title: "Location", of: ({ location }: Deleted) => location },
    { title: "Deleted", of: (each: Deleted) => each.softDeletedTime },
    { title: "UsableUntil", of: (each: Deleted) => each.consumptionEndTime },
    {
      title: "RestorableUntil",
      of: (each: Deleted) => each.hardDeletionTargetTime,
    },
  ],
  async run(context) {
    return { data: await deletedIn(context) };
  },
};

/** Azure purges at once, but its list may be a few minutes old. */
const PURGE_TIMEOUT_SECONDS = 1_800;

export const PURGE: Command = {
  words: "image-version purge",
  summary:
    "Permanently delete a soft-deleted image version, and wait until Azure no longer lists it",
  description: `Requires the role ImageVersions.Admin. You cannot undo it. The version must be soft-deleted: sigil image-version
list-soft-deleted. Sigil refuses a version that is protected, revoked or being restored.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--yes", "-y"],
      kind: "flag",
      help: "Do not ask for confirmation. Without a terminal, the command never asks.",
    },
    {
      names: ["--no-wait"],
      kind: "flag",
      help: "Do not wait until Azure no longer lists it.",
    },
    { ...TIMEOUT, help: "Maximum number of seconds to wait. Default: 1800." },
  ],
  examples: [
    [
      "Permanently delete a version",
      `sigil image-version purge ${SAMPLE} --gallery-image-version 1.0.0`,
    ],
  ],
  async run(context) {
    const { client, io, values } = context;
    const path = versionIn(context);
    const { versionName, imageName } = path;
    if (io.stderr.isTTY && !values.boolean("--yes")) {
      const answer = await answerTo(
        context,
        `This cannot be undone. Type ${versionName} to delete it for good in ${imageName}: `,
      );
      if (answer !== versionName)
        throw new Ended("interrupted", "Not confirmed: nothing was deleted.");
    }
    const { headers } = await client.call("purgeDeletedVersion", { path });
    if (values.boolean("--no-wait")) return {};
    const pauseSeconds = Math.max(1, Number(headers.get("Retry-After")));
    const timeoutSeconds = values.number("--timeout") ?? PURGE_TIMEOUT_SECONDS;
    for (let seconds = 0; ; seconds += pauseSeconds) {
      const listed = await deletedIn(context);
      if (listed.every(({ name }) => name !== versionName)) return {};
      if (seconds + pauseSeconds > timeoutSeconds)
        throw new Ended(
          "timedOut",
          `Azure accepted it, but still lists the version after ${timeoutSeconds} s: sigil image-version list-soft-deleted.`,
        );
      await io.sleep(pauseSeconds * 1_000, io.interrupted);
    }
  },
};

async function deletedIn(context: Context): Promise<readonly Deleted[]> {
  const { body } = await context.client.call("listDeletedImageVersions", {
    path: imageIn(context),
  });
  return body.value;
}
