import { entries, type Client, type Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import type { Option, Values } from "../options.js";

type Row = Schemas["FoundImageVersion"];

/** Each option with its parameter. */
export const FILTERS = {
  subscriptionId: { names: ["--subscription-id"], help: "ID of the subscription." },
  gallery: {
    names: ["--gallery"],
    help: "Name of the gallery. Default: SIGIL_GALLERY, or the value of sigil configure; '*' for all.",
  },
  image: {
    names: ["--image"],
    help: "Name of the image definition. Default: SIGIL_IMAGE, or the value of sigil configure; '*' for all.",
  },
  version: { names: ["--version"], help: "Version number." },
  latest: { names: ["--latest"], kind: "flag", help: "The latest version in some region." },
  latestIn: { names: ["--latest-in"], help: "The latest version in this region." },
  in: { names: ["--in"], help: "Has this target region." },
  notIn: { names: ["--not-in"], help: "Lacks this target region." },
  olderThan: { names: ["--older-than"], help: "Published before this many days, such as P60D." },
  endOfLifeBefore: {
    names: ["--end-of-life-before"],
    help: "Its end of life is before this time, such as 2027-03-01T00:00:00Z.",
  },
  tag: { names: ["--tag"], help: "Has this tag: name=value." },
} as const satisfies Record<string, Option>;

export const QUERY: Command = {
  words: "image-version query",
  summary: "Find image versions in all galleries",
  description: `Lists the versions that match every given option, by gallery, image definition and number. In names, * stands for any
characters. Only versions that were requested from Sigil are listed, as Sigil saw them last: Azure is not asked. The latest version of a
region is the highest one of these. A region that was not seen yet is Unknown.`,
  options: Object.values(FILTERS),
  columns: [
    { title: "Gallery", of: ({ id }: Row) => id.split("/").at(-5) },
    { title: "Image", of: ({ id }: Row) => id.split("/").at(-3) },
    { title: "Version", of: ({ id }: Row) => id.split("/").at(-1) },
    { title: "LatestIn", of: ({ latestIn }: Row) => latestIn },
    { title: "Regions", of: ({ regions }: Row) => regions.map(({ name }) => name) },
    { title: "Published", of: ({ publishedDate }: Row) => publishedDate?.slice(0, 16) },
    { title: "Seen", of: ({ seenTime }: Row) => seenTime?.slice(0, 16) ?? "not seen yet" },
  ],
  none: "No version matches.",
  examples: [
    ["The latest versions", "sigil image-version query --image 'golden-*' --latest -o table"],
    [
      "IDs of the latest versions that a new region lacks",
      `sigil image-version query --latest --not-in koreacentral --query "[].id" -o tsv`,
    ],
  ],
  async run({ client, values }) {
    return { data: await rowsOf(client, values) };
  },
};

/** The versions that match every given filter, by gallery, image definition and number. */
export async function rowsOf(client: Client, values: Values): Promise<readonly Row[]> {
  const query = Object.fromEntries(
    Object.entries(FILTERS).flatMap(([parameter, { names }]) => {
      const [name] = names;
      const value = name === "--latest" ? values.boolean(name) || undefined : values.text(name);
      return value === undefined ? [] : [[parameter, value]];
    }),
  );
  const rows: Row[] = [];
  for await (const row of entries(client, "queryImageVersions", { query: { ...query, top: 200 } }))
    rows.push(row);
  return rows.sort((a, b) => placeOf(a).localeCompare(placeOf(b), "en", { numeric: true }));
}

/** Gallery, image definition, number. */
function placeOf({ id }: Row): string {
  return id.split("/").slice(8).join("/");
}
