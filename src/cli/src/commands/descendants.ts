import { entries, type Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { SAMPLE } from "./versions.js";

type Row = Schemas["Descendant"];

export const DESCENDANTS: Command = {
  words: "image-version descendants",
  summary: "List the versions that were built from an image version",
  description: `Lists direct descendants and their descendants. Sigil knows them from the sources that each version was created
from, or from --built-from.`,
  options: VERSION_PLACE,
  columns: [
    {
      title: "Image",
      of: ({ id, depth }: Row) => `${"  ".repeat(depth - 1)}${id.split("/").at(-3)}`,
    },
    { title: "Version", of: ({ id }: Row) => id.split("/").at(-1) },
    { title: "How", of: ({ how }: Row) => how },
    { title: "LatestIn", of: ({ latestIn }: Row) => latestIn.join(", ") },
    { title: "Revoked", of: ({ revoked }: Row) => (revoked ? "yes" : "") },
  ],
  examples: [
    [
      "IDs of the versions that are the latest somewhere",
      `sigil image-version descendants ${SAMPLE} --gallery-image-version 1.0.0 --query "[?latestIn].id" -o tsv`,
    ],
  ],
  async run(context) {
    const data = [];
    for await (const one of entries(context.client, "listDescendants", {
      path: versionIn(context),
      query: { top: 100 },
    }))
      data.push(one);
    return { data };
  },
};
