import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { SAMPLE } from "./versions.js";

type Row = Schemas["ImageUsers"] & { readonly kind: string };

export const USE: Command = {
  words: "image-version use",
  summary: "Show who uses an image version",
  description: `Scale sets and machines that are made of the version, by its number or as the latest, in the gallery's subscription and in those
that Sigil is told to ask. Azure Resource Graph, which knows them, lags by minutes.`,
  options: VERSION_PLACE,
  columns: [
    { title: "Kind", of: ({ kind }: Row) => kind },
    { title: "Count", of: ({ count }: Row) => count },
    {
      title: "Regions",
      of: ({ regions }: Row) => regions.map(({ name, count }) => `${name} ${count}`).join(", "),
    },
    {
      title: "First",
      of: ({ first }: Row) => first.map(({ id }) => id.split("/").at(-1)).join(", "),
    },
  ],
  rows: (data) => {
    const { scaleSets, ephemeralMachines, machines } = data as Schemas["ImageUse"];
    return [
      { kind: "scale sets", ...scaleSets },
      { kind: "machines with an ephemeral OS disk", ...ephemeralMachines },
      { kind: "other machines", ...machines },
    ];
  },
  examples: [
    [
      "Whether anybody needs it",
      `sigil image-version use ${SAMPLE} --gallery-image-version 1.0.0 --query needed -o tsv`,
    ],
  ],
  async run(context) {
    const { body } = await context.client.call("getImageUse", {
      path: versionIn(context),
    });
    for (const { subscriptionId, message } of body.notSeen)
      context.note(`Not seen in ${subscriptionId}: ${message}`);
    for (const { message } of body.warnings) context.note(message);
    return { data: body };
  },
};
