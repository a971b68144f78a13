import type { Schemas } from "@sigil/client";
import type { Command, Context, Result } from "../command.js";
import { IMAGE_PLACE, imageIn } from "./places.js";
import { SAMPLE } from "./versions.js";

/** A disk encryption set that versions of an image definition use. */
interface Key extends Omit<Schemas["KeySummary"], "diskEncryptionSet"> {
  readonly diskEncryptionSetId: string;
  readonly versions: readonly string[];
}

export const KEY_COMMANDS: readonly Command[] = [
  {
    words: "key list",
    summary: "List the keys of an image definition's versions",
    description:
      "Prints each disk encryption set of the versions: when its key expires, and what was wrong at Sigil's last check. With --at-risk, stderr shows how many sets are not yet checked, and JSON has `value` and `counts`. The exit code is then 9 if a key is broken, and 8 if no key is broken but a set was not checked in the last two hours.",
    options: [
      ...IMAGE_PLACE,
      {
        names: ["--at-risk"],
        kind: "flag",
        help: "Only show keys with a problem.",
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
    examples: [["List the keys that need attention", `sigil key list ${SAMPLE} --at-risk`]],
    async run(context) {
      const { body } = await context.client.call("getImageSummary", {
        path: imageIn(context),
      });
      const keys = keysIn(body);
      return context.values.boolean("--at-risk") ? atRisk(context, keys) : { data: keys };
    },
  },
];

function atRisk({ note }: Context, keys: readonly Key[]): Result {
  const value = keys.filter(({ problems }) => problems.length > 0);
  const notSeen = keys.filter(({ seenLately }) => !seenLately).length;
  const counts = { sets: keys.length, atRisk: value.length, notSeen };
  note(`${counts.atRisk} of ${counts.sets} sets at risk; ${notSeen} not seen yet.`);
  const isBroken = value.some(({ problems }) =>
    problems.some(({ severity }) => severity === "error"),
  );
  return {
    data: { value, counts },
    rows: () => value,
    none: "No keys at risk.",
    outcome: isBroken ? "broken" : notSeen > 0 ? "inconclusive" : "done",
  };
}

function keysIn({
  diskEncryptionSets,
  versions,
  keys = [],
}: Schemas["ImageSummary"]): readonly Key[] {
  return diskEncryptionSets.map((diskEncryptionSetId, i) => {
    const looked = keys.find((key) => key.diskEncryptionSet === i);
    const { diskEncryptionSet: _, ...key } = looked ?? {
      seenLately: false,
      problems: [],
      notSeen: [],
    };
    return {
      diskEncryptionSetId,
      ...key,
      versions: versions
        .filter(({ regions }) => regions.some((region) => region.diskEncryptionSets?.includes(i)))
        .map(({ name }) => name),
    };
  });
}
