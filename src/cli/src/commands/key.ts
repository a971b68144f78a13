import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { IMAGE_PLACE, imageIn } from "./places.js";
import { SAMPLE } from "./versions.js";

/** A disk encryption set that versions of an image definition have. */
interface Key extends Omit<Schemas["KeySummary"], "diskEncryptionSet"> {
  readonly diskEncryptionSetId: string;
  readonly versions: readonly string[];
}

export const KEY_COMMANDS: readonly Command[] = [
  {
    words: "key list",
    summary: "List the keys of an image definition's versions",
    description:
      "Each disk encryption set that a version has: until when its key can be used, and what was wrong at Sigil's last look.",
    options: [
      ...IMAGE_PLACE,
      {
        names: ["--at-risk"],
        kind: "flag",
        help: "Only those that something is wrong with.",
      },
    ],
    columns: [
      {
        title: "Set",
        of: ({ diskEncryptionSetId: id }: Key) => id.split("/").at(-1),
      },
      { title: "Versions", of: ({ versions }: Key) => versions },
      {
        title: "Expires",
        of: ({ expiresTime }: Key) => expiresTime?.slice(0, 16),
      },
      {
        title: "Problem",
        of: ({ problems }: Key) => problems.map(({ code }) => code),
      },
      {
        title: "What",
        of: ({ problems, notSeen }: Key) =>
          [...problems, ...notSeen].map(({ message }) => message).join(" "),
      },
    ],
    none: "No keys.",
    examples: [
      ["What has to be looked after", `sigil key list ${SAMPLE} --at-risk`],
    ],
    async run(context) {
      const { body } = await context.client.call("getImageSummary", {
        path: imageIn(context),
      });
      const keys = keysIn(body);
      return {
        data: context.values.boolean("--at-risk")
          ? keys.filter(({ problems }) => problems.length > 0)
          : keys,
      };
    },
  },
];

function keysIn({
  diskEncryptionSets,
  versions,
  keys = [],
}: Schemas["ImageSummary"]): readonly Key[] {
  return diskEncryptionSets.map((diskEncryptionSetId, i) => {
    const looked = keys.find((key) => key.diskEncryptionSet === i);
    const { diskEncryptionSet: _, ...key } = looked ?? {
      problems: [],
      notSeen: [],
    };
    return {
      diskEncryptionSetId,
      ...key,
      versions: versions
        .filter(({ regions }) =>
          regions.some((region) => region.diskEncryptionSets?.includes(i)),
        )
        .map(({ name }) => name),
    };
  });
}
